package proc

import (
	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// trap turns a fault of the guest's code into the signal that the same mistake raises in
// native code. It cannot be ignored or put off.
func (t *Thread) trap() {
	trap := t.inst.Trap()
	t.Table().config.Log.Debug("trap", "pid", t.process.pid, "code", trap.Code, "addr", trap.Addr, "pc", trap.PC)
	t.sig.Force(t.faultInfo(trap))
}

func (t *Thread) faultInfo(trap engine.Trap) linux.SigInfo {
	addr := uint32(min(trap.Addr, 0xffffffff))
	switch trap.Code {
	case layout.TrapUnreachable:
		return linux.InfoFault(linux.SIGILL, linux.ILL_ILLOPN, trap.PC)
	case layout.TrapDivideByZero:
		return linux.InfoFault(linux.SIGFPE, linux.FPE_INTDIV, trap.PC)
	case layout.TrapOverflow:
		return linux.InfoFault(linux.SIGFPE, linux.FPE_INTOVF, trap.PC)
	case layout.TrapConversion:
		return linux.InfoFault(linux.SIGFPE, linux.FPE_FLTINV, trap.PC)
	case layout.TrapUnaligned:
		return linux.InfoFault(linux.SIGBUS, linux.BUS_ADRALN, addr)
	case layout.TrapUncaught: // what the C++ library's terminate does
		return linux.Info(linux.SIGABRT, linux.SI_KERNEL)
	case layout.TrapFault:
		if trap.Signal == int(linux.SIGBUS) && trap.Addr <= 0xffffffff { // beyond the end of a mapped file
			return linux.InfoFault(linux.SIGBUS, linux.BUS_ADRERR, addr)
		}
		code := int32(linux.SEGV_MAPERR)
		if trap.Addr <= 0xffffffff && t.mapped(addr) {
			code = linux.SEGV_ACCERR
		}
		return linux.InfoFault(linux.SIGSEGV, code, addr)
	}
	// Calls through bad table entries are calls of bad function pointers; memory.copy and
	// fill out of bounds, and the end of the stack, are bad accesses.
	return linux.InfoFault(linux.SIGSEGV, linux.SEGV_MAPERR, addr)
}

func (t *Thread) mapped(addr uint32) bool { return t.space.Mapped(addr&^(pageSize-1), pageSize) }

const pageSize = 4096
