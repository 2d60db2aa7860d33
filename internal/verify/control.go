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
		return false, w.jump(in, s)
	case opJcc:
		if !s.flags.valid && in.local { // nothing follows
			return true, w.jump(in, s)
		}
		return w.fork(in, s)
	case opJmpInd:
		return false, w.jumpIndirect(in, s)
	case opCall:
		return w.call(i, in, s)
	}
	return true, w.callIndirect(in, s)
}

// fork is a conditional jump after a comparison.
func (w *walker) fork(in *inst, s *state) (falls bool, problem string) {
	taken, first := &w.branch, int32(-1)
	if in.local && w.blocks[w.blockAt[in.target]].state < 0 { // it can be made where it will be
		first = w.newState()
		taken = w.state(first)
	}
	s.copyTo(taken)
	takes, falls := w.refineBoth(in.cc, taken, s)
	w.pruned = w.pruned || !takes || !falls
	switch {
	case !takes && first >= 0:
		w.used--
	case first >= 0:
		w.begin(w.blockAt[in.target], first)
	case takes:
		problem = w.jump(in, taken)
	}
	return falls && problem == "", problem
}

// jump goes to another instruction of the function, or is a tail call.
func (w *walker) jump(in *inst, s *state) string {
	if in.local {
		return w.reach(in.target, s)
	}
	n := in.target
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
		if v := &s.regs[r]; v.kind() != kEntry || v.lo != int64(r) {
			return fmt.Sprintf("register %s is not restored", regNames[r])
		}
	}
	return ""
}

// jumpIndirect goes through a jump table, or is a tail call of a table's entry.
func (w *walker) jumpIndirect(in *inst, s *state) string {
	t := s.regs[in.src]
	switch t.kind() {
	case kTarget:
		s.set(in.src, unknown)
		return w.reachTable(&t, s)
	case kCallee:
		if t.typ() == 0 {
			return "a tail call of a table's entry whose type was not compared"
		}
		if problem := w.leave(s); problem != "" {
			return "tail call: " + problem
		}
		w.f.tailTypes = append(w.f.tailTypes, t.typ())
		return ""
	}
	return "an indirect jump to an address that is not from a jump table"
}

func (w *walker) callIndirect(in *inst, s *state) string {
	t := s.regs[in.src]
	switch {
	case t.kind() != kCallee:
		return "an indirect call of an address that is not from a function table"
	case t.typ() == 0:
		return "an indirect call of a table's entry whose type was not compared"
	}
	if problem := w.enter(s); problem != "" {
		return problem
	}
	return w.clobber(w.area.args[t.typ()], edge{caller: w.n, at: w.at, callee: -int32(t.typ())}, s)
}

// called is a call of function n.
func (w *walker) called(n int32, s *state) string {
	args := int32(0)
	if w.known != nil {
		args = w.known[n] // not what others are finding out
	} else {
		args = w.v.funcs[n].args
	}
	return w.clobber(args, edge{caller: w.n, at: w.at, callee: n}, s)
}

// clobber is a call of something that takes so many bytes of arguments on the stack, as far as
// is known yet: it may write them.
func (w *walker) clobber(args int32, e edge, s *state) string {
	if args > s.depth {
		return "a call without room for the callee's arguments on the stack"
	}
	if args > 0 && !s.forget(-s.depth, args) {
		return "a call whose arguments on the stack are saved registers"
	}
	e.args, e.room = args, s.lowest()
	w.edges = append(w.edges, e)
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
	n := in.target
	if problem := w.enter(s); problem != "" {
		return false, problem
	}
	if stub := w.v.stubOf(n); stub != nil {
		return !stub.ends, w.callStub(stub, s, false)
	}
	if problem := w.called(n, s); problem != "" {
		return false, problem
	}
	if w.mayEnd(i) && !w.v.returns(n) {
		return false, ""
	}
	return true, ""
}

// mayEnd tells whether the code after instruction i may be something else than its
// continuation: only then it is of interest whether a call returns.
func (w *walker) mayEnd(i int) bool {
	return i+1 == len(w.insts) || w.blockAt[i+1] >= 0 || w.insts[i+1].op == opPad || w.insts[i+1].op == opTrap
}

// returns tells whether function n may return: not if it has neither a return nor a jump that
// leaves it. That holds whatever the function does, as all of its code is verified.
func (v *verifier) returns(n int32) bool {
	f := &v.funcs[n]
	if int(n) < v.stubs {
		return !v.stubOf(n).ends
	}
	if r := f.returns.load(); r != unasked {
		return r == yes
	}
	r := no
	if v.mayReturn(v.text[f.at:f.end]) {
		r = yes
	}
	f.returns.store(r) // which others may do, too
	return r == yes
}

// mayReturn looks for a return or a jump that leaves a function's text.
func (v *verifier) mayReturn(text []byte) bool {
	var in inst
	for pos := 0; pos < len(text); pos += int(in.len) {
		if !decode(text[pos:], &in) || in.op == opRet || in.op == opJmpInd {
			return true
		}
		if in.op != opJmp && in.op != opJcc {
			continue
		}
		if t := int64(pos) + int64(in.len) + in.imm; t < 0 || t >= int64(len(text)) {
			return true
		}
	}
	return false
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
	kind, code := s.regs[rdi], s.regs[rsi]
	switch {
	case w.area == nil:
		return "the runtime calls vk_exit"
	case !kind.isConst() || !exits[kind.lo]:
		return "vk_exit with a reason that is not a constant, or not one that a program may have"
	case kind.lo == layout.ExitSyscall && (code.kind() != kRange || code.lo < 0 || code.hi >= w.area.imports):
		return "vk_exit for an import that may be one that the program does not have"
	}
	return ""
}
