package verify

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"vkernel/internal/engine/layout"
)

// machine executes a function of a verified file, one instruction after the other, on numbers instead of
// bounds, and checks each access, jump and call by itself: a second opinion, which shares nothing
// with the verifier but the decoder. What is not computed (vectors, loads of linear memory, results
// of calls, flags of rare instructions) is any number: the guest may choose it.
type machine struct {
	v    *verifier
	f    *function
	refs []layout.Ref
	r    *rand.Rand

	regs, entry    [16]uint64
	cf, zf, sf, of bool
	stack          map[int64]byte
	records        uint32 // the word Records
	jumped         *record
}

// record is what setjmp saved.
type record struct {
	regs [16]uint64
	next int64
}

const (
	stackTop    = int64(0x7f12_3456_7000) // where the return address lies
	firstRecord = 3
)

func newMachine(v *verifier, n int32, r *rand.Rand) *machine {
	m := &machine{v: v, f: &v.funcs[n], r: r, stack: map[int64]byte{}, records: firstRecord}
	for i := range v.code.Meta.Programs {
		if p := &v.code.Meta.Programs[i]; v.modules[p.Module] == m.f.program {
			m.refs = p.Refs
		}
	}
	for i := range m.regs {
		m.regs[i] = m.any()
	}
	m.regs[rsp] = uint64(stackTop)
	m.entry = m.regs
	return m
}

// any is a number of the guest's choice.
func (m *machine) any() uint64 {
	few := [...]uint64{0, 1, 2, 3, 4, 7, 8, 255, 4096, 1<<15 - 1, 1 << 16, 1<<31 - 1, 1 << 31, max32, 1 << 32, 1<<63 - 1, 1 << 63, ^uint64(0), ^uint64(0) - 4095}
	switch m.r.IntN(4) {
	case 0:
		return m.r.Uint64()
	case 1:
		return m.r.Uint64() >> m.r.IntN(64)
	}
	return few[m.r.IntN(len(few))]
}

func mask(size uint8) uint64 {
	if size >= 8 {
		return ^uint64(0)
	}
	return 1<<(8*size) - 1
}

// get and set access a register, or a part of it.
func (m *machine) get(r reg, size uint8) uint64 {
	if r != r.full() {
		return m.regs[r.full()] >> 8 & 0xff
	}
	return m.regs[r] & mask(size)
}

func (m *machine) set(r reg, size uint8, n uint64) {
	p := &m.regs[r.full()]
	switch {
	case r != r.full():
		*p = *p&^0xff00 | n&0xff<<8
	case size >= 4:
		*p = n & mask(size)
	default:
		*p = *p&^mask(size) | n&mask(size)
	}
}

// run executes until the function is left, or for some steps. It reports what was broken.
func (m *machine) run(steps int) error {
	at := int64(0)
	for range steps {
		if at < 0 || at >= int64(m.f.end-m.f.at) {
			return fmt.Errorf("ran to %#x, outside of the function", at)
		}
		text := m.v.text[int64(m.f.at)+at : m.f.end]
		var in inst
		if !decode(text, &in) {
			return fmt.Errorf("%#x: runs what does not decode: % x", int64(m.v.base)+int64(m.f.at)+at, text[:min(8, len(text))])
		}
		next, err := m.step(&in, at+int64(in.len))
		if err != nil {
			return fmt.Errorf("%#x [% x]: %w", int64(m.v.base)+int64(m.f.at)+at, text[:in.len], err)
		}
		if next < 0 {
			return nil
		}
		at = next
		for a := int64(-32); a < 0 && m.r.IntN(16) == 0; a++ { // an interrupt
			delete(m.stack, int64(m.regs[rsp])+a)
		}
	}
	return nil
}

// address is that of a memory operand: relative to GS, or as it is.
func (m *machine) address(in *inst, next int64) int64 {
	o := &in.mem
	a := o.disp
	if o.rip {
		return a + int64(m.v.base) + int64(m.f.at) + next
	}
	if o.base != noReg {
		a += int64(m.regs[o.base])
	}
	if o.index != noReg {
		a += int64(m.regs[o.index]) * int64(o.scale)
	}
	if o.narrow {
		a = int64(uint32(a))
	}
	return a
}

// access checks a memory operand, and gives what is there.
func (m *machine) access(in *inst, next int64, stored uint64) (uint64, error) {
	o := &in.mem
	if o.access&(reads|writes) == 0 {
		return 0, nil
	}
	a, n := m.address(in, next), int64(o.size)
	if o.gs {
		return m.segment(in, a, n, stored)
	}
	if d := m.v.rodata(a, n); d != nil {
		if o.access&writes != 0 {
			return 0, fmt.Errorf("writes read-only data at %#x", a)
		}
		return m.bytes(func(i int64) byte { return d[i] }, n), nil
	}
	switch {
	case a < int64(m.regs[rsp]) || a+n > stackTop+8+int64(m.f.args):
		return 0, fmt.Errorf("accesses %d bytes at rsp%+d, %+d from the return address", n, a-int64(m.regs[rsp]), a-stackTop)
	case a+n > stackTop && a < stackTop+8:
		return 0, fmt.Errorf("accesses the return address")
	}
	loaded := m.bytes(m.local(a), n)
	if o.access&writes != 0 {
		for i := range n {
			m.stack[a+i] = byte(stored >> (8 * min(i, 7)))
		}
	}
	return loaded, nil
}

// local reads the stack, which has anything where nothing was written.
func (m *machine) local(a int64) func(i int64) byte {
	return func(i int64) byte {
		b, ok := m.stack[a+i]
		if !ok {
			b = byte(m.any())
			m.stack[a+i] = b
		}
		return b
	}
}

func (m *machine) bytes(at func(i int64) byte, n int64) uint64 {
	var b [8]byte
	for i := range min(n, 8) {
		b[i] = at(i)
	}
	return binary.LittleEndian.Uint64(b[:])
}

// segment is an access relative to GS.
func (m *machine) segment(in *inst, a, n int64, stored uint64) (uint64, error) {
	write := in.mem.access&writes != 0
	within := func(from, size int64) bool { return from <= a && a+n <= from+size }
	switch {
	case a >= 0 && a+n <= 8<<30+4096:
		return m.any() & mask(in.mem.size), nil
	case within(layout.Pages, 4) && !write:
		return m.any() & mask(4), nil
	case m.f.program < 0:
	case within(layout.Records, 4):
		if write && (in.mem.access&reads != 0 || uint32(stored) != firstRecord) {
			return 0, fmt.Errorf("sets the number of records to %d", uint32(stored))
		}
		if write {
			m.records, m.jumped = firstRecord, nil
		}
		return uint64(m.records), nil
	case within(layout.Results, 16*layout.MaxResults), within(layout.Args, 8*layout.MaxArgs), within(layout.Thrown, 4):
		return m.any() & mask(in.mem.size), nil
	default:
		return m.word(in, a, n, stored, write)
	}
	return 0, fmt.Errorf("accesses GS%+d", a)
}

// word is an access below the control page.
func (m *machine) word(in *inst, a, n int64, stored uint64, write bool) (uint64, error) {
	area := &m.v.areas[m.f.program]
	if area.globals.from <= a && a+n <= area.globals.to {
		return m.any() & mask(in.mem.size), nil
	}
	for _, z := range area.zeros {
		if write && a == z && n == 4 && in.mem.access&reads == 0 && uint32(stored) == 0 {
			return 0, nil
		}
	}
	if write || a < -area.size || a+n > -layout.Control {
		return 0, fmt.Errorf("accesses GS%+d, write %v", a, write)
	}
	for i := range area.tables {
		if t := &area.tables[i]; t.functions && t.from <= a && a+n <= t.to && n == 8 && (a-t.from)%8 == 0 && len(m.refs) > 0 && m.r.IntN(8) > 0 {
			ref := m.refs[m.r.IntN(len(m.refs))]
			return uint64(ref.Type)<<32 | uint64(ref.Code), nil
		} else if t.functions && t.from <= a && a < t.to && n == 8 && (a-t.from)%8 == 0 {
			return 0, nil
		}
	}
	return m.any() & mask(in.mem.size), nil
}

// push and pop.
func (m *machine) push(n uint64) {
	m.regs[rsp] -= 8
	for i := range int64(8) {
		m.stack[int64(m.regs[rsp])+i] = byte(n >> (8 * i))
	}
}

func (m *machine) pop() (uint64, error) {
	a := int64(m.regs[rsp])
	if a >= stackTop {
		return 0, fmt.Errorf("pops the return address")
	}
	m.regs[rsp] += 8
	return m.bytes(m.local(a), 8), nil
}

// released checks a return or a tail call.
func (m *machine) released() error {
	for _, r := range append(calleeSaved[:], rsp) {
		if m.regs[r] != m.entry[r] {
			return fmt.Errorf("leaves with %s %#x, which was %#x", regNames[r], m.regs[r], m.entry[r])
		}
	}
	if m.records != firstRecord {
		return fmt.Errorf("leaves with a record of setjmp")
	}
	return nil
}
