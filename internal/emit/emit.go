// Package emit translates a validated WebAssembly module to C.
//
// # Model
//
// Each wasm function i becomes one C function fn<i> (symbol <prefix>f<i>) with the SysV calling convention; the
// module's globals, tables and passive segments become the instance area, addressed by
// constant negative offsets from GS (see package layout); its active data becomes the
// memory image. Fixed C lives in runtime/: vk_layout.h (numbers of package layout), vk.h
// (one macro or inline function per WebAssembly instruction, named after it: i32.div_s is
// i32_div_s), vk_simd.h, vk_bulk.c (memory.copy and its like) and vk_stubs.S (ways into and
// out of compiled code). The emitted text is therefore little more than the module's
// instructions written one to a line:
//
//	u32 fn7(u32 l0, u32 l1) {
//	  u32 l2 = 0;
//	  u32 t1 = i32_load(l0, 8);
//	  u32 t2 = i32_add(t1, l1);
//	  return t2;
//	}
//
// Operands are symbolic: a constant or a local is not copied to a temporary until
// something could change it; every other value is assigned once. Structured control is
// flat, with goto, so that deep nesting is no burden for clang.
//
// # Rules
//
// Only numbers of a module reach C text: names go into ELF symbols after linking. The
// same module gives the same bytes. Text is bounded: a small module that would expand to
// very much C is refused. Nothing in emitted code is an address inside the slot: all
// accesses go through GS, no local's address is taken. In a function that
// calls setjmp each read of a local is something new to clang: nothing that was checked before
// is taken for checked after. What signal handlers and threads do to memory is seen in every
// loop that could wait for it, and they see every store (loop.go).
//
// # Deviations from the specification, all of them in what a trap leaves behind or in NaNs
//
//   - In a plain loop (loop.go), a load that the optimiser finds dead may not trap.
//   - x*1, x/1, x-0 and x+-0 may return a signalling NaN unquietened if the constant is
//     computed from integers that went through locals. Constants of floating point are protected
//     wherever they go, but through memory.
//   - Programs that import a call which maps memory (mmap, mremap, brk, shmat) have pages
//     above memory.size: memory.copy and memory.fill check the pages, not the size, there.
package emit

import (
	"embed"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// Runtime holds the fixed C and assembly: files of the folder runtime.
//
//go:embed runtime
var Runtime embed.FS

// Options say how to emit.
type Options struct {
	// Prefix starts each symbol of the program: p<hex digits>_. It must be unique in a
	// megabinary.
	Prefix string
	// FileBytes is the number of bytes of function bodies that go into one C file; 0
	// means DefaultFileBytes.
	FileBytes int
	// Global gives the value of an imported immutable global; nil refuses all of them.
	Global func(im *wasm.Import) (bits uint64, ok bool)
	// Bounded says how much is hidden from clang in a function, so that the verifier of native
	// code sees the bounds of its addresses.
	Bounded map[uint32]Bound
}

// DefaultFileBytes balances parallel compilation against optimisation across functions.
const DefaultFileBytes = 200 << 10

// File is one C file.
type File struct {
	Name string
	Text []byte
}

// Blob is read-only data.
type Blob struct {
	Symbol string
	Bytes  []byte
}

// Fixup is a place in Area that holds the code offset of a function: the u32 at Offset
// becomes the address of Symbol minus that of vk_text.
type Fixup struct {
	Offset uint32
	Symbol string
}

// Ref is a function to which there are references, and its type id.
type Ref struct {
	Symbol string
	Type   uint32
}

// Output is the result of Emit.
type Output struct {
	Files []File
	// Area is the image of the instance area, with Fixups to be made after linking.
	Area   []byte
	Fixups []Fixup
	// Refs are the functions to which there are references; each function once.
	Refs []Ref
	// Calls are the direct calls of the functions in Options.Bounded: clang may inline the
	// callees.
	Calls map[uint32][]uint32
	// Image holds memory bytes from Program.Memory.ImageStart on; a multiple of 4096 long.
	Image []byte
	// Data are passive data segments, read-only data by these symbols.
	Data []Blob
	// Program is complete but for Name, Module, thunks, file offsets and MaxFrame.
	Program layout.Program
	// Thunks are the symbols of the export thunks, in the order of Program.Exports; Start is
	// that of the start function's thunk, empty if there is none.
	Thunks []string
	Start  string
	// Symbols names the functions for people: symbol to name. Names are the module's.
	Symbols []Symbol
}

// Symbol is the name that a module gives to a function.
type Symbol struct {
	Symbol, Name string
}
