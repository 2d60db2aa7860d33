package vfs

import "vkernel/internal/linux"

// OpenHow is how Open opens.
type OpenHow struct {
	Flags   uint32 // O_*
	Mode    uint32 // of a file that is created; umask is applied by Open
	Resolve uint64 // RESOLVE_* of openat2(2)
}

// The calls on paths; see the file of each.
var _ = func(interface {
	Open(at Path, name string, how OpenHow) (File, Path, linux.Errno)
	OpenExec(at Path, name string, flags uint32) (File, Path, linux.Errno)
	Lookup(at Path, name string, flags uint32) (Path, linux.Errno)
	Stat(at Path, name string, flags uint32) (linux.Stat, linux.Errno)
	Statx(at Path, name string, flags uint32) (linux.Statx, linux.Errno)
	Statfs(at Path, name string, flags uint32) (linux.Statfs, linux.Errno)
	Access(at Path, name string, mode, flags uint32) linux.Errno
	Readlink(at Path, name string) (string, linux.Errno)
	Mkdir(at Path, name string, mode uint32) linux.Errno
	Mknod(at Path, name string, mode uint32, rdev uint64) linux.Errno
	MakeSocket(at Path, name string, mode uint32) (Path, linux.Errno)
	Symlink(target string, at Path, name string) linux.Errno
	Link(at Path, name string, toAt Path, to string, flags uint32) linux.Errno
	Unlink(at Path, name string, flags uint32) linux.Errno
	Rename(at Path, name string, toAt Path, to string, flags uint32) linux.Errno
	Chmod(at Path, name string, mode, flags uint32) linux.Errno
	Chown(at Path, name string, uid, gid uint32, flags uint32) linux.Errno
	Utimens(at Path, name string, times *[2]linux.Timespec, flags uint32) linux.Errno
	Truncate(at Path, name string, size int64) linux.Errno
	Chdir(at Path, name string, flags uint32) linux.Errno
	Chroot(name string) linux.Errno
	Getcwd() (string, linux.Errno)
	PathString(p Path) string
}) {}
