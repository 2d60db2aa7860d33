package verify

import (
	"fmt"
	"slices"
	"testing"
)

// BuildReal builds native code of real modules: exceptions, setjmp, tail calls, bulk memory,
// tables, loops. Package aot, which imports this one, can only be used outside of it.
var BuildReal func(t testing.TB) []byte

func realCode(t testing.TB) *Code {
	t.Helper()
	if real == nil {
		var err error
		if real, err = Parse(BuildReal(t)); err != nil {
			t.Fatal(err)
		}
	}
	return real
}

var real *Code // built once

// mutator verifies single functions of which a few bytes were changed.
type mutator struct {
	t *testing.T
	v *verifier
	w *walker
}

func newMutator(t *testing.T) *mutator {
	c := realCode(t).clone()
	v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr}
	if err := v.run(); err != nil {
		t.Fatal(err)
	}
	return &mutator{t, v, v.newWalker()}
}

// accepts verifies function n with other bytes at an offset of the text.
func (m *mutator) accepts(n int32, off uint32, bytes []byte) bool {
	place := m.v.text[off : off+uint32(len(bytes))]
	old := slices.Clone(place)
	copy(place, bytes)
	f := &m.v.funcs[n]
	args := f.args
	f.tails, f.tailTypes, f.args, f.returns = nil, nil, 0, unasked
	m.w.budget, m.w.edges = 1<<20, m.w.edges[:0]
	err := m.w.function(n)
	if f.args > args {
		err = m.v.fail(f, off, "more arguments")
	}
	for _, e := range m.w.edges {
		if m.v.taken(&e) > e.room {
			err = m.v.fail(f, e.at, "no room")
		}
	}
	copy(place, old)
	f.args, f.returns = args, unasked
	return err == nil
}

// each calls fn for each instruction of each function that is no stub.
func (m *mutator) each(fn func(n int32, off uint32, in *inst, bytes []byte)) {
	for n := m.v.stubs; n < len(m.v.funcs); n++ {
		f := &m.v.funcs[n]
		for off := f.at; off < f.end; {
			var in inst
			if !decode(m.v.text[off:f.end], &in) {
				m.t.Fatalf("%#x does not decode", off)
			}
			size := uint32(in.len)
			fn(int32(n), off, &in, slices.Clone(m.v.text[off:off+size]))
			off += size
		}
	}
}

func nops(n int) []byte { return slices.Repeat([]byte{0x90}, n) }

// most is how many mutants of 100 may be accepted of the kinds for which there are harmless ones.
var most = map[string]int{
	"a local far up": 10, "return dropped": 10, "push or pop dropped": 15, "jump or call one byte further": 5, "zero extension dropped": 70,
}

// TestMutations changes real functions in ways that each break a rule. What is accepted all
// the same is counted; why that can be harmless is said at each, and each is executed (machine_test.go).
func TestMutations(t *testing.T) {
	m := newMutator(t)
	type result struct{ made, accepted int }
	results := map[string]*result{}
	mutate := func(kind string, harmless bool, n int32, off uint32, bytes []byte) {
		r := results[kind]
		if r == nil {
			r = &result{}
			results[kind] = r
		}
		r.made++
		if m.accepts(n, off, bytes) {
			r.accepted++
			if err := m.executes(n, off, bytes, 50, 500); err != nil {
				t.Errorf("%s at %#x in %s is accepted: %v", kind, m.v.base+uint64(off), m.v.funcs[n].name, err)
			}
			if !harmless {
				t.Errorf("%s at %#x in %s is accepted", kind, m.v.base+uint64(off), m.v.funcs[n].name)
			}
		}
	}
	m.each(func(n int32, off uint32, in *inst, b []byte) {
		size := len(b)
		mem := in.mem.access&(reads|writes) != 0
		switch {
		case in.mem.gs:
			i := slices.Index(b, 0x65)
			c := slices.Clone(b)
			c[i] = 0x90 // xchg eax, eax: the segment is gone
			mutate("GS prefix dropped", false, n, off, c)
			c[i] = 0x64
			mutate("FS for GS", false, n, off, c)
		case mem && in.mem.base == rsp && in.op != opPush:
			c := slices.Clone(b)
			if sib := slices.Index(c, 0x24); sib >= 0 && sib+1 < size && in.mem.disp != 0 && in.mem.disp < 0x70 {
				c[sib+1] = 0x7c                           // far up
				mutate("a local far up", true, n, off, c) // an argument, where the function has some
				c[sib+1] = 0xf0
				mutate("a local below rsp", false, n, off, c)
			}
		}
		switch in.op {
		case opRet:
			// Behind it there may be other code of the function, for which the stack is right.
			mutate("return dropped", true, n, off, nops(size))
		case opPush, opPop:
			// A function that never returns, as it ends in a trap or in itself, needs no balance.
			mutate("push or pop dropped", true, n, off, nops(size))
		case opJmp, opJcc, opCall:
			c := slices.Clone(b)
			c[len(c)-map[bool]int{true: 1, false: 4}[size == 2]]++
			// Behind a return, which is one byte, there is another instruction, or the start of
			// the next function: a tail call.
			mutate("jump or call one byte further", in.op != opCall, n, off, c)
		}
		if in.dst == rsp && (in.op == opAdd || in.op == opSub) {
			mutate("frame dropped", false, n, off, nops(size))
			c := slices.Clone(b)
			c[len(c)-map[bool]int{true: 1, false: 4}[size == 4]] ^= 8
			mutate("another frame", false, n, off, c)
		}
		if in.op == opMov && in.size == 4 && in.src.isGeneral() && in.dst.isGeneral() && b[0]&0xf0 != 0x40 && size == 2 {
			// Not a zero extension any more: only harmless where it was none, or its result is
			// no address.
			mutate("zero extension dropped", true, n, off, nops(size))
		}
	})
	for kind, r := range results {
		t.Logf("%s: %d made, %d accepted", kind, r.made, r.accepted)
		if 100*r.accepted > most[kind]*r.made {
			t.Errorf("%s: %d of %d accepted", kind, r.accepted, r.made)
		}
	}
}

// TestBitFlips flips every bit of real functions. Most accepted mutants compute something
// else from the guest's own data; an independent look makes sure that they access nothing in
// any other way than the rules allow, and each is executed.
func TestBitFlips(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	m := newMutator(t)
	made, accepted := 0, 0
	classes := map[string]int{}
	m.each(func(n int32, off uint32, in *inst, b []byte) {
		for bit := range 8 * len(b) {
			made++
			c := slices.Clone(b)
			c[bit/8] ^= 1 << (bit % 8)
			if !m.accepts(n, off, c) {
				continue
			}
			accepted++
			if err := m.executes(n, off, c, 4, 300); err != nil {
				t.Errorf("%#x: % x for % x is accepted: %v", m.v.base+uint64(off), c, b, err)
			}
			class, ok := m.judge(n, off, in, c)
			classes[class]++
			if !ok {
				t.Errorf("%s: %#x: % x for % x is accepted", class, m.v.base+uint64(off), c, b)
			}
		}
	})
	t.Logf("%d mutants, %d accepted: %v", made, accepted, classes)
}

// judge says what a mutant changed, and whether that can be harmless.
func (m *mutator) judge(n int32, off uint32, in *inst, c []byte) (string, bool) {
	f := &m.v.funcs[n]
	text := append(slices.Clone(c), m.v.text[off+uint32(len(c)):f.end]...)
	var now inst
	if !decode(text, &now) {
		return "does not decode", false
	}
	if in.op == opTrap && m.accepts(n, off, []byte{0x8b, 0x08}) { // movl (%rax), %ecx
		return "behind what never returns", true // nothing leads there
	}
	if in.op == opPad {
		return "padding", true // that is run, or that nothing leads to
	}
	if now.mem.access&(reads|writes) != 0 && !now.mem.gs && now.mem.base != rsp && !now.mem.rip && in.mem.base != now.mem.base {
		return "memory operand of another kind", false
	}
	if now.dst == rsp || now.src == rsp {
		return "operation on rsp", in.dst == rsp
	}
	switch {
	case now.op == opRet && in.op != opRet:
		return "a return more", true
	case now.op >= opCall && in.op < opCall, now.op != in.op && in.op >= opCall:
		return "control changed to " + fmt.Sprint(now.op >= opCall), true
	case now.len != in.len:
		return "other length", true
	case now.op != in.op || now.cc != in.cc:
		return "other operation or condition", true
	case now.mem != in.mem:
		return "other memory operand", true
	case now.imm != in.imm:
		return "other constant", true
	case now.dst != in.dst || now.src != in.src:
		return "other register", true
	case now.size != in.size:
		return "other size", true
	}
	return "other vector operation", true
}
