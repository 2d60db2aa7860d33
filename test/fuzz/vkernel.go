package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	eng "vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/wasm"
)

// compiled is an instance of compiled code, with the least of a kernel: memory that grows, and
// waits that are over at once.
type compiled struct {
	program *eng.Program
	inst    *eng.Instance
	pending uint64 // result with which the next run is resumed
	copied  []byte // what memory returns
}

func (c *compiled) start() (o outcome) {
	inst, e := c.program.New()
	if e != 0 {
		return outcome{trap: "new instance: " + e.Error()}
	}
	c.inst = inst
	if c.program.Meta.Start != 0 {
		return c.run(c.program.Meta.Start, nil, nil)
	}
	return outcome{}
}

func (c *compiled) close() {
	if c.inst != nil {
		c.inst.Free()
	}
}

// patience is far more than the fuel of a call lasts.
const patience = 60 * time.Second

var errSlow = errors.New("does not end")

func (c *compiled) thunk(name string) uint32 {
	for _, e := range c.program.Meta.Exports {
		if e.Name == name {
			return e.Thunk
		}
	}
	return 0
}

func (c *compiled) call(name string, results []wasm.ValType, args []uint64) outcome {
	thunk := c.thunk(name)
	if thunk == 0 {
		return outcome{trap: "no export " + name}
	}
	return c.run(thunk, results, args)
}

func (c *compiled) run(thunk uint32, results []wasm.ValType, args []uint64) outcome {
	c.inst.Start(thunk, args...)
	return c.resume(results)
}

// resume goes on to the end of a call.
func (c *compiled) resume(results []wasm.ValType) outcome {
	defer time.AfterFunc(patience, c.inst.Kick).Stop()
	result := c.pending
	c.pending = 0
	for {
		exit := c.inst.Resume(result)
		if exit == layout.ExitPreempt {
			return outcome{trap: errSlow.Error()}
		}
		o, done := c.serve(exit, &result, results)
		if done {
			return o
		}
	}
}

// serve answers an exit, or tells how the call has ended.
func (c *compiled) serve(exit eng.Exit, result *uint64, results []wasm.ValType) (o outcome, done bool) {
	switch exit {
	case layout.ExitPreempt:
		*result = 0
	case layout.ExitGrow:
		*result = c.grow(uint32(c.inst.Arg(0)))
	case layout.ExitNotify:
		*result = 0
	case layout.ExitWait:
		*result = c.wait()
	case layout.ExitTrap:
		return outcome{trap: trapName(c.inst.Trap().Code)}, true
	case layout.ExitReturn:
		for i, t := range results {
			o.results = append(o.results, number(t, c.inst.Results()[i]))
		}
		c.inst.Return()
		return o, true
	default:
		return outcome{trap: fmt.Sprint("exit ", exit)}, true
	}
	return o, false
}

func (c *compiled) grow(n uint32) uint64 {
	old := c.inst.Pages()
	if most := c.program.Meta.Memory.Max; uint64(old)+uint64(n) > uint64(most) || mapPages(c.inst, old, n) != 0 {
		return uint64(^uint32(0))
	}
	c.inst.SetPages(old + n)
	return uint64(old)
}

func mapPages(i *eng.Instance, from, n uint32) linux.Errno {
	const protReadWrite = 3
	if n == 0 {
		return 0
	}
	return i.Map(uint64(from)<<16, uint64(n)<<16, protReadWrite, false)
}

// wait is memory.atomic.wait where nobody else runs.
func (c *compiled) wait() uint64 {
	const notEqual, timedOut = 1, 2
	var b [8]byte
	if e := c.inst.Memory().Read(guest.Addr(c.inst.Arg(0)), b[:c.inst.Arg(3)]); e != 0 {
		return notEqual
	}
	v := uint64(0)
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	want := c.inst.Arg(1)
	if c.inst.Arg(3) == 4 {
		want &= 0xffffffff
	}
	if v != want {
		return notEqual
	}
	return timedOut
}

func (c *compiled) memory() []byte {
	c.copied = slices.Grow(c.copied[:0], int(c.inst.Pages())<<16)[:c.inst.Pages()<<16]
	if e := c.inst.Memory().Read(0, c.copied); e != 0 {
		return nil
	}
	return c.copied
}

// trapName is what both engines call a trap.
func trapName(code int) string {
	switch code {
	case layout.TrapUnreachable:
		return "unreachable"
	case layout.TrapDivideByZero:
		return "integer divide by zero"
	case layout.TrapOverflow:
		return overflow
	case layout.TrapConversion:
		return badConversion
	case layout.TrapTableBounds, layout.TrapNullElement:
		return badTable
	case layout.TrapTypeMismatch:
		return badType
	case layout.TrapMemoryBounds, layout.TrapFault:
		return outOfBounds
	case layout.TrapUnaligned:
		return unaligned
	case layout.TrapUnshared:
		return unshared
	case layout.TrapUncaught:
		return "uncaught exception"
	case layout.TrapStackOverflow:
		return stackOverflow
	}
	return fmt.Sprint("trap code ", code)
}
