package syscalls

import (
	"math"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// sender makes the siginfo of a signal that t sends.
func sender(t *proc.Thread, sig linux.Signal, code int32) linux.SigInfo {
	return linux.InfoFrom(sig, code, t.Process().PID(), t.Cred().UID)
}

// validSignal reports whether sig can be an argument of kill: 0 only asks.
func validSignal(sig linux.Signal) bool { return sig == 0 || sig.Valid() }

// send sends info to p if t may; a signal 0 is not sent.
func send(t *proc.Thread, p *proc.Process, info linux.SigInfo) linux.Errno {
	sig := linux.Signal(info.Signo)
	if !t.Process().MaySignal(p, sig) {
		return linux.EPERM
	}
	if sig == 0 {
		return 0
	}
	return p.Signal(info)
}

func kill(t *proc.Thread, a Args) (int64, linux.Errno) {
	pid, sig := a.Int(0), a.Signal(1)
	info := sender(t, sig, linux.SI_USER)
	switch {
	case !validSignal(sig):
		return 0, linux.EINVAL
	case pid == math.MinInt32:
		return 0, linux.ESRCH
	case pid > 0:
		p, e := target(t, pid)
		if e != 0 {
			return 0, e
		}
		return 0, send(t, p, info)
	}
	var to []*proc.Process
	switch pid {
	case -1:
		init := t.Table().Init()
		for _, p := range t.Table().All() {
			if p != init && p != t.Process() {
				to = append(to, p)
			}
		}
	case 0:
		to = t.Table().Members(int(t.Process().Group()))
	default:
		to = t.Table().Members(int(-pid))
	}
	return 0, sendAll(t, to, info)
}

// sendAll sends to many: an error only if it reached none.
func sendAll(t *proc.Thread, to []*proc.Process, info linux.SigInfo) linux.Errno {
	e := linux.ESRCH
	for _, p := range to {
		switch one := send(t, p, info); {
		case one == 0:
			e = 0
		case e == linux.ESRCH:
			e = one
		}
	}
	return e
}

// madeInfo reads a siginfo that the guest made for a signal to the process pid. To others it
// may not look as if the kernel or kill had made it.
func madeInfo(t *proc.Thread, sig linux.Signal, pid int32, at guest.Addr) (info linux.SigInfo, e linux.Errno) {
	info, e = guest.Get[linux.SigInfo](t.Mem(), at)
	if e != 0 {
		return info, e
	}
	info.Signo = int32(sig)
	if !validSignal(sig) {
		return info, linux.EINVAL
	}
	if int(pid) != t.Process().PID() && (info.Code >= 0 || info.Code == linux.SI_TKILL) {
		return info, linux.EPERM
	}
	return info, 0
}

// rtSigqueueinfo sends a siginfo that the guest made.
func rtSigqueueinfo(t *proc.Thread, a Args) (int64, linux.Errno) {
	pid := a.Int(0)
	info, e := madeInfo(t, a.Signal(1), pid, a.Addr(2))
	if e != 0 {
		return 0, e
	}
	if pid <= 0 {
		return 0, linux.ESRCH
	}
	p, e := target(t, pid)
	if e != 0 {
		return 0, e
	}
	return 0, send(t, p, info)
}
