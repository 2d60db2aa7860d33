package fd

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Offset gives the offset (/proc/PID/fdinfo).
func (d *Description) Offset() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.offset
}

// Lseek is lseek(2).
func (d *Description) Lseek(off int64, whence int) (int64, linux.Errno) {
	if d.stream {
		if s, ok := d.file.(vfs.Seeker); ok {
			return s.Lseek(off, whence, 0)
		}
		return 0, linux.ESPIPE
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	to, e := d.targetLocked(off, whence)
	if e != 0 {
		return 0, e
	}
	if to < 0 {
		return 0, linux.EINVAL
	}
	d.offset = to
	return to, 0
}

// targetLocked gives the offset that a seek leads to; negative if it overflows.
func (d *Description) targetLocked(off int64, whence int) (int64, linux.Errno) {
	if s, ok := d.File().(vfs.Seeker); ok {
		return s.Lseek(off, whence, d.offset)
	}
	switch whence {
	case linux.SEEK_SET:
		return off, 0
	case linux.SEEK_CUR:
		return add(d.offset, off)
	}
	if h, ok := d.File().(vfs.HoleSeeker); ok && (whence == linux.SEEK_DATA || whence == linux.SEEK_HOLE) {
		return h.SeekHole(off, whence)
	}
	st, e := d.File().Stat()
	if e != 0 {
		return 0, e
	}
	switch whence {
	case linux.SEEK_END:
		return add(st.Size, off)
	case linux.SEEK_DATA, linux.SEEK_HOLE:
		if off < 0 || off >= st.Size {
			return 0, linux.ENXIO
		}
		if whence == linux.SEEK_HOLE {
			return st.Size, 0
		}
		return off, 0
	}
	return 0, linux.EINVAL
}

// add gives a+b; EOVERFLOW where it is no offset.
func add(a, b int64) (int64, linux.Errno) {
	sum := a + b
	if b > 0 && sum < a {
		return 0, linux.EOVERFLOW
	}
	return sum, 0
}

// ReadDir calls emit with the directory's entries after the offset and moves the offset
// behind those that emit took.
func (d *Description) ReadDir(c *vfs.Context, emit func(*linux.Dirent) bool) linux.Errno {
	if !d.Readable() {
		return linux.EBADF
	}
	dir, ok := d.File().(vfs.DirReader)
	if !ok {
		return linux.ENOTDIR
	}
	defer d.path.Tell(linux.IN_ACCESS)
	d.mu.Lock()
	defer d.mu.Unlock()
	return dir.ReadDir(c, d.offset, func(e *linux.Dirent) bool {
		if !emit(e) {
			return false
		}
		d.offset = e.Off
		return true
	})
}

// Advance moves the offset forward by what a copy took from there.
func (d *Description) Advance(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.offset += n
}
