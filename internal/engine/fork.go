package engine

import (
	"slices"
	"unsafe"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// Fork makes an instance that continues where parent, of the same program, stands: the area,
// the used stack, the activations and the setjmp records are copied; memory is as New makes it,
// but zero where the parent's image has been unmapped, and the parent's layers (mm.Space.Fork does the
// rest with the raw operations).
func (p *Program) Fork(parent *Instance) (*Instance, linux.Errno) {
	if parent.p != p {
		return nil, linux.EINVAL
	}
	child, e := p.New()
	if e != 0 {
		return nil, e
	}
	size := uintptr(p.Meta.AreaSize)
	copy(bytesAt(child.base-size, size), bytesAt(parent.base-size, size))
	child.setBounds()
	child.adopt(parent)
	if e := child.copyStack(parent); e != 0 {
		child.Free()
		return nil, e
	}
	for _, h := range parent.imageHoles() {
		e := child.punch(h)
		if e == 0 {
			e = child.Map(h.start, h.end-h.start, ProtRead|ProtWrite, false)
		}
		if e != 0 {
			child.Free()
			return nil, e
		}
	}
	if e := child.share(parent); e != 0 {
		child.Free()
		return nil, e
	}
	return child, 0
}

// copyStack copies the used part of the native stack.
func (i *Instance) copyStack(parent *Instance) linux.Errno {
	if !parent.started {
		return 0
	}
	low := parent.stackLow - parent.at + i.at
	if e := i.guardStack(low); e != 0 {
		return e
	}
	if low < i.stackLow {
		if e := i.growStack(low + handlerRoom); e != 0 {
			return e
		}
	}
	used := parent.usedStack()
	copy(bytesAt(i.at+i.p.stackTop-uintptr(len(used)), uintptr(len(used))), used)
	return 0
}

// usedStack is the native stack from the lowest byte that any activation uses.
func (i *Instance) usedStack() []byte {
	if !i.started {
		return nil
	}
	low := max(i.sp()&^(pageSize-1), i.stackLow) // an overflowed one points below it
	high := i.at + i.p.stackTop
	return bytesAt(low, high-low)
}

// Aside is what a vfork child, which runs on its parent's instance, may overwrite.
type Aside struct {
	i       *Instance
	stack   []byte
	area    []byte
	below   []snapshot
	records []record

	exceptions *exceptions
	kept       int64 // of records and exceptions

	state    leftAs
	started  bool
	held     bool
	result   uint64
	stackLow uintptr
}

// SetAside copies the used stack, the area (globals), the activations and the records. The
// child then runs on this instance, until it has an image of its own or ends.
func (i *Instance) SetAside() *Aside {
	size := uintptr(len(i.p.area))
	a, ok := i.p.asides.Get().(*Aside)
	if !ok {
		a = new(Aside)
	}
	*a = Aside{
		i: i, stack: append(a.stack[:0], i.usedStack()...), area: append(a.area[:0], bytesAt(i.base-size, size)...),
		below: slices.Clone(i.below), records: slices.Clone(i.records), exceptions: i.exceptions.clone(), kept: i.kept.Load(),
		state: i.state, started: i.started, held: i.held, result: i.result, stackLow: i.stackLow,
	}
	return a
}

// Restore puts them back. Memory, and its size, stay what they are. The Aside must not be used
// after it. If it gives an error, the parent cannot go on.
func (a *Aside) Restore() linux.Errno {
	i := a.i
	i.shrinkStack(a.stackLow)
	if e := i.reserveStack(a.stackLow); e != 0 { // the child has left the handler that needed it
		return e
	}
	copy(bytesAt(i.at+i.p.stackTop-uintptr(len(a.stack)), uintptr(len(a.stack))), a.stack)
	i.restoreArea(a.area)
	i.below, i.records, i.exceptions = a.below, a.records, a.exceptions
	i.kept.Store(a.kept)
	i.state, i.started, i.held, i.result = a.state, a.started, a.held, a.result
	a.drop()
	return 0
}

// drop ends the use of the Aside.
func (a *Aside) drop() {
	const keep = 1 << 20 // bytes of one that waits for its next use
	if p := a.i.p; cap(a.stack)+cap(a.area) <= keep {
		*a = Aside{stack: a.stack, area: a.area}
		p.asides.Put(a)
	}
}

// restoreArea writes a copy of the area back, without the engine's words but the registers:
// others may set the kick word at any time. The size of memory stays what it is.
func (i *Instance) restoreArea(area []byte) {
	if m := i.memory.Load(); m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	pages := i.Pages()
	defer func() { i.storePages(pages) }()
	size := uintptr(len(area))
	below := size - layout.Control
	copy(bytesAt(i.base-size, below), area[:below])
	after := below + (layout.Results - layout.Save)
	copy(bytesAt(i.base-size+after, size-after), area[after:])
	s, old := i.save(), (*save)(unsafe.Pointer(&area[below]))
	s.registers, s.fx, s.signo, s.addr = old.registers, old.fx, old.signo, old.addr
}
