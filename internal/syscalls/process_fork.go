package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

func fork(t *proc.Thread, _ Args) (int64, linux.Errno) {
	pid, e := t.Fork()
	return int64(pid), e
}

func vfork(t *proc.Thread, _ Args) (int64, linux.Errno) {
	pid, e := t.Vfork()
	return int64(pid), e
}

// cloneFlags are those that mean nothing beyond fork or vfork, or that are served here.
const cloneFlags = linux.CSIGNAL | linux.CLONE_VM | linux.CLONE_VFORK | linux.CLONE_PARENT_SETTID |
	linux.CLONE_PIDFD | linux.CLONE_CHILD_CLEARTID | linux.CLONE_CHILD_SETTID | linux.CLONE_SETTLS | linux.CLONE_DETACHED

// clone is fork, or vfork if memory is shared until an exec. Threads are started by
// __wasm_thread_spawn: a stack pointer and a TLS base mean nothing to this call.
func clone(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(0)
	sig := linux.Signal(flags & linux.CSIGNAL)
	shares := flags & (linux.CLONE_VM | linux.CLONE_VFORK)
	switch {
	case flags&^uint32(cloneFlags) != 0, sig > linux.NSIG:
		return 0, linux.EINVAL
	case shares == linux.CLONE_VM:
		return 0, linux.EINVAL // a thread in all but name
	case flags&linux.CLONE_PIDFD != 0 && flags&(linux.CLONE_PARENT_SETTID|linux.CLONE_DETACHED) != 0:
		return 0, linux.EINVAL // its number is stored in the same place
	}
	opts := proc.ForkOptions{ExitSignal: sig, Vfork: shares&linux.CLONE_VM != 0}
	if flags&linux.CLONE_CHILD_SETTID != 0 {
		opts.ChildTID = a.Addr(3)
	}
	if flags&linux.CLONE_CHILD_CLEARTID != 0 {
		opts.ClearTID = a.Addr(3)
	}
	if flags&linux.CLONE_PIDFD != 0 {
		return cloneWithPidFD(t, opts, a.Addr(2))
	}
	pid, e := t.Clone(opts)
	if e == 0 && flags&linux.CLONE_PARENT_SETTID != 0 {
		tid := uint32(pid)
		guest.Put(t.Mem(), a.Addr(2), &tid) // as Linux, without an error
	}
	return int64(pid), e
}

// cloneWithPidFD is clone with CLONE_PIDFD: the number is made and stored before there is a child,
// which may be gone soon after.
func cloneWithPidFD(t *proc.Thread, opts proc.ForkOptions, at guest.Addr) (int64, linux.Errno) {
	opts.PidFD = proc.NewPidFD(nil)
	n, e := installAnon(t, opts.PidFD, pidfdName, linux.O_RDWR|linux.O_CLOEXEC)
	if e != 0 {
		return 0, e
	}
	opts.PidNumber = int32(n)
	pid := 0
	if e = guest.Put(t.Mem(), at, &opts.PidNumber); e == 0 {
		pid, e = t.Clone(opts)
	}
	if e != 0 {
		t.Files().Close(opts.PidNumber)
	}
	return int64(pid), e
}
