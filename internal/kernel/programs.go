package kernel

import (
	"fmt"

	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/proc"
	"vkernel/internal/router"
	"vkernel/internal/trace"
	"vkernel/internal/wasi"
)

// programs is the code of a container with its imports bound, behind the router. It never
// changes.
type programs struct {
	router Router
	bound  []program
}

// program is one module's code.
type program struct {
	*proc.Program
	wasi bool
}

func newPrograms(c *Config) (*programs, error) {
	p := &programs{router: c.Router}
	for i, code := range c.Code.Programs() {
		if err := checkImports(code.Meta); err != nil {
			return nil, err
		}
		o := imports.Options{Log: c.Log}
		if c.Syscalls != nil {
			o.Allowed = func(call string) bool { return c.Syscalls(i, call) }
		}
		if c.Trace != nil {
			o.Around = trace.Around(c.Trace)
		}
		p.bound = append(p.bound, program{
			Program: &proc.Program{Code: code, Calls: imports.Bind(code.Meta, o)},
			wasi:    imports.WASI(code.Meta),
		})
	}
	return p, nil
}

// checkImports makes sure that no import has another type than its handler expects. The
// builder has checked the same; code from elsewhere is refused here.
func checkImports(m *layout.Program) error {
	for _, i := range m.Imports {
		if _, err := imports.Check(i); err != nil {
			return fmt.Errorf("program %s: %w", m.Name, err)
		}
	}
	return nil
}

// Lookup finds what a content starts.
func (p *programs) Lookup(sum [32]byte) (proc.Target, bool) {
	e, ok := p.router.Lookup(sum)
	if !ok {
		return proc.Target{}, false
	}
	if e.Script {
		return proc.Target{Script: true, Interpreter: e.Interpreter}, true
	}
	if e.Program < 0 || e.Program >= len(p.bound) {
		return proc.Target{}, false
	}
	for _, x := range p.bound[e.Program].Code.Meta.Exports {
		if x.Name == e.Export {
			return p.target(&e, x.Thunk), true
		}
	}
	return proc.Target{}, false
}

// target is the start of a program.
func (p *programs) target(e *router.Entry, thunk uint32) proc.Target {
	program := &p.bound[e.Program]
	t := proc.Target{Program: program.Program, Thunk: thunk}
	if program.wasi {
		preopens := e.Preopens
		t.Prepare = func(t *proc.Thread) { wasi.Prepare(t, preopens) }
	}
	return t
}
