package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"vkernel/internal/wasm"
	"vkernel/test/fuzz/gen"
)

// fuel is what each call may use.
const fuel = 400

// call is one call of an exported function.
type call struct {
	export gen.Export
	args   []uint64
}

// testCase is a module and what is done with it.
type testCase struct {
	seed   uint64
	module gen.Module
	calls  []call
	find   string // how the engines differ
}

// value is a result: 16 bytes, of which numbers use the first.
type value [2]uint64

// outcome is how a call ended.
type outcome struct {
	trap    string // or ""
	results []value
}

func (o outcome) String() string {
	if o.trap != "" {
		return "trap: " + o.trap
	}
	return fmt.Sprintf("%x", o.results)
}

func newCase(seed uint64, m gen.Module) *testCase {
	c := &testCase{seed: seed, module: m}
	r := rand.New(rand.NewPCG(seed, 1))
	for range 3 {
		for _, e := range m.Funcs {
			k := call{export: e}
			for _, t := range e.Params {
				k.args = append(k.args, argument(r, t))
			}
			c.calls = append(c.calls, k)
		}
	}
	for _, e := range m.Globals {
		c.calls = append(c.calls, call{export: e})
	}
	return c
}

func argument(r *rand.Rand, t wasm.ValType) uint64 {
	switch t {
	case wasm.I32:
		return uint64(gen.I32(r))
	case wasm.I64:
		return gen.I64(r)
	case wasm.F32:
		return uint64(gen.F32(r))
	}
	return gen.F64(r)
}

// same compares two outcomes, the first of which is vkernel's. wazero has one kind of trap for
// a null element and for one out of bounds, calls a range of a table that is out of bounds
// one of memory, and looks at the bounds of an atomic access before its alignment.
func (o outcome) same(theirs outcome) bool {
	if o.trap != "" && theirs.trap == "out of bounds memory access" {
		return o.trap == theirs.trap || o.trap == "invalid table access" || o.trap == "unaligned atomic"
	}
	if o.trap != theirs.trap || len(o.results) != len(theirs.results) {
		return false
	}
	for i := range o.results {
		if o.results[i] != theirs.results[i] {
			return false
		}
	}
	return true
}

// engine runs a case's module.
type engine interface {
	call(name string, results []wasm.ValType, args []uint64) outcome
	memory() []byte
	close()
}

// compare makes the calls on both engines.
func (f *fuzzer) compare(c *testCase, ours, theirs engine) {
	setFuel := []uint64{fuel}
	for i, k := range c.calls {
		ours.call("fuel", nil, setFuel)
		theirs.call("fuel", nil, setFuel)
		a, b := ours.call(k.export.Name, k.export.Results, k.args), theirs.call(k.export.Name, k.export.Results, k.args)
		f.calls++
		if a.trap != "" {
			f.traps++
		}
		if f.verbose {
			fmt.Printf("%s%x: %v\n", k.export.Name, k.args, a)
		}
		if !a.same(b) {
			c.find = fmt.Sprintf("call %d, %s%x: vkernel %v, wazero %v", i, k.export.Name, k.args, a, b)
			return
		}
		if a.trap == stackOverflow { // how far it came is an engine's choice
			return
		}
		if c.find = compareMemory(ours.memory(), theirs.memory()); c.find != "" {
			c.find = fmt.Sprintf("call %d, %s%x (%v): %s", i, k.export.Name, k.args, a, c.find)
			return
		}
	}
}

// compareMemory says where two memories differ.
func compareMemory(ours, theirs []byte) string {
	if len(ours) != len(theirs) {
		return fmt.Sprintf("memory: vkernel has %d bytes, wazero %d", len(ours), len(theirs))
	}
	if bytes.Equal(ours, theirs) {
		return ""
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			return fmt.Sprintf("memory at %#x: vkernel %#x, wazero %#x", i, ours[i], theirs[i])
		}
	}
	return ""
}
