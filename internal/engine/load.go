package engine

import (
	"encoding/binary"
	"unsafe"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// What is loaded here is as trusted as code: a stack holds return addresses. So it is authenticated before it comes
// here. The checks make sure that a mistake in it is an error, not a crash: nothing outside of the instance is
// touched, and every address at which the engine itself enters the code lies in it.

// LoadContext reads what SaveContext wrote, into a fresh instance of the same program.
func (i *Instance) LoadContext(d *state.Decoder) {
	a := i.LoadAside(d)
	if d.Failed() {
		return
	}
	if e := a.Restore(); e != 0 {
		d.Failf("the host has no room for a stack: %v", e)
		return
	}
	i.setBounds()
}

// LoadAside reads what SaveState of an Aside wrote, for an instance of the same program.
func (i *Instance) LoadAside(d *state.Decoder) *Aside {
	c := i.p.code
	if text, size := uintptr(d.Uint(1<<64-1)), d.Uint(1<<64-1); !d.Failed() && (text != c.text || size != c.textSize) {
		d.Failf("its code was at %#x, %d bytes; here it is at %#x, %d bytes: it is other code, or its place was taken", text, size, c.text, c.textSize)
	}
	if top := uintptr(d.Uint(slotStride)); !d.Failed() && top != i.p.stackTop {
		d.Failf("its stack ends at %#x, not %#x: it is another program", top, i.p.stackTop)
	}
	a := &Aside{i: i, state: leftState(d), started: d.Bool(), held: d.Bool(), result: d.Uint(1<<64 - 1)}
	least := uint64(max(i.p.Meta.MaxFrame, leastFrame)) + pageSize
	low := d.Uint(uint64(i.p.stackTop) - pageSize)
	a.stackLow = i.at + uintptr(low)
	if low < least || low%pageSize != 0 {
		d.Failf("a stack that reaches down to %#x of %#x", low, i.p.stackTop)
	}
	old := slotRange{uintptr(d.Uint(1<<47 - slotStride))}
	a.stack = loadChunked(d, uint64(i.p.stackTop)-low)
	a.area = loadChunked(d, uint64(len(i.p.area)))
	if d.Failed() {
		return a
	}
	if len(a.area) != len(i.p.area) {
		d.Failf("an area of %d bytes, not %d", len(a.area), len(i.p.area))
		return a
	}
	a.below = make([]snapshot, d.Count(1))
	if len(a.below) >= maxDepth {
		d.Failf("%d activations", len(a.below))
	}
	for k := range a.below {
		a.below[k].LoadState(d)
		a.below[k].registers.move(old, i)
	}
	a.records = make([]record, d.Count(1))
	if len(a.records) > maxRecords {
		d.Failf("%d records", len(a.records))
	}
	for k := range a.records {
		a.records[k].LoadState(d)
	}
	a.kept = int64(len(a.records)) * recordBytes
	a.exceptions = new(exceptions)
	a.exceptions.LoadState(d)
	for k := range a.exceptions.list {
		a.kept += a.exceptions.list[k].bytes()
	}
	if a.exceptions.limit == 0 {
		a.exceptions = nil
	}
	if !d.Failed() {
		a.check(d, old)
	}
	return a
}

// leftState reads how an activation left.
func leftState(d *state.Decoder) leftAs { return leftAs(d.Uint(uint64(returned))) }

// slotRange is the slot in which something was saved.
type slotRange struct{ at uintptr }

// move makes addresses in one slot addresses in the slot of i.
func (r *registers) move(from slotRange, i *Instance) {
	low := uint64(from.at)
	for k, v := range r.gpr {
		if v >= low && v < low+baseOffset {
			r.gpr[k] = v - low + uint64(i.at)
		}
	}
}

// check makes sure that the engine can go on from what was read, and fills in the addresses of this slot.
func (a *Aside) check(d *state.Decoder, old slotRange) {
	i := a.i
	area := a.area
	word := func(off int) []byte { return area[len(area)+off:][:8] }
	if sp := int64(binary.LittleEndian.Uint64(word(layout.GuestSP))); a.started {
		a.checkSP(d, a.state, sp)
		binary.LittleEndian.PutUint64(word(layout.GuestSP), uint64(int64(i.base)+sp))
	}
	s := (*save)(unsafe.Pointer(&area[len(area)+layout.Save]))
	s.registers.move(old, i)
	if a.started && a.state == interrupted {
		a.checkRegisters(d, &s.registers)
	}
	sanitize(&s.registers, &s.fx)
	top := uint64(0)
	for k := range a.below {
		b := &a.below[k]
		a.checkSP(d, b.state, b.control.guestSP)
		if b.state == interrupted {
			a.checkRegisters(d, &b.registers)
		}
		sanitize(&b.registers, &b.fx)
		if b.stackLow > i.p.stackTop || b.stackLow%pageSize != 0 || uint64(b.stackLow) < uint64(a.stackLow-i.at) {
			d.Failf("an activation whose stack reaches down to %#x", b.stackLow)
		}
	}
	for k := range a.records {
		r := &a.records[k]
		a.checkSP(d, atFrame, r.sp)
		if off := r.frame.ret - uint64(i.p.code.text); off >= i.p.code.textSize || r.depth < 1 || r.depth > len(a.below)+1 || r.number&(maxRecords-1) != uint64(k) {
			d.Failf("record %d is none", k)
		}
		top = max(top, r.number)
	}
	if n := binary.LittleEndian.Uint32(word(layout.Records)); int64(n) > int64(len(a.records)) {
		d.Failf("%d records live, there are %d", n, len(a.records))
	}
	if x := a.exceptions; x != nil {
		top = max(top, x.last)
	}
	a.checkTables(d)
	if !d.Failed() {
		i.p.code.numberAbove(top >> indexBits)
	}
}

// checkSP checks a stack pointer relative to base.
func (a *Aside) checkSP(d *state.Decoder, s leftAs, sp int64) {
	i := a.i
	off := int64(baseOffset) + sp // in the slot
	low, high := int64(a.stackLow-i.at), int64(i.p.stackTop)-frameSize
	if s != atFrame {
		low, high = 0, baseOffset // it is not used before it is set
	}
	if off < low || off > high || s == atFrame && off%8 != 0 {
		d.Failf("a stack pointer %#x below the base", -sp)
	}
}

// checkRegisters checks where an interrupted activation goes on.
func (a *Aside) checkRegisters(d *state.Decoder, r *registers) {
	i := a.i
	sp := r.gpr[rsp]
	if sp < uint64(i.at)+pageSize || sp > uint64(i.at+i.p.stackTop) {
		d.Failf("an interrupted stack pointer outside of the stack")
	}
	if r.rip-uint64(i.p.code.text) >= i.p.code.textSize {
		d.Failf("an instruction pointer outside of the code")
	}
}

// sanitize takes away what a processor would refuse, or what is the host's.
func sanitize(r *registers, fx *[512]byte) {
	const arithmetic, fixed = 0x8d5, 0x2 // as in run.c
	r.flags = r.flags&arithmetic | fixed
	mxcsr := binary.LittleEndian.Uint32(fx[24:])
	binary.LittleEndian.PutUint32(fx[24:], mxcsr&0xffff)
}

// checkTables makes sure that a table of functions holds what it began with, or functions that there are.
func (a *Aside) checkTables(d *state.Decoder) {
	p := a.i.p
	for n := range p.Meta.Tables {
		t := &p.Meta.Tables[n]
		size := min(binary.LittleEndian.Uint32(a.area[len(a.area)+int(t.SizeOffset):]), t.Cap)
		for k := range int(size) {
			at := len(a.area) + int(t.Offset) + k*layout.EntrySize
			v := binary.LittleEndian.Uint64(a.area[at:])
			if v != binary.LittleEndian.Uint64(p.area[at:]) && !p.mayHold(t, v) {
				d.Failf("entry %d of table %d is no function of the program", k, n)
				return
			}
		}
	}
}

// numberAbove makes the numbers of records that are given from now on larger than n.
func (c *Code) numberAbove(n uint64) {
	for {
		old := c.records.Load()
		if old >= n || c.records.CompareAndSwap(old, n) {
			return
		}
	}
}

// loadChunked reads at most most bytes in chunks.
func loadChunked(d *state.Decoder, most uint64) []byte {
	n := int(d.Uint(most))
	b := make([]byte, 0, n)
	for len(b) < n && !d.Failed() {
		c := d.Chunk()
		if len(c) == 0 || len(c) > n-len(b) {
			d.Failf("chunks of %d bytes, and one of %d more", n, len(c))
			break
		}
		b = append(b, c...)
	}
	return b
}

// LoadState reads an activation.
func (b *snapshot) LoadState(d *state.Decoder) {
	b.state = leftState(d)
	b.held = d.Bool()
	b.result = d.Uint(1<<64 - 1)
	b.registers.LoadState(d)
	copy(b.fx[:], d.Raw(len(b.fx)))
	b.control.LoadState(d)
	b.stackPointer = uint32(d.Uint(1<<32 - 1))
	b.records = uint32(d.Uint(maxRecords))
	b.stackLow = uintptr(d.Uint(slotStride))
}

// LoadState reads registers.
func (r *registers) LoadState(d *state.Decoder) {
	for k := range r.gpr {
		r.gpr[k] = d.Uint(1<<64 - 1)
	}
	r.rip, r.flags = d.Uint(1<<64-1), d.Uint(1<<64-1)
}

// LoadState reads the control words.
func (c *control) LoadState(d *state.Decoder) {
	c.kind, c.code, c.thrown = d.Uint(1<<64-1), d.Uint(1<<64-1), uint32(d.Uint(1<<32-1))
	c.guestSP = d.Int(-baseOffset, 0)
	for k := range c.args {
		c.args[k] = d.Uint(1<<64 - 1)
	}
	for k := range c.results {
		c.results[k] = [2]uint64{d.Uint(1<<64 - 1), d.Uint(1<<64 - 1)}
	}
}

// LoadState reads a setjmp record.
func (r *record) LoadState(d *state.Decoder) {
	r.number = d.Uint(1<<63 - 1)
	r.frame.LoadState(d)
	r.sp = d.Int(-baseOffset, 0)
	r.stack, r.buffer = uint32(d.Uint(1<<32-1)), guest.Addr(d.Uint(1<<32-1))
	r.depth, r.data = int(d.Uint(maxDepth)), d.Uint(1<<64-1)
}

// LoadState reads what a stub has left on the stack.
func (f *frame) LoadState(d *state.Decoder) {
	for _, v := range [...]*uint64{&f.r15, &f.r14, &f.r13, &f.r12, &f.rbx, &f.rbp, &f.ret} {
		*v = d.Uint(1<<64 - 1)
	}
}

// LoadState reads the exceptions; its limit is 0 if there were none.
func (x *exceptions) LoadState(d *state.Decoder) {
	if !d.Bool() {
		return
	}
	x.list = make([]exception, d.Count(3))
	if len(x.list) > maxExceptions {
		d.Failf("%d exceptions", len(x.list))
		return
	}
	for k := range x.list {
		x.list[k].LoadState(d)
		if x.held += len(x.list[k].values); x.held > maxValues {
			d.Failf("exceptions of %d values", x.held)
			return
		}
	}
	x.free = make([]uint32, d.Count(1))
	for k := range x.free {
		if at := d.Uint(maxExceptions); at < uint64(len(x.list)) && x.list[at].ref == 0 {
			x.free[k] = uint32(at)
		} else {
			d.Failf("exception %d is not free", at)
			return
		}
	}
	x.limit = int(d.Uint(maxExceptions))
	x.first, x.last = d.Uint(1<<63-1), d.Uint(1<<63-1)
	if x.limit < minExceptions {
		d.Failf("room for %d exceptions", x.limit)
	}
}

// LoadState reads an exception.
func (x *exception) LoadState(d *state.Decoder) {
	x.ref, x.tag = d.Uint(1<<63-1), uint32(d.Uint(1<<32-1))
	x.values = make([][2]uint64, d.Count(2))
	if len(x.values) > layout.MaxPayload {
		d.Failf("an exception of %d values", len(x.values))
	}
	for k := range x.values {
		x.values[k] = [2]uint64{d.Uint(1<<64 - 1), d.Uint(1<<64 - 1)}
	}
}

// LoadHoles reads what SaveHoles wrote, into a fresh instance.
func (i *Instance) LoadHoles(d *state.Decoder) linux.Errno {
	for range d.Count(2) {
		start, size := d.Uint(memorySize), d.Uint(memorySize)
		h := hole{start, start + size}
		if d.Failed() || !i.inImage(start, size) || start%pageSize != 0 || size%pageSize != 0 || size == 0 || h.end > uint64(i.p.initial) {
			d.Failf("a hole of %d bytes at %#x of the image", size, start)
			return linux.EINVAL
		}
		e := i.punch(h)
		if e == 0 {
			e = i.Map(h.start, size, ProtRead|ProtWrite, false)
		}
		if e != 0 {
			return e
		}
	}
	return 0
}
