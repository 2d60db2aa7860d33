package memfs

import (
	"math"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/vfs"
)

// handle is an open regular file.
type handle struct {
	vfs.BaseFile
	f       *file
	noatime bool
	cred    *vfs.Cred // of who opened it: whether writes keep setuid bits
	writes  bool      // it counts as a writer of f
}

// Stat is fstat(2).
func (h *handle) Stat() (linux.Stat, linux.Errno) { return h.f.Stat() }

// Read is pread(2).
func (h *handle) Read(p []byte, off int64) (int, linux.Errno) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	n, e := h.f.read(p, off)
	if !h.noatime {
		h.f.accessed()
	}
	return n, e
}

// Write is pwrite(2).
func (h *handle) Write(p []byte, off int64) (int, linux.Errno) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	if len(p) > 0 {
		h.dropPriv()
	}
	f := h.f
	f.mu.Lock()
	defer f.mu.Unlock()
	p, e := f.sealedLocked(p, off)
	if e != 0 {
		return 0, e
	}
	return f.writeLocked(p, off)
}

// Append writes at the end.
func (h *handle) Append(p []byte) (int, int64, linux.Errno) {
	if len(p) > 0 {
		h.dropPriv()
	}
	f := h.f
	f.mu.Lock()
	defer f.mu.Unlock()
	off := f.size.Load()
	p, e := f.sealedLocked(p, off)
	if e != 0 {
		return 0, 0, e
	}
	n, e := f.writeLocked(p, off)
	return n, off + int64(n), e
}

// dropPriv clears setuid bits before a write of others than root.
func (h *handle) dropPriv() {
	if h.f.mode.Load()&(linux.S_ISUID|linux.S_ISGID) != 0 {
		if kill := h.cred.Kill(h.f.Perm()); kill != 0 {
			h.f.setAttr(&vfs.Attr{Set: kill})
		}
	}
}

// Truncate is ftruncate(2).
func (h *handle) Truncate(size int64) linux.Errno {
	h.dropPriv()
	return h.f.truncate(size, true)
}

// SeekHole serves SEEK_DATA and SEEK_HOLE.
func (h *handle) SeekHole(off int64, whence int) (int64, linux.Errno) {
	f := h.f
	f.mu.RLock()
	defer f.mu.RUnlock()
	size := f.size.Load()
	if off < 0 || off >= size {
		return 0, linux.ENXIO
	}
	if f.memory != nil {
		n, err := unix.Seek(f.memory.fd, off, whence)
		return n, linux.From(err)
	}
	i := off / pageSize
	if whence == linux.SEEK_HOLE {
		for f.dataLocked(i) {
			i++
		}
		return min(max(i*pageSize, off), size), 0
	}
	for !f.dataLocked(i) {
		next, ok := i+1, i+1 < f.basePages()
		if !ok {
			next, ok = f.pages.next(i + 1)
		}
		if !ok || next*pageSize >= size {
			return 0, linux.ENXIO
		}
		i = next
	}
	if i*pageSize >= size {
		return 0, linux.ENXIO
	}
	return max(i*pageSize, off), 0
}

// Sync has nothing to do.
func (h *handle) Sync() linux.Errno { return 0 }

// Version identifies the content: the base never changes, and every change here counts
// under the lock of the content.
func (h *handle) Version() (id [2]uint64, version uint64, stable bool) {
	f := h.f
	f.mu.RLock()
	defer f.mu.RUnlock()
	return [2]uint64{f.fs.opts.Dev, f.ino}, f.version, f.memory == nil || f.memory.writers == 0 || mutant.Off("mapping.unstable")
}

// Digest is that of the base, if it knows it and nobody has ever changed the file: then the content was verified when the base was opened.
func (h *handle) Digest() (sum [32]byte, known bool) {
	f := h.f
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.base == nil || f.version != 0 || f.memory != nil || f.pages.count != 0 {
		return sum, false
	}
	base, e := f.base.get()
	if e != 0 {
		return sum, false // and reading it will say so
	}
	v, known := base.(vfs.Verified)
	if known {
		sum = v.SHA256()
	}
	return sum, known
}

// Close ends the handle.
func (h *handle) Close() {
	if h.writes {
		h.f.EndWrite()
	}
	h.f.Unpin()
}

// Uncounted makes a handle that was just opened no writer, whatever it is open for.
func (h *handle) Uncounted() {
	if h.writes {
		h.f.EndWrite()
		h.writes = false
	}
}

// Allocate is fallocate(2).
func (h *handle) Allocate(mode uint32, off, n int64) linux.Errno {
	const keep, punch, zero = linux.FALLOC_FL_KEEP_SIZE, linux.FALLOC_FL_PUNCH_HOLE, linux.FALLOC_FL_ZERO_RANGE
	switch {
	case off < 0 || n <= 0:
		return linux.EINVAL
	case off > math.MaxInt64-n:
		return linux.EFBIG
	case mode != 0 && mode != keep && mode != punch|keep && mode != zero && mode != zero|keep:
		return linux.EOPNOTSUPP
	}
	h.dropPriv()
	f := h.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.allocatableLocked(mode, off, n); e != 0 {
		return e
	}
	f.changesLocked() // first: what fails half-way has changed something, too
	if mode&(punch|zero) != 0 {
		if e := f.zeroLocked(off, off+n); e != 0 {
			return e
		}
	}
	if mode&punch == 0 {
		if e := f.allocateLocked(off/pageSize, (off+n-1)/pageSize+1); e != 0 {
			return e
		}
		if mode&keep == 0 && off+n > f.size.Load() {
			if e := f.growLocked(off + n); e != 0 {
				return e
			}
		}
	}
	if f.memory == nil {
		f.countLocked()
	}
	f.touch()
	return 0
}
