// Package hostfs shows a directory of the host as a file system.
//
// # Model
//
// Names are resolved by package vfs, one component at a time; each is looked up below the
// descriptor of its directory, with openat2 and RESOLVE_BENEATH, NO_SYMLINKS,
// NO_MAGICLINKS and NO_XDEV, or with a call that does not follow links. Symbolic links are
// read, and followed by vfs inside the guest's tree; so nothing outside the directory, on
// another file system of the host, or in its procfs can be reached, whatever guests and
// other programs do to the directory meanwhile.
//
// Only regular files, directories and symbolic links can be used. Other nodes are seen by
// stat and can be removed; opening one is ENXIO, and none can be made. Setuid and setgid
// bits are neither shown nor made. Host files belong to the user they belong to on the
// host (or to Options.Owner), and what a guest does is done by the user that the kernel
// runs as: his rights come on top of the checks of vfs.
//
// Only directories hold descriptors (O_PATH), of which a bounded number is kept; they are
// opened again through their parents, and must then be the same inode. Everything else is
// reached through its directory and name. An entry exists once, as long as anybody refers
// to it: a directory remembers its entries by weak pointers.
//
// # Content identity
//
// Files here are not vfs.Versioned. A change of content is not always seen in (device,
// inode, size, mtime, ctime), however old the ctime is: a program of the host that has the
// file mapped shared, and its page dirty, goes on writing without a new ctime until the
// page is written back, and a network file system or a clock set back can hide more. So a
// hash of a host file is never kept.
//
// # Lock order
//
//	FS.renames
//	dir.mu                the names of a directory; two only under FS.renames
//	fdCache.mu
package hostfs

import (
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Options are the parameters of a file system.
type Options struct {
	Dev      uint64 // st_dev, different for each file system of a container
	ReadOnly bool   // nothing is written, whatever the mount's flags are
	Owner    *Owner // whom all files seem to belong to; nil is the truth
}

// Owner is a user and a group.
type Owner struct{ UID, GID uint32 }

// FS is a directory of the host.
type FS struct {
	opts  Options
	root  *vfs.Entry
	dev   uint64 // of the host
	place *Place

	renames sync.Mutex
	fds     fdCache
	mapped  atomic.Int64 // descriptors for mappings

	loading *loading // while the file system is being loaded
}

// Open shows the directory at path, which is resolved here and now.
func Open(path string, opts Options) (*FS, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	fs, err := New(fd, opts)
	if err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return fs, nil
}

// New shows the directory behind fd, which it closes in the end.
func New(fd int, opts Options) (*FS, error) {
	var s unix.Stat_t
	err := unix.Fstat(fd, &s)
	if err == nil && s.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	fs := &FS{opts: opts, dev: s.Dev, place: &Place{fd: fd, dev: s.Dev, ino: s.Ino, readOnly: opts.ReadOnly}}
	d := &dir{fd: -1} // the place keeps the root open
	d.init(fs, &s)
	fs.root = vfs.NewRoot(d)
	d.entry = fs.root
	return fs, nil
}

// Close closes the descriptors of directories. The file system is not used afterwards.
func (fs *FS) Close() {
	fs.fds.closeAll()
	unix.Close(fs.place.fd)
}

// Root is the directory.
func (fs *FS) Root() *vfs.Entry { return fs.root }

// Type is the name of the file system's type.
func (fs *FS) Type() string { return "hostfs" }

// Statfs tells about the host's file system.
func (fs *FS) Statfs() (linux.Statfs, linux.Errno) {
	var s unix.Statfs_t
	if err := unix.Fstatfs(fs.place.fd, &s); err != nil {
		return linux.Statfs{}, from(err)
	}
	return linux.Statfs{
		Type: s.Type, Bsize: s.Bsize, Blocks: s.Blocks, Bfree: s.Bfree, Bavail: s.Bavail,
		Files: s.Files, Ffree: s.Ffree, Namelen: s.Namelen, Frsize: s.Frsize,
		Fsid: [2]int32{int32(fs.opts.Dev), int32(fs.opts.Dev >> 32)},
	}, 0
}

// from converts an error of the host. That the kernel has no more descriptors is not the
// fault of the guest's process.
func from(err error) linux.Errno {
	if err == unix.EMFILE {
		return linux.ENFILE
	}
	return linux.From(err)
}

// openAt opens name in the directory dfd under the rules of the package.
func openAt(dfd int, name string, flags int, mode uint32) (int, error) {
	how := unix.OpenHow{
		Flags: uint64(flags) | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Mode:  uint64(mode),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS |
			unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	for {
		fd, err := unix.Openat2(dfd, name, &how)
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}
