package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/vfs/eventfd"
)

// installAnon gives a file that is no file a number. flags are O_CLOEXEC and what the
// description keeps.
func installAnon(t *proc.Thread, f vfs.File, name string, flags uint32) (int64, linux.Errno) {
	d := fd.New(f, anon.Path(name), flags)
	n, e := t.Files().Install(d, 0, flags&linux.O_CLOEXEC != 0, t.Limit(linux.RLIMIT_NOFILE))
	return int64(n), e
}

func eventFD(t *proc.Thread, a Args) (int64, linux.Errno) { return newEventFD(t, a.Uint(0), 0) }

func eventFD2(t *proc.Thread, a Args) (int64, linux.Errno) {
	return newEventFD(t, a.Uint(0), a.Uint(1))
}

func newEventFD(t *proc.Thread, count, flags uint32) (int64, linux.Errno) {
	const kept = linux.EFD_CLOEXEC | linux.EFD_NONBLOCK
	if flags&^(kept|linux.EFD_SEMAPHORE) != 0 {
		return 0, linux.EINVAL
	}
	f := eventfd.New(count, flags&linux.EFD_SEMAPHORE != 0)
	return installAnon(t, f, "anon_inode:[eventfd]", linux.O_RDWR|flags&kept)
}
