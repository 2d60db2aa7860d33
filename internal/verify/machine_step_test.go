package verify

import (
	"fmt"
	"math/bits"
	"slices"

	"vkernel/internal/engine/layout"
)

// step executes an instruction. It gives the offset of the next one, or less than 0 at the end.
func (m *machine) step(in *inst, next int64) (int64, error) {
	if in.op >= opTrap {
		return m.control(in, next)
	}
	size := in.size
	// What the operation reads, but memory.
	a, b := uint64(0), uint64(in.imm)
	if in.dst != noReg {
		a = m.get(in.dst, size)
	}
	srcSize := size
	if in.op == opZext || in.op == opSext && in.srcSize != 0 {
		srcSize = in.srcSize
	}
	if in.src != noReg {
		b = m.get(in.src, srcSize)
	}
	stored := m.any()
	switch {
	case in.op == opMov && in.dst == noReg:
		stored = b
	case in.op == opSet:
		stored = b2u(m.holds(in.cc))
	}
	if in.dst == noReg && in.mem.access&reads != 0 && in.mem.access&writes != 0 {
		// The old value is looked at first.
		look := *in
		look.mem.access = reads
		old, err := m.access(&look, next, 0)
		if err != nil {
			return 0, err
		}
		if a = old; in.op == opXchg {
			stored = b
		} else {
			stored = m.compute(in, a, b)
		}
	}
	loaded, err := m.access(in, next, stored)
	if err != nil {
		return 0, err
	}
	if in.mem.access&reads != 0 {
		if in.dst == noReg {
			a = loaded
		} else {
			b = loaded
		}
	}
	switch in.op {
	case opPad, opNop:
	case opCompare:
		m.anyFlags()
	case opPush:
		if in.mem.access&reads != 0 {
			b = loaded
		}
		m.push(b)
	case opPop:
		n, err := m.pop()
		if err != nil {
			return 0, err
		}
		m.set(in.dst, 8, n)
	case opCmp:
		m.subFlags(a, b, size)
	case opTest:
		m.logicFlags(a&b, size)
	case opMulDiv:
		m.implied(in)
	case opCmpxchg:
		if m.anyFlags(); m.r.IntN(2) == 0 {
			m.set(rax, size, m.any())
		}
	case opXchg, opXadd:
		sum := a + b
		if in.dst == noReg {
			m.set(in.src, size, loaded)
		} else {
			m.set(in.src, size, a)
			if in.op == opXchg {
				sum = b
			}
			m.set(in.dst, size, sum)
		}
		if in.op == opXadd {
			m.anyFlags()
		}
	case opLea:
		m.set(in.dst, size, uint64(m.address(in, next)))
	default:
		n := m.compute(in, a, b)
		if in.dst != noReg {
			m.set(in.dst, size, n)
		}
	}
	return next, nil
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// compute is the result of an operation, and its flags.
func (m *machine) compute(in *inst, a, b uint64) uint64 {
	size := in.size
	carry := b2u(m.cf)
	switch in.op {
	case opMov:
		return b
	case opZext:
		return b & mask(in.srcSize)
	case opSext:
		return uint64(int64(b<<(64-8*in.srcSize)) >> (64 - 8*in.srcSize))
	case opCdqe:
		half := size / 2
		return uint64(int64(m.regs[rax]<<(64-8*half)) >> (64 - 8*half))
	case opCwd:
		return uint64(int64(m.regs[rax]<<(64-8*size)) >> 63)
	case opSet:
		return b2u(m.holds(in.cc))
	case opCmov:
		if m.holds(in.cc) {
			return b
		}
		return a
	case opAdd:
		m.addFlags(a, b, 0, size)
		return a + b
	case opAdc:
		m.addFlags(a, b, carry, size)
		return a + b + carry
	case opSub:
		m.subFlags(a, b, size)
		return a - b
	case opSbb:
		m.anyFlags()
		return a - b - carry
	case opAnd:
		m.logicFlags(a&b, size)
		return a & b
	case opOr:
		m.logicFlags(a|b, size)
		return a | b
	case opXor:
		m.logicFlags(a^b, size)
		return a ^ b
	case opNot:
		return ^a
	case opInc, opDec:
		keep := m.cf
		n := a + 1
		if m.addFlags(a, 1, 0, size); in.op == opDec {
			m.subFlags(a, 1, size)
			n = a - 1
		}
		m.cf = keep
		return n
	case opNeg:
		m.subFlags(0, a, size)
		return -a
	case opShl, opShr, opSar:
		return m.shift(in, a)
	case opImul:
		m.anyFlags()
		return a * b
	case opImulImm:
		m.anyFlags()
		return b * uint64(in.imm)
	case opBits:
		return m.count(in, a, b)
	case opSSE:
		if n := m.any(); in.bits != 0 {
			return n & (1<<in.bits - 1)
		}
		return m.any()
	}
	m.anyFlags() // rotations and the like
	return m.any()
}

func (m *machine) shift(in *inst, a uint64) uint64 {
	n := uint64(in.imm)
	if !in.hasImm {
		n = m.regs[rcx]
	}
	if n &= 31; in.size == 8 {
		n = uint64(in.imm) & 63
		if !in.hasImm {
			n = m.regs[rcx] & 63
		}
	}
	m.anyFlags()
	switch in.op {
	case opShl:
		return a << n
	case opShr:
		return a >> n
	}
	s := 64 - 8*in.size
	return uint64(int64(a<<s) >> s >> n)
}

// count is popcnt, bsf or tzcnt, bsr or lzcnt.
func (m *machine) count(in *inst, a, b uint64) uint64 {
	m.anyFlags()
	b &= mask(in.size)
	if in.cc == 8 {
		return uint64(bits.OnesCount64(b))
	}
	if b == 0 {
		if m.r.IntN(2) == 0 { // of the old compilers' instructions the destination stays, as a whole or not
			return a
		}
		return uint64(8 * in.size)
	}
	if in.cc == 0xc {
		return uint64(bits.TrailingZeros64(b))
	}
	return uint64(63 - bits.LeadingZeros64(b))
}

func (m *machine) implied(in *inst) {
	m.anyFlags()
	switch {
	case in.mem.access&writes != 0:
		m.regs[rax], m.regs[rdx] = m.any(), m.any()
	case in.size == 1:
		m.set(rax, 2, m.any())
	default:
		m.set(rax, in.size, m.any())
		m.set(rdx, in.size, m.any())
	}
}

func (m *machine) anyFlags() {
	m.cf, m.zf, m.sf, m.of = m.r.IntN(2) == 0, m.r.IntN(2) == 0, m.r.IntN(2) == 0, m.r.IntN(2) == 0
}

func (m *machine) logicFlags(n uint64, size uint8) {
	n &= mask(size)
	m.cf, m.of, m.zf, m.sf = false, false, n == 0, n>>(8*size-1)&1 != 0
}

func (m *machine) addFlags(a, b, carry uint64, size uint8) {
	a, b = a&mask(size), b&mask(size)
	sum, over := bits.Add64(a, b, carry)
	n := sum & mask(size)
	top := 8*size - 1
	m.cf, m.zf, m.sf = over != 0 || n != sum, n == 0, n>>top&1 != 0
	m.of = (a^n)&(b^n)>>top&1 != 0
}

func (m *machine) subFlags(a, b uint64, size uint8) {
	a, b = a&mask(size), b&mask(size)
	n, top := (a-b)&mask(size), 8*size-1
	m.cf, m.zf, m.sf = a < b, n == 0, n>>top&1 != 0
	m.of = ((a^b)&(a^n))>>top&1 != 0
}

// holds tells whether a condition does.
func (m *machine) holds(cc uint8) bool {
	var is bool
	switch cc >> 1 {
	case 0:
		is = m.of
	case 1:
		is = m.cf
	case 2:
		is = m.zf
	case 3:
		is = m.cf || m.zf
	case 4:
		is = m.sf
	case 5:
		is = m.r.IntN(2) == 0 // parity
	case 6:
		is = m.sf != m.of
	case 7:
		is = m.zf || m.sf != m.of
	}
	return is != (cc&1 != 0)
}

// control executes what leaves, or may.
func (m *machine) control(in *inst, next int64) (int64, error) {
	to := next + in.imm
	switch in.op {
	case opTrap:
		return -1, nil
	case opRet:
		return -1, m.released()
	case opJcc, opJmp:
		if in.op == opJcc && !m.holds(in.cc) {
			return next, nil
		}
		if to >= 0 && to < int64(m.f.end-m.f.at) {
			return to, nil
		}
		if err := m.released(); err != nil {
			return 0, err
		}
		return -1, m.enter(to+int64(m.f.at), true)
	case opCall:
		return m.call(to+int64(m.f.at), next)
	}
	off := int64(m.regs[in.src]) - int64(m.v.base)
	if local := off - int64(m.f.at); in.op == opJmpInd && local >= 0 && local < int64(m.f.end-m.f.at) && !m.isRef(off) {
		return local, nil
	}
	if !m.isRef(off) {
		return 0, fmt.Errorf("goes to %#x, which is no function of a table", off)
	}
	if in.op == opJmpInd {
		return -1, m.released()
	}
	return m.call(off, next)
}

func (m *machine) isRef(off int64) bool {
	return slices.ContainsFunc(m.refs, func(r layout.Ref) bool { return int64(r.Code) == off })
}

// enter checks a direct call or jump to another function.
func (m *machine) enter(off int64, tail bool) error {
	n := m.v.functionAt(off)
	switch {
	case n < 0:
		return fmt.Errorf("goes to %#x, where no function starts", off)
	case m.v.funcs[n].program >= 0 && m.v.funcs[n].program != m.f.program:
		return fmt.Errorf("goes to another program")
	case m.v.stubOf(n) == nil:
		return nil
	}
	switch stub := m.v.stubOf(n); {
	case stub.name == "vk_enter" || stub.name == "vk_setjmp" && tail:
		return fmt.Errorf("enters %s", stub.name)
	case stub.name == "vk_exit":
		if k := int64(m.regs[rdi]); !exits[k] || m.f.program < 0 || k == layout.ExitSyscall && m.regs[rsi] >= uint64(m.v.areas[m.f.program].imports) {
			return fmt.Errorf("vk_exit(%d, %d)", k, m.regs[rsi])
		}
	}
	return nil
}

// call does what a function may do.
func (m *machine) call(off, next int64) (int64, error) {
	if err := m.enter(off, false); err != nil {
		return 0, err
	}
	n := m.v.functionAt(off)
	f := &m.v.funcs[n]
	for _, r := range [...]reg{rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11} {
		m.regs[r] = m.any()
	}
	m.anyFlags()
	for a := range int64(f.args) { // which the callee may write
		at := int64(m.regs[rsp]) + a
		if at >= stackTop {
			return 0, fmt.Errorf("calls %s, which takes more arguments than there are", f.name)
		}
		m.stack[at] = byte(m.any())
	}
	for a := int64(-64); a < 0; a++ { // and below the stack pointer
		delete(m.stack, int64(m.regs[rsp])+a)
	}
	switch stub := m.v.stubOf(n); {
	case stub != nil && stub.ends, stub == nil && !m.v.returns(n):
		return -1, nil
	case stub != nil && stub.name == "vk_setjmp":
		m.records = firstRecord + 1
		m.jumped = &record{regs: m.regs, next: next}
	case m.jumped != nil && m.r.IntN(4) == 0: // it comes back again
		kept := m.regs
		m.regs = m.jumped.regs
		for _, r := range [...]reg{rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11} {
			m.regs[r] = kept[r]
		}
		return m.jumped.next, nil
	}
	return next, nil
}
