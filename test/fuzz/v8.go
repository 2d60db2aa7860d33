package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"

	"vkernel/internal/wasm"
	"vkernel/test/fuzz/gen"
)

// v8Script runs in Debian's nodejs: it makes one instance and answers requests.
//
//go:embed v8.js
var v8Script string

// v8 is an instance in V8, the third opinion where vkernel and wazero differ. V8 does not know
// the final encoding of exceptions, so it gets the first.
type v8 struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	err     error // why there is no opinion
	code    []byte
}

type v8Request struct {
	Module  []byte   `json:"module,omitempty"`
	Adapter []byte   `json:"adapter,omitempty"`
	Call    string   `json:"call,omitempty"`
	Args    []string `json:"args"`
	Types   []string `json:"types"`
	Results []string `json:"results"`
}

type v8Answer struct {
	Trap, Error string
	Results     []string
	Memory      []byte
}

// newV8 is for a module; there is none if node is not installed.
func newV8(code []byte) (*v8, error) {
	v := &v8{code: code, command: exec.Command("node", "-e", v8Script)}
	in, err := v.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := v.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	v.in, v.out = in, json.NewDecoder(bufio.NewReader(out))
	return v, v.command.Start()
}

func (v *v8) close() {
	v.in.Close()
	v.command.Process.Kill()
	v.command.Wait()
}

// ask sends a request. What takes too long gives no opinion.
func (v *v8) ask(r v8Request) (a v8Answer) {
	if v.err != nil {
		return v8Answer{Trap: v.err.Error()}
	}
	defer time.AfterFunc(patience, func() { v.command.Process.Kill() }).Stop()
	v.err = json.NewEncoder(v.in).Encode(r)
	if v.err == nil {
		v.err = v.out.Decode(&a)
	}
	if v.err == nil && a.Error != "" {
		v.err = errors.New(a.Error)
	}
	if v.err != nil {
		v.err = fmt.Errorf("v8: %w", v.err)
		return v8Answer{Trap: v.err.Error()}
	}
	return a
}

func (v *v8) start() outcome {
	adapter, err := gen.Adapter(v.code)
	if err != nil {
		v.err = err
	}
	return outcome{trap: v8Trap(v.ask(v8Request{Module: v.code, Adapter: adapter}).Trap)}
}

func (v *v8) call(name string, results []wasm.ValType, args []uint64) outcome {
	r := v8Request{Call: name}
	for i, a := range args {
		r.Args, r.Types = append(r.Args, strconv.FormatUint(a, 10)), append(r.Types, v8Type(v.code, name, i))
	}
	for i, t := range results {
		r.Results = append(r.Results, fmt.Sprint(name, ".", i))
		if t == wasm.V128 {
			r.Results = append(r.Results, fmt.Sprint(name, ".", i, "h"))
		}
	}
	a := v.ask(r)
	if a.Trap != "" {
		return outcome{trap: v8Trap(a.Trap)}
	}
	var o outcome
	for _, t := range results {
		var x value
		x[0], a.Results = v8Number(a.Results)
		if t == wasm.V128 {
			x[1], a.Results = v8Number(a.Results)
		}
		o.results = append(o.results, number(t, x))
	}
	return o
}

// v8Number takes the first of some numbers.
func v8Number(list []string) (uint64, []string) {
	if len(list) == 0 {
		return 0, nil
	}
	n, _ := strconv.ParseUint(list[0], 10, 64)
	return n, list[1:]
}

// v8Type is the type in which a parameter of an exported function is given.
func v8Type(code []byte, name string, i int) string {
	m, err := wasm.Decode(code)
	if err != nil {
		return ""
	}
	for _, e := range m.Exports {
		if e.Name != name || e.Kind != wasm.KindFunc {
			continue
		}
		t, _ := m.FuncTypeOf(e.Index)
		switch t.Params[i] {
		case wasm.I32, wasm.F32:
			return "i32"
		case wasm.I64, wasm.F64:
			return "i64"
		}
	}
	return "externref"
}

func (v *v8) memory() []byte { return v.ask(v8Request{}).Memory }

// v8Trap is what V8 calls a trap, in our words. It has one for a missing, null and
// mistyped element of a table that is called, and one for floats that are no number or too large.
func v8Trap(text string) string {
	switch text {
	case "memory access out of bounds", "data segment out of bounds":
		return outOfBounds
	case "divide by zero", "remainder by zero":
		return "integer divide by zero"
	case "divide result unrepresentable":
		return "integer overflow"
	case "float unrepresentable in integer range":
		return badNumber
	case "table index is out of bounds", "table access out of bounds", "table or element segment out of bounds",
		"element segment out of bounds", "table index out of bounds":
		return badTable
	case "null function or function signature mismatch", "null function or function signature mismatch in call_indirect":
		return badCall
	case "operation does not support unaligned accesses":
		return unaligned
	case "Maximum call stack size exceeded":
		return stackOverflow
	case "Atomics.wait cannot be called in this context":
		return unshared
	}
	return text
}
