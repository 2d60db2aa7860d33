package main

import (
	"bytes"
	"fmt"

	"vkernel/internal/wasm"
	"vkernel/test/fuzz/gen"
)

// Names of traps that are treated in a special way.
const (
	stackOverflow = "stack overflow"
	outOfBounds   = "out of bounds memory access"
	badTable      = "invalid table access"
	unaligned     = "unaligned atomic"
	unshared      = "expected shared memory"
	badType       = "indirect call type mismatch"
	overflow      = "integer overflow"
	badConversion = "invalid conversion to integer"
	badCall       = "bad indirect call"    // V8's for a missing, null and mistyped element
	badNumber     = "float out of integer" // V8's for overflow and badConversion
)

// engine runs a case's module.
type engine interface {
	start() outcome // makes the instance
	call(name string, results []wasm.ValType, args []uint64) outcome
	memory() []byte
	close()
}

// same compares two outcomes, the first of which is vkernel's. wazero has one kind of trap for
// a null element and for one out of bounds, calls a range of a table that is out of bounds
// one of memory, and looks at the bounds of an atomic access before its alignment. A wait that is both
// unaligned and on memory that is not shared traps as either. V8 has one kind of trap for all indirect calls,
// and one for all conversions of floats.
func (o outcome) same(theirs outcome) bool {
	if o.trap == unaligned && theirs.trap == unshared || o.trap == unshared && theirs.trap == unaligned {
		return true
	}
	if theirs.trap == badCall {
		return o.trap == badTable || o.trap == badType
	}
	if theirs.trap == badNumber {
		return o.trap == overflow || o.trap == badConversion
	}
	if o.trap != "" && theirs.trap == outOfBounds {
		return o.trap == theirs.trap || o.trap == badTable || o.trap == unaligned
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

// comparison is one engine at work beside another.
type comparison struct {
	*fuzzer
	c            *testCase
	who, other   string // the way in which compiled code runs; the other engine
	fuel         uint64
	ours, theirs engine
}

// run makes the instances and the calls, and returns how they differ.
func (k *comparison) run() string {
	a, b := k.ours.start(), k.theirs.start()
	if !a.same(b) {
		return fmt.Sprintf("start: %s %v, %s %v", k.who, a, k.other, b)
	}
	if b.trap != "" {
		return ""
	}
	for i, call := range k.c.calls {
		find, more := k.one(call)
		if find != "" {
			return fmt.Sprintf("call %d, %s%x: %s", i, call.export.Name, call.args, find)
		}
		if !more {
			break
		}
	}
	return ""
}

// one makes a call. There are no more if the engines' states may differ from here on.
func (k *comparison) one(c call) (find string, more bool) {
	setFuel := []uint64{k.fuel}
	k.ours.call("fuel", nil, setFuel)
	k.theirs.call("fuel", nil, setFuel)
	a, b := k.ours.call(c.export.Name, c.export.Results, c.args), k.theirs.call(c.export.Name, c.export.Results, c.args)
	k.calls++
	if b.trap != "" {
		k.traps++
	}
	if k.verbose {
		fmt.Printf("%s %s%x: %v\n", k.who, c.export.Name, c.args, a)
	}
	if b.trap == outOfBounds && k.inPlain() {
		return k.afterPlain(a), false
	}
	if b.trap == stackOverflow { // wazero has 2000 frames; how far it came is an engine's choice
		return "", false
	}
	if !a.same(b) {
		return fmt.Sprintf("%s %v, %s %v; %s", k.who, a, k.other, b, k.state()), false
	}
	if s := k.state(); s != "" {
		return fmt.Sprintf("(%v) %s", a, s), false
	}
	return "", true
}

// inPlain says whether the reference trapped in a plain loop.
func (k *comparison) inPlain() bool {
	o := k.theirs.call("plain", []wasm.ValType{wasm.I32}, nil)
	return o.trap == "" && o.results[0][0] == 1
}

// afterPlain is what can be said when a plain loop has left memory. Its accesses are not in
// order: what it writes may or may not have been written, and a load whose value goes nowhere
// need not trap. The rest of memory is as it should be, if the trap was the same.
func (k *comparison) afterPlain(ours outcome) string {
	k.loose++
	if ours.trap != outOfBounds {
		k.vanished++
		return ""
	}
	a, b := k.ours.memory(), k.theirs.memory()
	if len(a) != len(b) {
		return "after a plain loop: " + compareMemory(a, b)
	}
	n := min(len(a), int(k.c.module.Loose))
	return compareMemory(a[:n], b[:n])
}

// state compares globals, tables and memory.
func (k *comparison) state() string {
	get := func(e gen.Export, args ...uint64) string {
		a, b := k.ours.call(e.Name, e.Results, args), k.theirs.call(e.Name, e.Results, args)
		if !a.same(b) {
			return fmt.Sprintf("%s%d: %s %v, %s %v", e.Name, args, k.who, a, k.other, b)
		}
		return ""
	}
	for _, e := range k.c.module.Globals {
		if s := get(e); s != "" {
			return s
		}
	}
	for _, e := range k.c.module.Tables {
		size := k.theirs.call("s"+e.Name[1:], []wasm.ValType{wasm.I32}, nil)
		if size.trap != "" { // its getter has been cut away
			continue
		}
		for i := range size.results[0][0] {
			if s := get(e, i); s != "" {
				return s
			}
		}
	}
	if s := compareMemory(k.ours.memory(), k.theirs.memory()); s != "" {
		return k.who + ": " + s
	}
	return ""
}

// compareMemory says where two memories differ.
func compareMemory(ours, theirs []byte) string {
	if len(ours) != len(theirs) {
		return fmt.Sprintf("memory: vkernel has %d bytes, the other %d", len(ours), len(theirs))
	}
	if bytes.Equal(ours, theirs) {
		return ""
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			return fmt.Sprintf("memory at %#x: vkernel %#x, the other %#x", i, ours[i], theirs[i])
		}
	}
	return ""
}
