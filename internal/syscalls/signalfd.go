package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
	"vkernel/internal/vfs/signalfd"
	"vkernel/internal/wait"
)

func signalFD(t *proc.Thread, a Args) (int64, linux.Errno) { return makeSignalFD(t, a, 0) }

func signalFD4(t *proc.Thread, a Args) (int64, linux.Errno) { return makeSignalFD(t, a, a.Uint(3)) }

// makeSignalFD makes a signalfd of the set in argument 1, or gives that set to an existing one.
func makeSignalFD(t *proc.Thread, a Args, flags uint32) (int64, linux.Errno) {
	if a.Size(2) != linux.SizeofSigset || flags&^(linux.SFD_CLOEXEC|linux.SFD_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	set, e := guest.Get[signal.Set](t.Mem(), a.Addr(1))
	if e != 0 {
		return 0, e
	}
	n := a.Int(0)
	if n == -1 {
		return installAnon(t, signalfd.New(set), "anon_inode:[signalfd]", linux.O_RDWR|flags)
	}
	d, e := t.Files().Get(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	f, ok := d.File().(*signalfd.File)
	if !ok {
		return 0, linux.EINVAL
	}
	f.SetMask(set)
	t.Signals().Queue().Notify(wait.In)
	return int64(n), 0
}

// readSignals is readFile for a signalfd: as many of the thread's signals as fit.
func readSignals(t *proc.Thread, d *fd.Description, f *signalfd.File, addr guest.Addr, size int, nonblock bool) (int64, linux.Errno) {
	const each = linux.SizeofSignalfdSigInfo
	if size < each {
		return 0, linux.EINVAL
	}
	try := func() (n int64, e linux.Errno) {
		for int(n)+each <= size {
			info, ok := f.Take(t.Signals())
			if !ok {
				break
			}
			if e := guest.Put(t.Mem(), addr+uint32(n), &info); e != 0 {
				if n > 0 {
					return n, 0
				}
				return 0, e
			}
			n += each
		}
		if n == 0 {
			return 0, linux.EAGAIN
		}
		return n, 0
	}
	if nonblock {
		return try()
	}
	return t.Block(f.QueueFor(t.Signals()), wait.In, never, try)
}
