package hostfs

import (
	"bytes"
	"container/list"
	"encoding/binary"
	"sync"
	"weak"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// dir is a directory.
type dir struct {
	node

	// guarded by fdCache.mu; not used of the root
	fd   int
	refs int
	elem *list.Element // nil: fd is closed

	mu sync.Mutex

	// guarded by mu
	known map[string]weak.Pointer[vfs.Entry]
	sweep int // size of known at which dead ones are thrown out
}

// Stat is stat(2).
func (d *dir) Stat() (linux.Stat, linux.Errno) {
	fd, e := d.acquire()
	if e != 0 {
		return linux.Stat{}, e
	}
	defer d.release()
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return linux.Stat{}, from(err)
	}
	return d.see(&s), 0
}

// SetAttr changes mode, owner and times.
func (d *dir) SetAttr(a *vfs.Attr) linux.Errno {
	if d.fs.opts.ReadOnly {
		return linux.EROFS
	}
	fd, e := d.acquire()
	if e != 0 {
		return e
	}
	defer d.release()
	if err := d.change(fd, "", a); err != nil {
		return from(err)
	}
	_, e = d.Stat()
	return e
}

// with locks the directory's names and calls f with a descriptor of it.
func (d *dir) with(f func(fd int) linux.Errno) linux.Errno {
	fd, e := d.acquire()
	if e != 0 {
		return e
	}
	defer d.release()
	d.mu.Lock()
	defer d.mu.Unlock()
	return f(fd)
}

// Lookup looks at the host each time.
func (d *dir) Lookup(_ *vfs.Context, at *vfs.Entry, name string) (ent *vfs.Entry, e linux.Errno) {
	e = d.with(func(fd int) linux.Errno {
		ent, e = d.findLocked(fd, at, name)
		return e
	})
	return ent, e
}

// findLocked looks name up in fd. Precondition: mu is held.
func (d *dir) findLocked(fd int, at *vfs.Entry, name string) (*vfs.Entry, linux.Errno) {
	var s unix.Stat_t
	if err := unix.Fstatat(fd, name, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, from(err)
	}
	if s.Dev != d.fs.dev {
		return nil, linux.EXDEV
	}
	if ent := d.known[name].Value(); ent != nil && same(ent.Node(), &s) {
		return ent, 0
	}
	ent := d.fs.newEntry(at, name, &s)
	d.rememberLocked(name, ent)
	return ent, 0
}

// same reports whether n is the node that s describes, and if so looks at s.
func same(n vfs.Node, s *unix.Stat_t) bool {
	var m *node
	switch n := n.(type) {
	case *dir:
		m = &n.node
	case *file:
		m = &n.node
	case *link:
		m = &n.node
	case *other:
		m = &n.node
	}
	if !m.is(s) {
		return false
	}
	m.see(s)
	return true
}

// newEntry makes an entry and its node.
func (fs *FS) newEntry(at *vfs.Entry, name string, s *unix.Stat_t) *vfs.Entry {
	var n vfs.Node
	var m *node
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		d := &dir{fd: -1}
		n, m = d, &d.node
	case unix.S_IFREG:
		f := &file{fresh: -1}
		n, m = f, &f.node
	case unix.S_IFLNK:
		l := new(link)
		n, m = l, &l.node
	default:
		o := new(other)
		n, m = o, &o.node
	}
	m.init(fs, s)
	m.entry = vfs.NewEntry(at, name, n)
	return m.entry
}

// rememberLocked records an entry. Precondition: mu is held.
func (d *dir) rememberLocked(name string, ent *vfs.Entry) {
	if d.known == nil {
		d.known, d.sweep = map[string]weak.Pointer[vfs.Entry]{}, 64
	}
	if len(d.known) >= d.sweep {
		for k, w := range d.known {
			if w.Value() == nil {
				delete(d.known, k)
			}
		}
		d.sweep = max(64, 2*len(d.known))
	}
	d.known[name] = weak.Make(ent)
}

// holdsLocked reports whether ent is the entry of its name. Precondition: mu is held.
func (d *dir) holdsLocked(ent *vfs.Entry) bool { return d.known[ent.Name()].Value() == ent }

// Open makes a handle.
func (d *dir) Open(_ *vfs.Context, flags uint32) (vfs.File, linux.Errno) {
	dfd, e := d.acquire()
	if e != 0 {
		return nil, e
	}
	defer d.release()
	noatime := int(flags & linux.O_NOATIME)
	fd, err := openAt(dfd, ".", unix.O_RDONLY|unix.O_DIRECTORY|noatime, 0)
	if err == unix.EPERM && noatime != 0 { // it is not the kernel's own
		fd, err = openAt(dfd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	}
	if err != nil {
		return nil, from(err)
	}
	return &dirHandle{d: d, fd: fd}, 0
}

// dirHandle is an open directory.
type dirHandle struct {
	vfs.BaseFile
	d  *dir
	fd int // -1: it was removed before the container was saved

	mu sync.Mutex // held while the position of fd matters
}

// Stat is fstat(2).
func (h *dirHandle) Stat() (linux.Stat, linux.Errno) {
	var s unix.Stat_t
	if h.fd < 0 {
		p := h.d.Perm()
		return linux.Stat{Dev: h.d.fs.opts.Dev, Ino: h.d.ino, Mode: p.Mode, UID: p.UID, GID: p.GID}, 0
	}
	if err := unix.Fstat(h.fd, &s); err != nil {
		return linux.Stat{}, from(err)
	}
	return h.d.see(&s), 0
}

// Read refuses.
func (h *dirHandle) Read([]byte, int64) (int, linux.Errno) { return 0, linux.EISDIR }

// Sync writes the directory to the host's disk.
func (h *dirHandle) Sync() linux.Errno { return from(unix.Fsync(h.fd)) }

// HostFD is the descriptor.
func (h *dirHandle) HostFD() int { return h.fd }

// Close closes it.
func (h *dirHandle) Close() { closeFD(h.fd) }

// ReadDir lists names, with the host's cookies.
func (h *dirHandle) ReadDir(_ *vfs.Context, cookie int64, emit func(*linux.Dirent) bool) linux.Errno {
	buf := make([]byte, 16<<10)
	for {
		n, e := h.getdents(cookie, buf)
		if e != 0 || n == 0 {
			return e
		}
		for p := buf[:n]; len(p) > 0; {
			length := int(binary.LittleEndian.Uint16(p[16:]))
			name, _, _ := bytes.Cut(p[19:length], []byte{0})
			ent := linux.Dirent{
				Ino: binary.LittleEndian.Uint64(p), Off: int64(binary.LittleEndian.Uint64(p[8:])),
				Type: p[18], Name: string(name),
			}
			if ent.Name == ".." && h.d == h.d.fs.root.Node() {
				ent.Ino = h.d.ino // what lies above is not shown
			}
			if !emit(&ent) {
				return 0
			}
			cookie, p = ent.Off, p[length:]
		}
	}
}

// getdents reads what comes after the cookie.
func (h *dirHandle) getdents(cookie int64, buf []byte) (int, linux.Errno) {
	if h.fd < 0 {
		return 0, linux.ENOENT
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := unix.Seek(h.fd, cookie, unix.SEEK_SET); err != nil {
		return 0, from(err)
	}
	n, err := unix.Getdents(h.fd, buf)
	return n, from(err)
}
