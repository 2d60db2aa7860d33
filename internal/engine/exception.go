package engine

/*
#include "run.h"
*/
import "C"

import (
	"encoding/binary"
	"slices"

	"vkernel/internal/engine/layout"
)

// exceptions are those to which a guest may hold a reference (exnref). A reference is a number
// like that of a setjmp record: the index in the low bits, above them what is never used twice
// in a Code, so it is not an address, a fork may keep it, and it cannot be mistaken for another.
//
// Nobody tells when a reference is dropped. When the list has grown to its limit, what no
// reference is found to is freed: everything that looks like one on the native stack, in saved
// registers, globals and tables counts, also in the values of an exception that is referred to.
type exceptions struct {
	list  []exception
	free  []uint32 // indices of entries that are not in use
	limit int      // entries in use at which to look for garbage
	held  int      // values of all entries

	first, last uint64 // references are not smaller, or larger: what looks for them skips most words at once
}

// exception is an entry; its ref is 0 if it is not in use.
type exception struct {
	ref    uint64
	tag    uint32
	marked bool
	values [][2]uint64
}

// The bounds also keep short what cannot be interrupted, the search for garbage: about 1 ms of CPU with all of the stack in
// use and as many exceptions as there may be.
const (
	maxExceptions = 1 << 14
	minExceptions = 256     // no search for garbage below
	maxValues     = 1 << 15 // 512 KiB
)

// clone is nil for nil. Entries' values are never changed, so they may be shared.
func (x *exceptions) clone() *exceptions {
	if x == nil {
		return nil
	}
	return &exceptions{slices.Clone(x.list), slices.Clone(x.free), x.limit, x.held, x.first, x.last}
}

// serve answers ExitSave, ExitLoad and ExitTable until the guest leaves for something else.
func (i *Instance) serve(kind uint64) Exit {
	result := uint64(0)
	for kind == layout.ExitSave || kind == layout.ExitLoad || kind == layout.ExitTable {
		switch kind {
		case layout.ExitSave:
			result = i.saveException(int(min(*i.u64(layout.ExitCode), layout.MaxPayload)))
		case layout.ExitLoad:
			result = i.loadException(i.Arg(0))
		default:
			result = i.tableOperation(*i.u64(layout.ExitCode))
		}
		kind = uint64(C.vk_run(C.uintptr_t(i.base), C.uint64_t(result), 0))
	}
	if kind == layout.ExitSyscall {
		return layout.ExitSyscall
	}
	return i.left(kind, result)
}

// saveException makes a reference to the thrown exception; 0 if there are too many.
func (i *Instance) saveException(values int) uint64 {
	if i.exceptions == nil {
		i.exceptions = &exceptions{limit: minExceptions}
	}
	x := i.exceptions
	if len(x.list)-len(x.free) >= x.limit || x.held+values > maxValues {
		i.collect()
	}
	if x.held+values > maxValues {
		return 0
	}
	at := uint32(len(x.list))
	if n := len(x.free); n > 0 {
		at, x.free = x.free[n-1], x.free[:n-1]
	} else if at == maxExceptions {
		return 0
	} else {
		x.list = append(x.list, exception{})
	}
	x.held += values
	e := &x.list[at]
	*e = exception{
		ref: i.p.code.records.Add(1)<<indexBits | uint64(at), tag: *i.u32(layout.Thrown),
		values: slices.Clone(i.Results()[:values]),
	}
	if x.first == 0 {
		x.first = e.ref
	}
	x.last = e.ref // numbers only grow
	i.kept.Add(e.bytes())
	return e.ref
}

// loadException throws the exception of a reference; 0 if there is none.
func (i *Instance) loadException(ref uint64) uint64 {
	e := i.exceptions.find(ref)
	if e == nil {
		return 0
	}
	*i.u32(layout.Thrown) = e.tag
	copy(i.Results()[:], e.values)
	return 1
}

// find is nil if ref is not in use.
func (x *exceptions) find(ref uint64) *exception {
	at := ref & (1<<indexBits - 1)
	if x == nil || ref == 0 || at >= uint64(len(x.list)) || x.list[at].ref != ref {
		return nil
	}
	return &x.list[at]
}

// collect frees the exceptions that nothing refers to.
func (i *Instance) collect() {
	x := i.exceptions
	i.markAll()
	x.first = 0
	for at := range x.list {
		switch e := &x.list[at]; {
		case e.marked:
			e.marked = false
			if x.first == 0 || e.ref < x.first {
				x.first = e.ref
			}
		case e.ref != 0:
			x.held -= len(e.values)
			i.kept.Add(-e.bytes())
			*e = exception{}
			x.free = append(x.free, uint32(at))
		}
	}
	x.limit = min(max(2*(len(x.list)-len(x.free)), minExceptions), maxExceptions)
}

// markAll looks for references wherever compiled code can have one: at an exit all of its
// registers are on the stack.
func (i *Instance) markAll() {
	x := i.exceptions
	x.markBytes(i.usedStack())
	size := uintptr(i.p.Meta.AreaSize)
	x.markBytes(bytesAt(i.base-size, size-layout.Control))
	x.markValues(i.Results()[:])
	for k := range i.below {
		b := &i.below[k]
		x.markWords(b.registers.gpr[:])
		x.markBytes(b.fx[:])
		x.markWords(b.control.args[:])
		x.markValues(b.control.results[:])
		x.mark(b.result)
	}
	for k := range i.records {
		f := &i.records[k].frame
		x.markWords([]uint64{f.r15, f.r14, f.r13, f.r12, f.rbx, f.rbp})
	}
}

func (x *exceptions) markBytes(b []byte) {
	first, span := x.first, x.last-x.first
	for ; len(b) >= 8; b = b[8:] {
		if w := binary.LittleEndian.Uint64(b); w-first <= span {
			x.mark(w)
		}
	}
}

func (x *exceptions) markWords(words []uint64) {
	for _, w := range words {
		x.mark(w)
	}
}

func (x *exceptions) markValues(values [][2]uint64) {
	for _, v := range values {
		x.mark(v[0])
		x.mark(v[1])
	}
}

// mark marks the exception of a word that may be a reference, and those that it refers to.
// A guest can make a long chain of them: the list of what is to be looked at is not the stack.
func (x *exceptions) mark(word uint64) {
	e := x.find(word)
	if e == nil || e.marked {
		return
	}
	e.marked = true
	for todo := []*exception{e}; len(todo) > 0; {
		e, todo = todo[len(todo)-1], todo[:len(todo)-1]
		for _, v := range e.values {
			for _, w := range v {
				if next := x.find(w); next != nil && !next.marked {
					next.marked = true
					todo = append(todo, next)
				}
			}
		}
	}
}
