package memfs

import (
	"math"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// linked counts one more name of a link or special file.
func (n *inode) linked() linux.Errno {
	n.attr.Lock()
	defer n.attr.Unlock()
	switch n.nlink.Load() {
	case 0:
		return linux.ENOENT
	case math.MaxInt32:
		return linux.EMLINK
	}
	if !n.fs.inodes.take(1) {
		return linux.ENOSPC
	}
	n.nlink.Add(1)
	n.changed()
	return 0
}

// symlink is a symbolic link.
type symlink struct {
	inode
	target string
	paid   bool // a page is charged for a long target
}

// shortLink is the length up to which a target is not charged.
const shortLink = 127

func (fs *FS) newSymlink(v *vfs.NewNode) (vfs.Node, linux.Errno) {
	l := &symlink{target: v.Link, paid: len(v.Link) > shortLink}
	if l.paid && !fs.pages.take(1) {
		return nil, linux.ENOSPC
	}
	l.init(fs, v)
	return l, 0
}

// Stat is lstat(2).
func (l *symlink) Stat() (linux.Stat, linux.Errno) {
	s := l.stat()
	s.Size = int64(len(l.target))
	return s, 0
}

// SetAttr changes owner and times.
func (l *symlink) SetAttr(a *vfs.Attr) linux.Errno {
	l.setAttr(a)
	return 0
}

// Open refuses: it is not called for links.
func (l *symlink) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ELOOP }

// Readlink gives the target.
func (l *symlink) Readlink(*vfs.Context) (string, linux.Errno) {
	l.accessed()
	return l.target, 0
}

// unlinked gives the target back with the last name.
func (l *symlink) unlinked() bool {
	last := l.inode.unlinked()
	if last && l.paid {
		l.fs.pages.give(1)
	}
	return last
}

// special is a FIFO, a socket or a device.
type special struct {
	inode
	rdev uint64

	// guarded by attr
	attached any
}

// Stat is stat(2).
func (s *special) Stat() (linux.Stat, linux.Errno) {
	st := s.stat()
	st.Rdev = s.rdev
	return st, 0
}

// SetAttr changes attributes.
func (s *special) SetAttr(a *vfs.Attr) linux.Errno {
	s.setAttr(a)
	return 0
}

// Open refuses: the namespace opens special nodes.
func (s *special) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ENXIO }

// Rdev is the device number.
func (s *special) Rdev() uint64 { return s.rdev }

// Attached gives the object behind the inode.
func (s *special) Attached(first func() any) any {
	s.attr.Lock()
	defer s.attr.Unlock()
	if s.attached == nil && first != nil {
		s.attached = first()
	}
	return s.attached
}
