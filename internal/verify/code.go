package verify

import (
	"fmt"
	"sync/atomic"

	"vkernel/internal/engine/layout"
)

// Func is a function as the symbol table of the file has it. Nothing of it is believed.
type Func struct {
	Name string
	Addr uint64 // as linked
	Size uint64
}

// Segment is a part of the file with its address as linked.
type Segment struct {
	Addr  uint64
	Bytes []byte
}

// Code is what is verified: a file of native code, taken apart.
type Code struct {
	Text   Segment
	Rodata []Segment // what is mapped read-only, in ascending order
	Funcs  []Func
	Meta   *layout.Meta
	File   []byte // the whole file, for the images of instance areas
}

// Error is a refusal: where and why.
type Error struct {
	Func   string // empty if it is about no function
	Entry  uint64 // its address, as linked
	Addr   uint64
	Reason string
}

func (e *Error) Error() string {
	if e.Func == "" {
		return fmt.Sprintf("native code: %#x: %s", e.Addr, e.Reason)
	}
	return fmt.Sprintf("native code: %s at %#x: %s", e.Func, e.Addr, e.Reason)
}

// Stats says what was verified.
type Stats struct {
	Funcs int
	Bytes int // of text
}

// function is a Func under verification. Offsets count from the start of the text.
type function struct {
	name    string
	at, end uint32
	program int // whose area it may use, -1: the runtime's

	frame     int32    // largest depth of its stack
	args      int32    // bytes of arguments on the stack that it takes, those of its tail calls included
	tails     []int32  // functions that it tail-calls,
	tailTypes []uint16 // and types
	returns   answer   // whether it may return
	entered   bool     // by the engine
}

// answer is one that is looked up when it is first needed.
type answer uint32

func (a *answer) load() answer   { return answer(atomic.LoadUint32((*uint32)(a))) }
func (a *answer) store(n answer) { atomic.StoreUint32((*uint32)(a), uint32(n)) }

const (
	unasked answer = iota
	yes
	no
)

const (
	maxFrame = 1 << 20 // bytes of a frame; the guard below a stack is 64 times larger
	// maxFuncs bounds what a file may declare.
	maxFuncs = 1 << 22
)

// verifier is one run.
type verifier struct {
	code    *Code
	text    []byte
	base    uint64 // address of the text
	roLow   uint64
	funcs   []function
	starts  []int32 // for each granule of the text, the first function that does not start before it
	areas   []area
	modules map[string]int // index in areas, by hash
	stubs   int            // the first functions
	all     bool
	refused []*Error
	budget  int64 // steps that may still be taken
	edges   []edge
	workers int // how many walk at a time; 0: as is best
}

// granule is how many bytes of text have an entry in starts.
const granule = 32

// index makes starts, when the list of functions is complete.
func (v *verifier) index() {
	v.starts = make([]int32, len(v.text)/granule+1)
	n := 0
	for g := range v.starts {
		for n < len(v.funcs) && v.funcs[n].at < uint32(g*granule) {
			n++
		}
		v.starts[g] = int32(n)
	}
}

// functionAt is the function that starts at an offset, or -1.
func (v *verifier) functionAt(off int64) int32 {
	if off < 0 || off >= int64(len(v.text)) {
		return -1
	}
	for n := int(v.starts[off/granule]); n < len(v.funcs) && int64(v.funcs[n].at) <= off; n++ {
		if int64(v.funcs[n].at) == off {
			return int32(n)
		}
	}
	return -1
}

func (v *verifier) fail(f *function, off uint32, format string, args ...any) error {
	e := &Error{Addr: v.base + uint64(off), Reason: fmt.Sprintf(format, args...)}
	if f != nil {
		e.Func, e.Entry = f.name, v.base+uint64(f.at)
	}
	return e
}

// rodata gives n bytes at an address, or nil.
func (v *verifier) rodata(addr int64, n int64) []byte {
	for i := range v.code.Rodata {
		s := &v.code.Rodata[i]
		off := addr - int64(s.Addr)
		if off >= 0 && n >= 0 && off <= int64(len(s.Bytes)) && n <= int64(len(s.Bytes))-off {
			return s.Bytes[off : off+n]
		}
	}
	return nil
}
