// Package gen makes valid WebAssembly modules by chance, for differential fuzzing.
//
// # Model
//
// A module is made from a seed: the same seed gives the same bytes. Function bodies are trees:
// an expression of a wanted type is a constant, a local, an instruction from the opcode table
// of package wasm whose operands are expressions again, a call, or a block. So a new row of
// that table is generated without a change here.
//
// Every run ends: each function and each turn of a loop takes one from a global "fuel", and
// traps when it is empty. NaNs that arithmetic makes are replaced by one NaN, since their bits
// are the engine's choice.
//
// A module exports its functions as f0, f1, ..., getters of its globals as g0, g1, ..., a
// setter "fuel", and its memory as "memory". Parameters and results of exports are no
// references.
package gen

import (
	"math/rand/v2"

	"vkernel/internal/wasm"
)

// Features widen what is generated.
type Features struct {
	Atomics, TailCalls bool
	Faults             bool // loads and stores may be out of bounds
}

// Export is an exported function to be called.
type Export struct {
	Name            string
	Params, Results []wasm.ValType
}

// Module is what was made.
type Module struct {
	Wasm    []byte
	Funcs   []Export // to be called with arguments by chance
	Globals []Export // getters
}

// funcType is a signature.
type funcType struct{ params, results []wasm.ValType }

// module is what is known before bodies are made.
type module struct {
	r        *rand.Rand
	features Features
	types    []funcType
	funcs    []int // type of each function
	globals  []wasm.ValType
	fuel     int   // global
	pages    int   // first size of memory; it may grow by one page
	table    int   // size
	passive  []int // sizes of passive data segments
	elems    []int // sizes of passive element segments
}

// New makes a module.
func New(seed uint64, features Features) Module {
	m := &module{r: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), features: features}
	m.shape()
	return m.encode()
}

var numeric = []wasm.ValType{wasm.I32, wasm.I64, wasm.F32, wasm.F64}
var values = []wasm.ValType{wasm.I32, wasm.I32, wasm.I64, wasm.I64, wasm.F32, wasm.F64, wasm.V128}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// types makes a list of types.
func (m *module) list(from []wasm.ValType, most int) []wasm.ValType {
	var l []wasm.ValType
	for n := m.r.IntN(most + 1); n > 0; n-- {
		l = append(l, pick(m.r, from))
	}
	return l
}

// shape decides everything but bodies.
func (m *module) shape() {
	for range 2 + m.r.IntN(4) {
		m.types = append(m.types, funcType{m.list(values, 5), m.list(values, 3)})
	}
	for range 1 + m.r.IntN(3) { // those that are exported have plain parameters
		m.types = append(m.types, funcType{m.list(numeric, 4), m.list(values, 2)})
	}
	for range 2 + m.r.IntN(6) {
		m.funcs = append(m.funcs, m.r.IntN(len(m.types)))
	}
	m.funcs = append(m.funcs, len(m.types)-1)
	for range 1 + m.r.IntN(6) {
		m.globals = append(m.globals, pick(m.r, values))
	}
	m.fuel = len(m.globals)
	m.pages = m.r.IntN(3)
	if !m.features.Faults {
		m.pages = 2
	}
	m.table = 1 + m.r.IntN(12)
	for range m.r.IntN(3) {
		m.passive = append(m.passive, m.r.IntN(40))
	}
	for range m.r.IntN(3) {
		m.elems = append(m.elems, m.r.IntN(6))
	}
}

// exported says whether a function's type has no vectors among its parameters: arguments are
// words.
func (m *module) exported(f int) bool {
	for _, p := range m.types[m.funcs[f]].params {
		if p == wasm.V128 {
			return false
		}
	}
	return true
}
