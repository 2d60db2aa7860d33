package main

import (
	"errors"
	"fmt"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
	"vkernel/internal/wasm"
)

// machine is a live group with the least of a kernel: memory that grows, atomic.wait that
// nobody ends, imports that call other groups.
type machine struct {
	g      *group
	inst   *engine.Instance
	ready  map[*instance]bool // members that were instantiated
	others func(*group) (*machine, error)
	kicker *kicker // preempts, or nil
	busy   bool
}

func newMachine(g *group, p *engine.Program) (*machine, error) {
	inst, e := p.New()
	if e != 0 {
		return nil, fmt.Errorf("new instance: %w", e)
	}
	return &machine{g: g, inst: inst, ready: map[*instance]bool{}}, nil
}

// outcome is how an action ended.
type outcome struct {
	exit engine.Exit
	trap int // of ExitTrap
	err  error
}

func (o outcome) String() string {
	switch {
	case o.err != nil:
		return o.err.Error()
	case o.exit == layout.ExitReturn:
		return "returned"
	case o.exit == layout.ExitTrap:
		return fmt.Sprintf("trap %d", o.trap)
	case o.exit == layout.ExitPreempt:
		return "ran for too long"
	}
	return fmt.Sprintf("exit %d", o.exit)
}

// export finds a function that a member exports.
func (m *machine) export(in *instance, kind, name string) *layout.Export {
	if m.g.linked {
		name = fmt.Sprintf("%d:%s:%s", in.index, kind, name)
	} else if kind != "f" {
		return nil
	}
	exports := m.inst.Program().Meta.Exports
	for i := range exports {
		if exports[i].Name == name {
			return &exports[i]
		}
	}
	return nil
}

// instantiate does what a member does at its start.
func (m *machine) instantiate(in *instance) outcome {
	thunk := m.inst.Program().Meta.Start
	if m.g.linked {
		name := fmt.Sprintf("%d:i", in.index)
		for _, e := range m.inst.Program().Meta.Exports {
			if e.Name == name {
				thunk = e.Thunk
			}
		}
	}
	if thunk == 0 {
		return outcome{exit: layout.ExitReturn}
	}
	o := m.run(thunk)
	m.inst.Return()
	return o
}

const (
	protReadWrite = 3 // PROT_READ and PROT_WRITE
	patience      = 30 * time.Second
)

// run calls a thunk until it returns, traps, or has run for too long.
func (m *machine) run(thunk uint32, args ...uint64) outcome {
	if m.busy {
		return outcome{err: errors.New("a call from another group while one is active")}
	}
	m.busy = true
	defer func() { m.busy = false }()
	m.inst.Start(thunk, args...)
	defer m.watch()()
	deadline := time.Now().Add(patience)
	result := uint64(0)
	for {
		switch exit := m.inst.Resume(result); exit {
		case layout.ExitSyscall:
			o := outcome{}
			if result, o = m.call(m.g.imports[m.inst.Import()]); o.exit != layout.ExitReturn {
				return o
			}
		case layout.ExitNotify:
			result = 0
		case layout.ExitWait:
			result = m.wait()
		case layout.ExitGrow:
			result = m.grow(uint32(m.inst.Arg(0)))
		case layout.ExitPreempt:
			if m.kicker != nil {
				m.kicker.hits++
			}
			if time.Now().After(deadline) {
				return outcome{exit: exit}
			}
		case layout.ExitTrap:
			return outcome{exit: exit, trap: m.inst.Trap().Code}
		default:
			return outcome{exit: exit}
		}
	}
}

// watch kicks a guest that runs for too long, or every so often if that is asked for.
func (m *machine) watch() (stop func()) {
	if m.kicker != nil {
		return m.kicker.enter(m.inst)
	}
	t := time.AfterFunc(patience, m.inst.Kick)
	return func() { t.Stop() }
}

// call runs an imported function in the group that defines it; those of module spectest do
// nothing.
func (m *machine) call(d definition) (uint64, outcome) {
	if d.in.builtin {
		return 0, outcome{exit: layout.ExitReturn}
	}
	other, err := m.others(d.in.group)
	if err != nil {
		return 0, outcome{err: err}
	}
	export := other.export(d.in, "f", d.field)
	if export == nil {
		return 0, outcome{err: fmt.Errorf("no export %q", d.field)}
	}
	o := other.run(export.Thunk, m.inst.Args()[:]...)
	if o.exit != layout.ExitReturn {
		return 0, o
	}
	*m.inst.Results() = *other.inst.Results()
	result := other.inst.Results()[0][0]
	other.inst.Return()
	return result, o
}

func (m *machine) grow(n uint32) uint64 {
	old := m.inst.Pages()
	if most := m.inst.Program().Meta.Memory.Max; uint64(old)+uint64(n) > uint64(most) {
		return uint64(^uint32(0))
	}
	if n > 0 && m.inst.Map(uint64(old)<<16, uint64(n)<<16, protReadWrite, false) != 0 {
		return uint64(^uint32(0))
	}
	m.inst.SetPages(old + n)
	return uint64(old)
}

// wait answers memory.atomic.wait where nobody notifies.
func (m *machine) wait() uint64 {
	b := make([]byte, 8)
	if e := m.inst.Memory().Read(guest.Addr(m.inst.Arg(0)), b[:m.inst.Arg(3)]); e != 0 {
		return 1
	}
	v := uint64(0)
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	if v != m.inst.Arg(1) {
		return 1
	}
	return 2
}

// size is the present size of a table or memory.
func (m *machine) size(d definition) uint32 {
	if d.kind == wasm.KindMemory {
		return m.inst.Pages()
	}
	if e := m.export(d.in, "t", fmt.Sprint(d.index)); e != nil && m.run(e.Thunk).exit == layout.ExitReturn {
		defer m.inst.Return()
		return uint32(m.inst.Results()[0][0])
	}
	t, _ := d.in.m.TableTypeOf(d.index)
	return t.Limits.Min
}
