package main

import (
	"fmt"
	"math/rand/v2"

	"vkernel/internal/wasm"
	"vkernel/test/fuzz/gen"
)

// fuel is what each call may use; long is for code that is to be interrupted.
const (
	fuel = 400
	long = 20000

	rounds = 12 // in which all functions are called: a call costs nothing beside compiling
)

// call is one call of an exported function.
type call struct {
	export gen.Export
	args   []uint64
}

// testCase is a module and what is done with it.
type testCase struct {
	seed    uint64
	module  gen.Module
	legacy  []byte // the module with exceptions in their first encoding, nil if it has none
	calls   []call
	kicked  bool   // compiled code is also run in slices
	alone   bool   // the module is only built
	find    string // how the engines differ
	apart   string // how wazero differs where vkernel and V8 agree
	refused string // why the verifier does not take the code
}

// newCase makes the module of a seed.
func newCase(seed uint64, features gen.Features) *testCase {
	c := caseOf(seed, gen.New(seed, features))
	if c.module.Throws {
		features.Legacy = true
		c.legacy = gen.New(seed, features).Wasm
	}
	return c
}

// caseOf makes the calls of a module.
func caseOf(seed uint64, m gen.Module) *testCase {
	c := &testCase{seed: seed, module: m, kicked: seed%4 == 0}
	r := rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		for _, e := range m.Funcs {
			k := call{export: e}
			for _, t := range e.Params {
				k.args = append(k.args, argument(r, t))
			}
			c.calls = append(c.calls, k)
		}
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
	case wasm.ExternRef:
		return uint64(r.IntN(3)) // 0 is null
	}
	return gen.F64(r)
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

// number keeps the bytes of a result that its type has.
func number(t wasm.ValType, v value) value {
	switch t {
	case wasm.I32, wasm.F32:
		return value{v[0] & 0xffffffff}
	case wasm.V128:
		return v
	}
	return value{v[0]}
}
