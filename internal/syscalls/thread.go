package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// threadSpawn starts a thread: fn(tid, arg) through table 0.
func threadSpawn(t *proc.Thread, a Args) (int64, linux.Errno) {
	tid, e := t.Spawn(a.Uint(0), a.Uint(1))
	return int64(tid), e
}

func exit(t *proc.Thread, a Args) (int64, linux.Errno) {
	t.Exit(int(a.Int(0)))
	return 0, 0
}

func exitGroup(t *proc.Thread, a Args) (int64, linux.Errno) {
	t.Process().Exit(int(a.Int(0)))
	return 0, 0
}

// targetThread finds the thread that an id names, 0 being the caller.
func targetThread(t *proc.Thread, tid int32) (*proc.Thread, linux.Errno) {
	if tid == 0 || int(tid) == t.TID() {
		return t, 0
	}
	to, ok := t.Table().FindThread(int(tid))
	if !ok {
		return nil, linux.ESRCH
	}
	return to, 0
}

// sendThread sends info to a thread, of the process tgid unless that is 0. A leader that has
// ended before its process swallows it.
func sendThread(t *proc.Thread, tgid, tid int32, info linux.SigInfo) linux.Errno {
	sig := linux.Signal(info.Signo)
	if tid <= 0 || tgid < 0 || !validSignal(sig) {
		return linux.EINVAL
	}
	to, e := targetThread(t, tid)
	if e != 0 {
		if p, ok := t.Table().Find(int(tid)); ok && p.State() < proc.Dead {
			return 0
		}
		return e
	}
	if tgid != 0 && to.Process().PID() != int(tgid) {
		return linux.ESRCH
	}
	if !t.Process().MaySignal(to.Process(), sig) {
		return linux.EPERM
	}
	if sig == 0 {
		return 0
	}
	return to.Signal(info)
}

func tkill(t *proc.Thread, a Args) (int64, linux.Errno) {
	return 0, sendThread(t, 0, a.Int(0), sender(t, a.Signal(1), linux.SI_TKILL))
}

func tgkill(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Int(0) <= 0 {
		return 0, linux.EINVAL
	}
	return 0, sendThread(t, a.Int(0), a.Int(1), sender(t, a.Signal(2), linux.SI_TKILL))
}

// rtTgsigqueueinfo sends a siginfo that the guest made to one thread.
func rtTgsigqueueinfo(t *proc.Thread, a Args) (int64, linux.Errno) {
	info, e := madeInfo(t, a.Signal(2), a.Int(0), a.Addr(3))
	if e != 0 {
		return 0, e
	}
	if a.Int(0) <= 0 {
		return 0, linux.EINVAL
	}
	return 0, sendThread(t, a.Int(0), a.Int(1), info)
}

func setTidAddress(t *proc.Thread, a Args) (int64, linux.Errno) {
	t.SetClearTID(a.Addr(0))
	return int64(t.TID()), 0
}

// setRobustList takes either layout of struct robust_list_head.
func setRobustList(t *proc.Thread, a Args) (int64, linux.Errno) {
	if n := a.Size(1); n != proc.SizeofRobust && n != proc.SizeofRobust64 {
		return 0, linux.EINVAL
	}
	t.SetRobust(proc.Robust{Head: a.Addr(0), Len: a.Size(1)})
	return 0, 0
}

// getRobustList tells threads of the own process alone.
func getRobustList(t *proc.Thread, a Args) (int64, linux.Errno) {
	of, e := targetThread(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	if of.Process() != t.Process() {
		return 0, linux.EPERM
	}
	r := of.Robust()
	if r.Len == 0 {
		r.Len = proc.SizeofRobust
	}
	if e := guest.Put(t.Mem(), a.Addr(1), &r.Head); e != 0 {
		return 0, e
	}
	return 0, guest.Put(t.Mem(), a.Addr(2), &r.Len)
}
