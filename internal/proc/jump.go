package proc

import (
	"vkernel/internal/linux"
	"vkernel/internal/signal"
)

// withMask marks a jump record that has saved the signal mask. Its bit is that of a signal
// that no mask contains.
var withMask = signal.Of(linux.SIGKILL)

// setjmp serves setjmp and sigsetjmp: a record in the engine, which keeps the mask.
func (t *Thread) setjmp() (result uint64, alive bool) {
	var data signal.Set
	if uint32(t.inst.Arg(1)) != 0 {
		data = t.sig.Mask() | withMask
	}
	if e := t.inst.Setjmp(uint64(data)); e != 0 {
		return t.fault(uint32(t.inst.Arg(0)))
	}
	return 0, true
}

// longjmp goes back to a record. Handlers that are left by it have ended. A record that
// does not live is a bad access.
func (t *Thread) longjmp() (result uint64, alive bool) {
	buf, value := uint32(t.inst.Arg(0)), uint32(t.inst.Arg(1))
	data, ok := t.inst.Longjmp()
	if !ok {
		return t.fault(buf)
	}
	t.frames = t.frames[:t.inst.Depth()-1]
	if mask := signal.Set(data); mask&withMask != 0 {
		t.sig.SetMask(mask &^ withMask)
	}
	if t.sig.Work.Load() != 0 {
		c := none
		c.n = int64(max(value, 1))
		return t.attend(c)
	}
	return uint64(max(value, 1)), true
}

// fault raises SIGSEGV for an address that a call was given.
func (t *Thread) fault(addr uint32) (result uint64, alive bool) {
	t.sig.Force(linux.InfoFault(linux.SIGSEGV, linux.SEGV_MAPERR, addr))
	return t.attend(none)
}
