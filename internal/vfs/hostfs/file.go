package hostfs

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// file is a regular file.
type file struct {
	node
	vfs.Writers // of this container; the host's own are not known

	mu sync.Mutex

	// guarded by mu
	fresh int          // open since its creation, for the open that created it; else -1
	open  map[int]bool // descriptors of handles
	uses  *uses        // of mappings; nil until the first

	content *os.File // while a file without a name is being loaded
}

// keep stores the descriptor of a file that was just made.
func (f *file) keep(fd int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	closeFD(f.fresh)
	f.fresh = fd
}

// take gives that descriptor, or -1.
func (f *file) take() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	fd := f.fresh
	f.fresh = -1
	return fd
}

// SetAttr changes attributes, the size last.
func (f *file) SetAttr(a *vfs.Attr) linux.Errno {
	const rest = vfs.SetMode | vfs.SetUID | vfs.SetGID | vfs.SetAtime | vfs.SetMtime
	if a.Set&rest != 0 || a.Set == 0 {
		if e := f.setAttr(a); e != 0 {
			return e
		}
	}
	if a.Set&vfs.SetSize == 0 {
		return 0
	}
	if !f.BeginWrite() {
		return linux.ETXTBSY
	}
	defer f.EndWrite()
	fd, e := f.openHost(unix.O_WRONLY)
	if e != 0 {
		return e
	}
	defer unix.Close(fd)
	// truncate(2), as against ftruncate(2), leaves the times of a file that has the size.
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err == nil && s.Size == a.Size {
		return 0
	}
	return from(unix.Ftruncate(fd, a.Size))
}

func (f *file) setAttr(a *vfs.Attr) linux.Errno {
	if !f.entry.Removed() || f.fs.opts.ReadOnly {
		return f.node.SetAttr(a)
	}
	return f.through(func(fd int) linux.Errno { return from(f.change(fd, "", a)) })
}

// openHost opens the file on the host, and checks that it is this one. Should something
// else have taken its name, opening that has had no effect: O_NONBLOCK and O_NOCTTY see to
// it.
func (f *file) openHost(mode int) (fd int, e linux.Errno) {
	if f.fs.opts.ReadOnly && mode&unix.O_ACCMODE != unix.O_RDONLY {
		return -1, linux.EROFS
	}
	fd = -1
	_, e = f.reach(func(dfd int, name string) (err error) {
		fd, err = openAt(dfd, name, mode|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		return err
	})
	if e != 0 {
		return -1, e
	}
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || !f.is(&s) {
		unix.Close(fd)
		return -1, linux.ESTALE
	}
	return fd, 0
}

// Open makes a handle.
func (f *file) Open(_ *vfs.Context, flags uint32) (vfs.File, linux.Errno) {
	writes, truncates := flags&linux.O_ACCMODE != linux.O_RDONLY, flags&linux.O_TRUNC != 0
	if (writes || truncates) && !f.BeginWrite() {
		return nil, linux.ETXTBSY
	}
	h, e := f.openHandle(flags)
	if (writes || truncates) && (e != 0 || !writes) {
		f.EndWrite()
	}
	if e != 0 {
		return nil, e
	}
	h.writes = writes
	return h, 0
}

func (f *file) openHandle(flags uint32) (*handle, linux.Errno) {
	if fd := f.take(); fd >= 0 {
		return f.handle(fd), 0
	}
	mode := int(flags & linux.O_ACCMODE)
	if mode == linux.O_ACCMODE {
		mode = unix.O_RDWR
	}
	if flags&linux.O_TRUNC != 0 && mode == unix.O_RDONLY {
		mode = unix.O_RDWR
	}
	fd, e := f.openHost(mode | int(flags&linux.O_NOATIME))
	if e == linux.EPERM && flags&linux.O_NOATIME != 0 { // it is not the kernel's own file
		fd, e = f.openHost(mode)
	}
	if e != 0 {
		return nil, e
	}
	if flags&linux.O_TRUNC != 0 {
		if err := unix.Ftruncate(fd, 0); err != nil {
			unix.Close(fd)
			return nil, from(err)
		}
	}
	return f.handle(fd), 0
}

// handle makes a handle of fd.
func (f *file) handle(fd int) *handle {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = map[int]bool{}
	}
	f.open[fd] = true
	return &handle{f: f, fd: fd}
}

// through calls g with the descriptor of some handle: a file without a name can still be
// reached so.
func (f *file) through(g func(fd int) linux.Errno) linux.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	for fd := range f.open {
		return g(fd)
	}
	return linux.ENOENT
}

// Stat is stat(2).
func (f *file) Stat() (s linux.Stat, e linux.Errno) {
	if !f.entry.Removed() {
		return f.node.Stat()
	}
	e = f.through(func(fd int) linux.Errno {
		var h unix.Stat_t
		err := unix.Fstat(fd, &h)
		if err == nil {
			s = f.see(&h)
		}
		return from(err)
	})
	return s, e
}

// handle is an open regular file.
type handle struct {
	vfs.BaseFile
	f      *file
	fd     int
	writes bool // it counts as a writer of f

	mu sync.Mutex // held while the position of fd matters
}

// Stat is fstat(2).
func (h *handle) Stat() (linux.Stat, linux.Errno) {
	var s unix.Stat_t
	if err := unix.Fstat(h.fd, &s); err != nil {
		return linux.Stat{}, from(err)
	}
	return h.f.see(&s), 0
}

// Read is pread(2).
func (h *handle) Read(p []byte, off int64) (int, linux.Errno) {
	for {
		n, err := unix.Pread(h.fd, p, off)
		if err != unix.EINTR {
			return max(n, 0), from(err)
		}
	}
}

// Write is pwrite(2).
func (h *handle) Write(p []byte, off int64) (int, linux.Errno) {
	for {
		n, err := unix.Pwrite(h.fd, p, off)
		if err != unix.EINTR {
			return max(n, 0), from(err)
		}
	}
}

// Append writes at the end, wherever the host's programs have put it.
func (h *handle) Append(p []byte) (int, int64, linux.Errno) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		n, err := unix.Pwritev2(h.fd, [][]byte{p}, -1, unix.RWF_APPEND)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, 0, from(err)
		}
		end, err := unix.Seek(h.fd, 0, unix.SEEK_CUR)
		return n, end, from(err)
	}
}

// Truncate is ftruncate(2).
func (h *handle) Truncate(size int64) linux.Errno { return from(unix.Ftruncate(h.fd, size)) }

// Allocate is fallocate(2).
func (h *handle) Allocate(mode uint32, off, n int64) linux.Errno {
	const known = linux.FALLOC_FL_KEEP_SIZE | linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_ZERO_RANGE
	if mode&^known != 0 {
		return linux.EOPNOTSUPP
	}
	return from(unix.Fallocate(h.fd, mode, off, n))
}

// SeekHole serves SEEK_DATA and SEEK_HOLE.
func (h *handle) SeekHole(off int64, whence int) (int64, linux.Errno) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := unix.Seek(h.fd, off, whence)
	return n, from(err)
}

// Sync writes the file to the host's disk.
func (h *handle) Sync() linux.Errno { return from(unix.Fsync(h.fd)) }

// HostFD is the descriptor.
func (h *handle) HostFD() int { return h.fd }

// Close closes it.
func (h *handle) Close() {
	if h.writes {
		h.f.EndWrite()
	}
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	delete(h.f.open, h.fd)
	unix.Close(h.fd)
}
