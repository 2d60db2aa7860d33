package syscalls

import (
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	pipes "vkernel/internal/vfs/pipe"
)

// Calls on descriptor numbers.

func closeFD(t *proc.Thread, a Args) (int64, linux.Errno) {
	return 0, t.Files().Close(a.Int(0))
}

func closeRange(t *proc.Thread, a Args) (int64, linux.Errno) {
	first, last, flags := a.Uint(0), a.Uint(1), a.Uint(2)
	if first > last || flags&^(linux.CLOSE_RANGE_UNSHARE|linux.CLOSE_RANGE_CLOEXEC) != 0 {
		return 0, linux.EINVAL
	}
	// A table is not shared between processes here, so that there is nothing to unshare.
	if flags&linux.CLOSE_RANGE_CLOEXEC != 0 {
		t.Files().SetCloexecRange(first, last)
	} else {
		t.Files().CloseRange(first, last)
	}
	return 0, 0
}

func dup(t *proc.Thread, a Args) (int64, linux.Errno) {
	return duplicate(t, a.Int(0), 0, false)
}

// duplicate gives the description of n the lowest free number that is at least from.
func duplicate(t *proc.Thread, n int32, from int, cloexec bool) (int64, linux.Errno) {
	d, e := t.Files().GetAny(n)
	if e != 0 {
		return 0, e
	}
	to, e := t.Files().Install(d, from, cloexec, t.Limit(linux.RLIMIT_NOFILE))
	return int64(to), e
}

func dup2(t *proc.Thread, a Args) (int64, linux.Errno) {
	from, to := a.Int(0), a.Int(1)
	d, e := t.Files().GetAny(from)
	if e != 0 {
		return 0, e
	}
	if from == to {
		d.Unref()
		return int64(to), 0
	}
	return int64(to), t.Files().Replace(d, to, false, t.Limit(linux.RLIMIT_NOFILE))
}

func dup3(t *proc.Thread, a Args) (int64, linux.Errno) {
	from, to, flags := a.Int(0), a.Int(1), a.Uint(2)
	if flags&^linux.O_CLOEXEC != 0 || from == to {
		return 0, linux.EINVAL
	}
	d, e := t.Files().GetAny(from)
	if e != 0 {
		return 0, e
	}
	return int64(to), t.Files().Replace(d, to, flags&linux.O_CLOEXEC != 0, t.Limit(linux.RLIMIT_NOFILE))
}

func pipe(t *proc.Thread, a Args) (int64, linux.Errno) {
	return makePipe(t, a.Addr(0), 0)
}

func pipe2(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(1)
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	return makePipe(t, a.Addr(0), flags)
}

// makePipe makes a pipe and stores its two numbers at addr.
func makePipe(t *proc.Thread, addr guest.Addr, flags uint32) (int64, linux.Errno) {
	cred, now := t.FS().Cred(), time.Now()
	stamp := linux.Timespec{Sec: now.Unix(), Nsec: int64(now.Nanosecond())}
	r, w, at := pipes.New(t.Table().Pipes(), linux.Stat{
		UID: cred.FSUID, GID: cred.FSGID, Atim: stamp, Mtim: stamp, Ctim: stamp,
	})
	files := t.Files()
	x, y, e := files.InstallPair(
		fd.New(r, at, linux.O_RDONLY|flags), fd.New(w, at, linux.O_WRONLY|flags),
		flags&linux.O_CLOEXEC != 0, t.Limit(linux.RLIMIT_NOFILE))
	if e != 0 {
		return 0, e
	}
	if e = guest.Put(t.Mem(), addr, &[2]int32{x, y}); e != 0 {
		files.Close(x)
		files.Close(y)
	}
	return 0, e
}
