package kernel

import (
	"fmt"

	"vkernel/internal/engine/layout"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
	"vkernel/internal/trace"
)

// programs is the code of a container with its imports bound, behind the router. It never
// changes.
type programs struct {
	router Router
	bound  []*proc.Program
}

func newPrograms(c *Config) (*programs, error) {
	p := &programs{router: c.Router}
	for _, code := range c.Code.Programs() {
		if err := checkImports(code.Meta); err != nil {
			return nil, err
		}
		calls := syscalls.Bind(code.Meta, c.Log)
		if c.Trace != nil {
			calls = trace.Wrap(code.Meta, calls, c.Trace)
		}
		p.bound = append(p.bound, &proc.Program{Code: code, Calls: calls})
	}
	return p, nil
}

// checkImports makes sure that no import has another type than its handler expects. The
// builder has checked the same; code from elsewhere is refused here.
func checkImports(m *layout.Program) error {
	for _, i := range m.Imports {
		if err := syscalls.CheckImport(i.Module, i.Name, i.Type); err != nil {
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
	program := p.bound[e.Program]
	for _, x := range program.Code.Meta.Exports {
		if x.Name == e.Export {
			return proc.Target{Program: program, Thunk: x.Thunk}, true
		}
	}
	return proc.Target{}, false
}
