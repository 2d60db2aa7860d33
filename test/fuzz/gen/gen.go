// Package gen makes valid WebAssembly modules by chance, for differential fuzzing.
//
// # Model
//
// A module is made from a seed: the same seed gives the same bytes. Function bodies are trees:
// an expression of a wanted type is a constant, a local, an instruction from the opcode table
// of package wasm whose operands are expressions again, a call, or a block. So a new row of
// that table is generated without a change here.
//
// Every run ends: each function and each turn of a loop takes one from a global "fuel"; when it
// is empty, functions return constants. NaNs that arithmetic makes are replaced by one NaN,
// since their bits are the engine's choice.
//
// Most modules are tame: accesses are within bounds, divisors are not zero and calls through
// tables find their type, nearly always; so most of what is generated runs. One in four is wild.
//
// Exceptions can be written in both encodings: the same seed then gives modules that do the
// same (Features.Legacy), so an engine that has one encoding can be compared with one of the other.
//
// Loops of a simple form (package emit calls them plain and lets them become vectors) stand between
// two settings of a global, "plain". In wild modules they may leave memory by its end, and
// touch no byte below Module.Loose.
//
// A module exports its functions as f0, f1, ..., getters of its globals as g0, g1, ...,
// sizes of its tables as s0, s1, ..., n0, n1, ... which tell whether an entry is null, a
// setter "fuel", a getter "plain", and its memory as "memory". Parameters and results of exports
// are numbers, vectors (results only) and externref.
package gen

import (
	"math/rand/v2"

	"vkernel/internal/wasm"
)

// Features widen what is generated.
type Features struct {
	Atomics, TailCalls, Exceptions bool
	Faults                         bool // there are wild modules
	Legacy                         bool // exceptions in their first encoding
	Count                          bool // exported globals tell which opcodes have been executed
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
	Tables  []Export // null or not, by index

	Throws bool   // exceptions are used: the encoding makes a difference
	Loose  uint32 // memory from here on may differ after a fault in a plain loop
}

// funcType is a signature.
type funcType struct{ params, results []wasm.ValType }

// table is a table, and what its first active segment puts into it.
type table struct {
	elem     wasm.ValType
	min, max int
	holds    []int // functions from index 0 on
}

// segment is a passive element segment.
type segment struct {
	elem wasm.ValType
	n    int
}

// module is what is known before bodies are made.
type module struct {
	r        *rand.Rand
	features Features
	wild     bool // traps are frequent
	large    bool
	throws   bool
	types    []funcType
	named    int   // so many of types are of functions; the others are added by need
	funcs    []int // type of each function
	tags     []int // type of each tag
	globals  []wasm.ValType
	fuel     int // global
	plain    int // global
	counters int // first of the globals that count
	start    int // function, or -1
	pages    int // first size of memory
	grow     int // pages that it may grow by
	shared   bool
	tables   []table
	passive  []int // sizes of passive data segments
	elems    []segment
}

// New makes a module.
func New(seed uint64, features Features) Module {
	m := &module{r: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), features: features, start: -1}
	m.shape()
	return m.encode()
}

// numeric are types of parameters of exports.
var numeric = []wasm.ValType{wasm.I32, wasm.I32, wasm.I64, wasm.I64, wasm.F32, wasm.F64, wasm.ExternRef}

var values = []wasm.ValType{
	wasm.I32, wasm.I32, wasm.I32, wasm.I64, wasm.I64, wasm.I64, wasm.F32, wasm.F32, wasm.F64, wasm.F64, wasm.V128, wasm.V128,
	wasm.FuncRef, wasm.ExternRef,
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// chance is true once in n times.
func (m *module) chance(n int) bool { return m.r.IntN(n) == 0 }

// seldom is chance, but far less in tame modules: for what ends in a trap.
func (m *module) seldom(n int) bool {
	if !m.wild {
		n *= 50
	}
	return m.chance(n)
}

// list makes a list of types.
func (m *module) list(from []wasm.ValType, most int) []wasm.ValType {
	var l []wasm.ValType
	for n := m.r.IntN(most + 1); n > 0; n-- {
		l = append(l, pick(m.r, from))
	}
	return l
}

// typeIndex finds a type, or adds it.
func (m *module) typeIndex(t funcType) int {
	for i, u := range m.types {
		if sameTypes(t.params, u.params) && sameTypes(t.results, u.results) {
			return i
		}
	}
	m.types = append(m.types, t)
	return len(m.types) - 1
}

// shape decides everything but bodies.
func (m *module) shape() {
	wild, large, throws := m.chance(4), m.chance(8), m.chance(2)
	m.wild = wild && m.features.Faults
	m.large = large
	m.throws = throws && m.features.Exceptions
	m.functions()
	for range 1 + m.r.IntN(8) {
		m.globals = append(m.globals, pick(m.r, values))
	}
	m.fuel = len(m.globals)
	m.plain = m.fuel + 1
	m.counters = m.plain + 1
	m.pages, m.grow = 2+m.r.IntN(2), pick(m.r, []int{0, 1, 2, 5, 20})
	if m.wild {
		m.pages = m.r.IntN(4)
	}
	m.shared = m.chance(4) && m.features.Atomics
	for i := range 1 + m.r.IntN(4) {
		m.tables = append(m.tables, m.table(i == 0))
	}
	for range m.r.IntN(3) {
		m.passive = append(m.passive, m.r.IntN(40))
	}
	for range m.r.IntN(4) {
		m.elems = append(m.elems, segment{pick(m.r, []wasm.ValType{wasm.FuncRef, wasm.FuncRef, wasm.ExternRef}), m.r.IntN(6)})
	}
}

func (m *module) functions() {
	for range 2 + m.r.IntN(4) {
		m.types = append(m.types, funcType{m.list(values, 5), m.list(values, 3)})
	}
	for range 1 + m.r.IntN(3) { // those that are exported have plain parameters
		m.types = append(m.types, funcType{m.list(numeric, 4), m.list(values[:12], 2)})
	}
	last := len(m.types) - 1
	none := m.typeIndex(funcType{})
	m.named = len(m.types)
	for range 2 + m.r.IntN(6) {
		m.funcs = append(m.funcs, m.r.IntN(m.named))
	}
	m.funcs = append(m.funcs, last)
	if m.chance(4) {
		m.start = len(m.funcs)
		m.funcs = append(m.funcs, none)
	}
	for n := 1 + m.r.IntN(3); m.throws && n > 0; n-- { // wazero loses half of a vector that an exception carries
		m.tags = append(m.tags, m.typeIndex(funcType{params: m.list(values[:10], 3)}))
	}
}

// table makes a table; the first is of functions, and calls look there.
func (m *module) table(first bool) table {
	t := table{elem: wasm.FuncRef, min: m.r.IntN(12)}
	if first {
		t.min++
	} else if m.chance(2) {
		t.elem = wasm.ExternRef
	}
	t.max = t.min + m.r.IntN(5)
	if t.elem == wasm.FuncRef {
		for range m.r.IntN(t.min + 1) {
			t.holds = append(t.holds, m.r.IntN(len(m.funcs)))
		}
	}
	return t
}

// exported says whether a function can be called from outside: arguments are words, and
// references to functions are an engine's own.
func (m *module) exported(f int) bool {
	t := m.types[m.funcs[f]]
	for _, p := range t.params {
		if p == wasm.V128 || p == wasm.FuncRef {
			return false
		}
	}
	for _, p := range t.results {
		if p == wasm.FuncRef {
			return false
		}
	}
	return true
}

// loose is where bytes begin that only plain loops of wild modules touch.
func (m *module) loose() int { return max(0, m.pages<<16-0x8000) }
