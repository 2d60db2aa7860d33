// Package anon is the place of open files that are no file: eventfd, epoll, timerfd, signalfd,
// inotify, pidfd. They have no name and share one inode, as on Linux, which cannot be opened
// again and whose attributes do not change.
package anon

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Stat is what fstat(2) says of all of them.
func Stat() linux.Stat {
	return linux.Stat{Dev: 0xe, Ino: inode.ino, Nlink: 1, Mode: 0o600, Blksize: 4096}
}

// Path is the path of such a file; name is what a link of /proc/PID/fd shows, such as
// "anon_inode:[eventfd]".
func Path(name string) vfs.Path { return vfs.Anonymous(name, inode) }

// inode is the one that all share. It never changes.
var inode = &node{ino: 1}

type node struct {
	vfs.FixedNode
	ino uint64 // a structure without fields could share its address with others
}

func (*node) Perm() vfs.Perm                  { return vfs.Perm{Mode: 0o600} }
func (*node) Stat() (linux.Stat, linux.Errno) { return Stat(), 0 }
func (*node) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) {
	return nil, linux.ENXIO
}

// File can be embedded in such a file: a stream that is neither read nor written.
type File struct{ vfs.BaseFile }

// Stat is fstat(2).
func (File) Stat() (linux.Stat, linux.Errno) { return Stat(), 0 }

// Lseek does nothing, as on Linux.
func (File) Lseek(int64, int, int64) (int64, linux.Errno) { return 0, 0 }

// Stream says that there are no positions.
func (File) Stream() {}
