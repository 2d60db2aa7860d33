package verify

import (
	"fmt"

	"vkernel/internal/engine/layout"
)

// control takes an instruction that calls, jumps, returns or stops. on tells whether the next
// one may follow.
func (w *walker) control(i int, in *inst, s *state) (on bool, problem string) {
	switch in.op {
	case opTrap:
		return false, ""
	case opRet:
		return false, w.leave(s)
	case opJmp:
		return false, w.jump(i, in, s)
	case opJcc:
		taken := &w.branch
		s.copyTo(taken)
		w.refine(in.cc, taken)
		if problem := w.jump(i, in, taken); problem != "" {
			return false, problem
		}
		w.refine(in.cc^1, s)
		return true, ""
	case opJmpInd:
		return false, w.jumpIndirect(in, s)
	case opCall:
		return w.call(i, in, s)
	}
	return true, w.callIndirect(in, s)
}

// jump goes to another instruction of the function, or is a tail call.
func (w *walker) jump(i int, in *inst, s *state) string {
	off := int64(w.where[i]) + int64(in.len) + in.imm
	if off >= 0 && off < int64(len(w.index)) {
		if w.index[off] < 0 {
			return "a jump into the middle of an instruction"
		}
		return w.reach(w.index[off], s)
	}
	n, problem := w.callee(off)
	if problem != "" {
		return problem
	}
	if problem := w.leave(s); problem != "" {
		return "tail call: " + problem
	}
	if stub := w.v.stubOf(n); stub != nil {
		return w.callStub(stub, s, true)
	}
	w.f.tails = append(w.f.tails, n)
	return ""
}

// callee is the function at an offset from the start of this one.
func (w *walker) callee(off int64) (int32, string) {
	off += int64(w.f.at)
	n := w.v.functionAt(off)
	if n < 0 {
		return 0, fmt.Sprintf("a call or jump to %#x, where no function starts", off+int64(w.v.base))
	}
	if p := w.v.funcs[n].program; p >= 0 && p != w.f.program {
		return 0, "a call or jump to a function of another program"
	}
	return n, ""
}

// leave checks what must hold when a function returns or is replaced by a tail call.
func (w *walker) leave(s *state) string {
	switch {
	case s.depth != 0:
		return fmt.Sprintf("the stack pointer is %d bytes below the return address", s.depth)
	case s.open():
		return "the number of setjmp records is not restored"
	}
	for _, r := range calleeSaved {
		if v := &s.regs[r]; v.kind != kEntry || v.lo != int64(r) {
			return fmt.Sprintf("register %s is not restored", regNames[r])
		}
	}
	return ""
}

// jumpIndirect goes through a jump table, or is a tail call of a table's entry.
func (w *walker) jumpIndirect(in *inst, s *state) string {
	t := s.regs[in.src]
	switch t.kind {
	case kTarget:
		s.set(in.src, unknown)
		return w.targets(&t, func(i int32) string { return w.reach(i, s) })
	case kCallee:
		if t.typ == 0 {
			return "a tail call of a table's entry whose type was not compared"
		}
		if problem := w.leave(s); problem != "" {
			return "tail call: " + problem
		}
		w.f.tailTypes = append(w.f.tailTypes, t.typ)
		return ""
	}
	return "an indirect jump to an address that is not from a jump table"
}

func (w *walker) callIndirect(in *inst, s *state) string {
	t := s.regs[in.src]
	switch {
	case t.kind != kCallee:
		return "an indirect call of an address that is not from a function table"
	case t.typ == 0:
		return "an indirect call of a table's entry whose type was not compared"
	}
	if problem := w.enter(s); problem != "" {
		return problem
	}
	w.area.room[t.typ] = min(w.area.room[t.typ], s.lowest())
	s.called()
	return ""
}

// enter checks the frame at a call: the return address has to fit.
func (w *walker) enter(s *state) string {
	if s.depth+8 > maxFrame {
		return "the frame is larger than what the guard allows"
	}
	w.f.frame = max(w.f.frame, s.depth+8)
	return ""
}

func (w *walker) call(i int, in *inst, s *state) (on bool, problem string) {
	n, problem := w.callee(int64(w.where[i]) + int64(in.len) + in.imm)
	if problem != "" {
		return false, problem
	}
	if problem := w.enter(s); problem != "" {
		return false, problem
	}
	if stub := w.v.stubOf(n); stub != nil {
		return !stub.ends, w.callStub(stub, s, false)
	}
	f := &w.v.funcs[n]
	f.room = min(f.room, s.lowest())
	s.called()
	return true, ""
}

// endsAt tells whether a call does not return.
func (w *walker) endsAt(in *inst, i int) bool {
	n := w.v.functionAt(int64(w.f.at) + int64(w.where[i]) + int64(in.len) + in.imm)
	if n < 0 {
		return false
	}
	stub := w.v.stubOf(n)
	return stub != nil && stub.ends
}

// exits are the reasons for which a program's code may leave by itself.
var exits = map[int64]bool{
	layout.ExitSyscall: true, layout.ExitGrow: true, layout.ExitLongjmp: true, layout.ExitWait: true, layout.ExitNotify: true,
	layout.ExitSave: true, layout.ExitLoad: true, layout.ExitTable: true,
}

// callStub is a call, or a tail call, of an entry of vk_stubs.S.
func (w *walker) callStub(stub *stub, s *state, tail bool) string {
	switch stub.name {
	case "vk_enter":
		return "a call of vk_enter"
	case "vk_exit":
		if problem := w.exit(s); problem != "" {
			return problem
		}
	case "vk_setjmp":
		if tail || w.area == nil {
			return "a tail call of vk_setjmp"
		}
		s.returnsTwice()
		return ""
	}
	s.called()
	return ""
}

// exit checks the arguments of vk_exit: why, and of a system call which.
func (w *walker) exit(s *state) string {
	kind, code := s.regs[rdi].low(4), s.regs[rsi].low(4)
	switch {
	case w.area == nil:
		return "the runtime calls vk_exit"
	case !kind.isConst() || !exits[kind.lo]:
		return "vk_exit with a reason that is not a constant, or not one that a program may have"
	case kind.lo == layout.ExitSyscall && (!code.isConst() || code.lo >= w.area.imports):
		return "vk_exit for an import that is not a constant, or that the program does not have"
	}
	return ""
}
