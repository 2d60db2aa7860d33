package engine

import (
	"encoding/binary"
	"unsafe"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// An instance is saved in two parts. Its context is what an Aside holds: the used stack, the area, the
// activations, the setjmp records and the exceptions. Its memory is pages, each run of them by itself, as package mm
// asks for them.
//
// Addresses of the slot are saved relative to it. Addresses of code are saved as they are: return addresses on the
// stack cannot be told from numbers. So a context can only be loaded where the same code
// lies at the same address, which is derived from its digest (codeBase).

// chunkSize is how much of a memory or a stack makes a chunk: at most so much is written anew when a byte changes.
const chunkSize = 64 << 10

// SaveContext writes the context. The guest must be out.
func (i *Instance) SaveContext(e *state.Encoder) {
	a := i.SetAside()
	a.SaveState(e)
	a.drop()
}

// SaveState writes what was set aside.
func (a *Aside) SaveState(e *state.Encoder) {
	i := a.i
	e.Uint(uint64(i.p.code.text))
	e.Uint(i.p.code.textSize)
	e.Uint(uint64(i.p.stackTop))
	e.Uint(uint64(a.state))
	e.Bool(a.started)
	e.Bool(a.held)
	e.Uint(a.result)
	e.Uint(uint64(a.stackLow - i.at))
	e.Uint(uint64(i.at))
	saveChunked(e, a.stack)
	saveChunked(e, i.relativeArea(a.area))
	e.Len(len(a.below))
	for k := range a.below {
		a.below[k].SaveState(e)
	}
	e.Len(len(a.records))
	for k := range a.records {
		a.records[k].SaveState(e)
	}
	a.exceptions.SaveState(e)
}

// relativeArea is a copy of the area without what belongs to the host, its stack pointer relative to base.
func (i *Instance) relativeArea(area []byte) []byte {
	out := append([]byte(nil), area...)
	word := func(off int) []byte { return out[len(out)+off:][:8] }
	clear(word(layout.HostSP))
	sp := int64(binary.LittleEndian.Uint64(word(layout.GuestSP))) - int64(i.base)
	binary.LittleEndian.PutUint64(word(layout.GuestSP), uint64(sp))
	s := (*save)(unsafe.Pointer(&out[len(out)+layout.Save]))
	*s = save{registers: s.registers, fx: s.fx, signo: s.signo, addr: s.addr}
	return out
}

// saveChunked writes bytes in chunks.
func saveChunked(e *state.Encoder, b []byte) {
	e.Len(len(b))
	for len(b) > 0 && !e.Failed() {
		n := min(len(b), chunkSize)
		e.Chunk(b[:n])
		b = b[n:]
	}
}

// SaveState writes an activation.
func (b *snapshot) SaveState(e *state.Encoder) {
	e.Uint(uint64(b.state))
	e.Bool(b.held)
	e.Uint(b.result)
	b.registers.SaveState(e)
	e.Raw(b.fx[:])
	b.control.SaveState(e)
	e.Uint(uint64(b.stackPointer))
	e.Uint(uint64(b.records))
	e.Uint(uint64(b.stackLow))
}

// SaveState writes registers.
func (r *registers) SaveState(e *state.Encoder) {
	for _, v := range r.gpr {
		e.Uint(v)
	}
	e.Uint(r.rip)
	e.Uint(r.flags)
}

// SaveState writes the control words.
func (c *control) SaveState(e *state.Encoder) {
	e.Uint(c.kind)
	e.Uint(c.code)
	e.Uint(uint64(c.thrown))
	e.Int(c.guestSP)
	for _, v := range c.args {
		e.Uint(v)
	}
	for _, v := range c.results {
		e.Uint(v[0])
		e.Uint(v[1])
	}
}

// SaveState writes a setjmp record.
func (r *record) SaveState(e *state.Encoder) {
	e.Uint(r.number)
	r.frame.SaveState(e)
	e.Int(r.sp)
	e.Uint(uint64(r.stack))
	e.Uint(uint64(r.buffer))
	e.Uint(uint64(r.depth))
	e.Uint(r.data)
}

// SaveState writes what a stub has left on the stack.
func (f *frame) SaveState(e *state.Encoder) {
	for _, v := range [...]uint64{f.r15, f.r14, f.r13, f.r12, f.rbx, f.rbp, f.ret} {
		e.Uint(v)
	}
}

// SaveState writes the exceptions to which there are references; nil is none.
func (x *exceptions) SaveState(e *state.Encoder) {
	e.Bool(x != nil)
	if x == nil {
		return
	}
	e.Len(len(x.list))
	for k := range x.list {
		x.list[k].SaveState(e)
	}
	e.Len(len(x.free))
	for _, at := range x.free {
		e.Uint(uint64(at))
	}
	e.Uint(uint64(x.limit))
	e.Uint(x.first)
	e.Uint(x.last)
}

// SaveState writes an exception.
func (x *exception) SaveState(e *state.Encoder) {
	e.Uint(x.ref)
	e.Uint(uint64(x.tag))
	e.Len(len(x.values))
	for _, v := range x.values {
		e.Uint(v[0])
		e.Uint(v[1])
	}
}

// SaveHoles writes which parts of the program's image the memory no longer has.
func (i *Instance) SaveHoles(e *state.Encoder) {
	list := i.imageHoles()
	e.Len(len(list))
	for _, h := range list {
		e.Uint(h.start)
		e.Uint(h.size())
	}
}

// SavePages writes the pages of a range that differ from what New and SaveHoles make of it: readable, private memory,
// without mappings of files and shares. No guest of the memory runs.
func (i *Instance) SavePages(e *state.Encoder, addr, length uint64) linux.Errno {
	if _, errno := i.within(addr, length); errno != 0 {
		return errno
	}
	end := addr + length
	var errno linux.Errno
	if m := i.memory.Load(); m != nil {
		errno = i.saveShared(e, m, addr, end)
	} else {
		at := addr
		for _, p := range i.partsWithin(addr, end) {
			if errno == 0 {
				errno = i.savePrivate(e, at, p.start)
			}
			i.saveRun(e, p.start, p.end)
			at = p.end
		}
		if errno == 0 {
			errno = i.savePrivate(e, at, end)
		}
	}
	e.Bool(false)
	return errno
}

// partsWithin lists what of a range is mapped from layers.
func (i *Instance) partsWithin(start, end uint64) (list []hole) {
	for _, p := range i.parts {
		if c, ok := p.and(hole{start, end}); ok {
			list = append(list, c)
		}
	}
	return list
}

// savePrivate writes the private pages of a range.
func (i *Instance) savePrivate(e *state.Encoder, start, end uint64) linux.Errno {
	if start >= end {
		return 0
	}
	return i.p.code.pagemap.private(i.base+uintptr(start), uintptr(end-start), func(at, size uintptr) {
		i.saveRun(e, uint64(at-i.base), uint64(at-i.base)+uint64(size))
	})
}

// saveShared writes a memory with threads: its data, and the holes in its place of the image.
func (i *Instance) saveShared(e *state.Encoder, m *sharedMemory, start, end uint64) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := start
	run := func(from, to uint64) linux.Errno {
		for _, h := range i.p.imageWithout(at, from, m.holes) {
			i.saveRun(e, h.start, h.end)
		}
		i.saveRun(e, from, to)
		at = to
		return 0
	}
	if errno := m.data(start, end, run); errno != 0 {
		return errno
	}
	return run(end, end)
}

// saveRun writes pages, in chunks that begin at multiples of chunkSize; pages of zeros only where the image is.
func (i *Instance) saveRun(e *state.Encoder, start, end uint64) {
	for start < end && !e.Failed() {
		to := min(end, start&^(chunkSize-1)+chunkSize)
		i.saveChunks(e, start, to)
		start = to
	}
}

func (i *Instance) saveChunks(e *state.Encoder, start, end uint64) {
	write := func(at, size uintptr) {
		e.Bool(true)
		e.Uint(uint64(at-i.base) / pageSize)
		e.Chunk(bytesAt(at, size))
	}
	at, size := i.base+uintptr(start), uintptr(end-start)
	if i.inImage(start, end-start) {
		write(at, size)
		return
	}
	eachUsed(at, size, write)
}
