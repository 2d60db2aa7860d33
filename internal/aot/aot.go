// Package aot builds the native code of a megabinary: it decodes, validates and emits each
// program, compiles the C in parallel, links one ELF and describes it in its metadata.
//
// # Model
//
//	wasm --emit--> C files --clang--> objects (cached by content) --lld--> ELF
//	    --objcopy--> symbols of people's names, section .vk.meta
//
// The ELF has an executable and a read-only segment and nothing else: no relocations, no
// imports, nothing writable. Instance areas and memory images lie page-aligned in the
// read-only segment.
//
// # Rules
//
// The same input gives the same bytes, wherever it is built and whatever was cached. A cached
// object depends on nothing but the C of its file: its symbols are named when it is
// taken, so it is of use to every program that has that C, and to each version of it (names.go). The output appears whole or not at
// all. clang and lld run with limits on time and memory; their input is hostile.
package aot

import (
	"time"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// Input is one program: a core module.
type Input struct {
	Name string // unique; names the program in errors, symbols and metadata
	Wasm []byte
}

// Options say how to build. The zero value of a field is its default.
type Options struct {
	OutAOT   string // file to write
	CacheDir string // objects by content; empty: no cache
	Jobs     int    // compilers at a time; default: one per CPU
	Clang    string // default clang-19
	LLD      string // default ld.lld-19
	Objcopy  string // default llvm-objcopy-19

	// CheckImport judges the type and name of each imported function; nil accepts all.
	CheckImport func(program string, im layout.Import) error
	// Progress is called after each program is compiled, from one goroutine at a time.
	Progress func(done, total int, name string, took time.Duration)

	// Batch puts the C of modules smaller than so many bytes together into files of about this
	// size. For tests that build very many modules; Progress does not see those.
	Batch int
	// Unverified writes the output even if the verifier refuses it. For tests of what it and the
	// compiler's flags are good for; the engine refuses such code.
	Unverified bool
	// Global is passed to package emit, for tests.
	Global func(im *wasm.Import) (bits uint64, ok bool)

	fileBytes int // of bodies that go into one file of C, for tests
}
