package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
)

func rtSigaction(t *proc.Thread, a Args) (int64, linux.Errno) {
	sig, act, old := a.Signal(0), a.Addr(1), a.Addr(2)
	if a.Size(3) != linux.SizeofSigset || !sig.Valid() {
		return 0, linux.EINVAL
	}
	if act != 0 && signal.Unblockable.Has(sig) {
		return 0, linux.EINVAL
	}
	state := t.Process().Signals()
	before := state.Action(sig)
	if act != 0 {
		g, e := guest.Get[linux.SigAction](t.Mem(), act)
		if e != 0 {
			return 0, e
		}
		before = state.SetAction(sig, signal.Action{
			Handler: g.Handler, Restorer: g.Restorer,
			Flags: (uint64(g.FlagsHi)<<32 | uint64(g.FlagsLo)) & linux.SupportedSA,
			Mask:  signal.Set(g.MaskHi)<<32 | signal.Set(g.MaskLo),
		})
	}
	if old == 0 {
		return 0, 0
	}
	return 0, guest.Put(t.Mem(), old, &linux.SigAction{
		Handler: before.Handler, Restorer: before.Restorer,
		FlagsLo: uint32(before.Flags), FlagsHi: uint32(before.Flags >> 32),
		MaskLo: uint32(before.Mask), MaskHi: uint32(before.Mask >> 32),
	})
}

func rtSigprocmask(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Size(3) != linux.SizeofSigset {
		return 0, linux.EINVAL
	}
	old := t.Signals().Mask()
	if at := a.Addr(1); at != 0 {
		set, e := guest.Get[signal.Set](t.Mem(), at)
		if e != 0 {
			return 0, e
		}
		if e := t.Signals().ChangeMask(a.Int(0), set); e != 0 {
			return 0, e
		}
	}
	if at := a.Addr(2); at != 0 {
		return 0, guest.Put(t.Mem(), at, &old)
	}
	return 0, 0
}

func rtSigpending(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Size(1) > linux.SizeofSigset {
		return 0, linux.EINVAL
	}
	var raw [linux.SizeofSigset]byte
	set := t.Signals().PendingSet()
	for i := range raw {
		raw[i] = byte(set >> (8 * i))
	}
	return 0, t.Mem().Write(a.Addr(0), raw[:a.Size(1)])
}

// rtSigreturn has no meaning: a handler ends by returning.
func rtSigreturn(*proc.Thread, Args) (int64, linux.Errno) { return 0, linux.EINVAL }

func sigaltstack(t *proc.Thread, a Args) (int64, linux.Errno) {
	old := t.Signals().Stack()
	on := proc.OnStack(old, t.StackPointer())
	if at := a.Addr(0); at != 0 {
		s, e := guest.Get[linux.Stack](t.Mem(), at)
		if e != 0 {
			return 0, e
		}
		switch mode := s.Flags &^ int32(-1<<31); {
		case on:
			return 0, linux.EPERM
		case mode == linux.SS_DISABLE:
			s = linux.Stack{Flags: linux.SS_DISABLE}
		case mode != 0 && mode != linux.SS_ONSTACK:
			return 0, linux.EINVAL
		case s.Size < linux.MINSIGSTKSZ:
			return 0, linux.ENOMEM
		}
		if s.Flags&linux.SS_DISABLE == 0 {
			s.Flags = 0
		}
		t.Signals().SetStack(s)
	}
	if at := a.Addr(1); at != 0 {
		switch {
		case on:
			old.Flags = linux.SS_ONSTACK
		case old.Size == 0:
			old.Flags = linux.SS_DISABLE
		}
		return 0, guest.Put(t.Mem(), at, &old)
	}
	return 0, 0
}
