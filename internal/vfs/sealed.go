package vfs

import "vkernel/internal/linux"

// Content is bytes that the kernel has hashed. They are never changed.
type Content struct{ Bytes []byte }

// Sealed is an open regular file that shows a Content: what is written to the file from which that
// came does not show in it. It is open for reading only.
type Sealed struct {
	BaseFile
	content *Content
	stat    linux.Stat
}

// NewSealed makes one of a content, and of what stat(2) said of the file that it came from.
func NewSealed(c *Content, stat linux.Stat) *Sealed {
	stat.Size = int64(len(c.Bytes))
	return &Sealed{content: c, stat: stat}
}

// Stat is the file's at the time of the hash.
func (s *Sealed) Stat() (linux.Stat, linux.Errno) { return s.stat, 0 }

// Read is pread(2).
func (s *Sealed) Read(p []byte, off int64) (int, linux.Errno) {
	switch size := int64(len(s.content.Bytes)); {
	case off < 0:
		return 0, linux.EINVAL
	case off >= size:
		return 0, 0
	}
	return copy(p, s.content.Bytes[off:]), 0
}

// Write refuses.
func (s *Sealed) Write([]byte, int64) (int, linux.Errno) { return 0, linux.EBADF }

// SeekHole serves SEEK_DATA and SEEK_HOLE: all is data.
func (s *Sealed) SeekHole(off int64, whence int) (int64, linux.Errno) {
	switch size := int64(len(s.content.Bytes)); {
	case off < 0 || off >= size:
		return 0, linux.ENXIO
	case whence == linux.SEEK_HOLE:
		return size, 0
	}
	return off, 0
}

// Sync has nothing to do.
func (s *Sealed) Sync() linux.Errno { return 0 }
