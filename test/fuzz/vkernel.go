package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vkernel/internal/aot"
	eng "vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// fuzzer counts.
type fuzzer struct {
	verbose                      bool
	modules, calls, traps, finds int
}

// try compiles the modules of some cases together and compares.
func (f *fuzzer) try(cases []*testCase) error {
	dir, err := os.MkdirTemp("", "vkfuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "fuzz.aot")
	inputs := make([]aot.Input, len(cases))
	for i, c := range cases {
		inputs[i] = aot.Input{Name: fmt.Sprint("m", i), Wasm: c.module.Wasm}
	}
	if _, err := aot.Build(context.Background(), inputs, aot.Options{OutAOT: path, Batch: 256 << 10}); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	code, err := eng.Load(file)
	if err != nil {
		return err
	}
	defer code.Close()
	programs := map[string]*eng.Program{}
	for _, p := range code.Programs() {
		programs[p.Meta.Name] = p
	}
	for i, c := range cases {
		if err := f.tryOne(c, programs[inputs[i].Name]); err != nil {
			return fmt.Errorf("seed %d: %w", c.seed, err)
		}
	}
	return nil
}

func (f *fuzzer) tryOne(c *testCase, p *eng.Program) error {
	inst, e := p.New()
	if e != 0 {
		return fmt.Errorf("new instance: %w", e)
	}
	ours := &compiled{inst: inst}
	defer ours.close()
	theirs, err := newInterpreted(c.module.Wasm)
	if err != nil {
		return err
	}
	defer theirs.close()
	f.modules++
	f.compare(c, ours, theirs)
	if c.find != "" {
		f.finds++
	}
	return nil
}

// compiled is an instance of compiled code, with the least of a kernel: memory that grows.
type compiled struct{ inst *eng.Instance }

func (c *compiled) close() { c.inst.Free() }

// patience is far more than the fuel of a call lasts.
const patience = 60 * time.Second

var errSlow = errors.New("does not end")

func (c *compiled) call(name string, results []wasm.ValType, args []uint64) outcome {
	for _, e := range c.inst.Program().Meta.Exports {
		if e.Name == name {
			return c.run(e.Thunk, results, args)
		}
	}
	return outcome{trap: "no export " + name}
}

func (c *compiled) run(thunk uint32, results []wasm.ValType, args []uint64) outcome {
	c.inst.Start(thunk, args...)
	defer time.AfterFunc(patience, c.inst.Kick).Stop()
	result := uint64(0)
	for {
		switch exit := c.inst.Resume(result); exit {
		case layout.ExitGrow:
			result = c.grow(uint32(c.inst.Arg(0)))
		case layout.ExitTrap:
			return outcome{trap: trapName(c.inst.Trap().Code)}
		case layout.ExitReturn:
			var o outcome
			for i, t := range results {
				o.results = append(o.results, number(t, c.inst.Results()[i]))
			}
			c.inst.Return()
			return o
		case layout.ExitPreempt:
			return outcome{trap: errSlow.Error()}
		default:
			return outcome{trap: fmt.Sprint("exit ", exit)}
		}
	}
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

func (c *compiled) grow(n uint32) uint64 {
	const protReadWrite = 3
	old := c.inst.Pages()
	if most := c.inst.Program().Meta.Memory.Max; uint64(old)+uint64(n) > uint64(most) {
		return uint64(^uint32(0))
	}
	if n > 0 && c.inst.Map(uint64(old)<<16, uint64(n)<<16, protReadWrite, false) != 0 {
		return uint64(^uint32(0))
	}
	c.inst.SetPages(old + n)
	return uint64(old)
}

func (c *compiled) memory() []byte {
	b := make([]byte, c.inst.Pages()<<16)
	if e := c.inst.Memory().Read(0, b); e != 0 {
		return nil
	}
	return b
}

const stackOverflow = "stack overflow"

// trapName is what both engines call a trap.
func trapName(code int) string {
	switch code {
	case layout.TrapUnreachable:
		return "unreachable"
	case layout.TrapDivideByZero:
		return "integer divide by zero"
	case layout.TrapOverflow:
		return "integer overflow"
	case layout.TrapConversion:
		return "invalid conversion to integer"
	case layout.TrapTableBounds, layout.TrapNullElement:
		return "invalid table access"
	case layout.TrapTypeMismatch:
		return "indirect call type mismatch"
	case layout.TrapMemoryBounds, layout.TrapFault:
		return "out of bounds memory access"
	case layout.TrapUnaligned:
		return "unaligned atomic"
	case layout.TrapStackOverflow:
		return stackOverflow
	}
	return fmt.Sprint("trap code ", code)
}
