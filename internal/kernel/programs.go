package kernel

import (
	"fmt"

	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/proc"
	"vkernel/internal/trace"
)

// programs is the code of a container with its imports bound, behind the router. It never
// changes.
type programs struct {
	router   Router
	revoked  func(digest [32]byte) bool
	mayStart func(from, to string) bool
	bound    []program
}

// program is one module's code.
type program struct {
	*proc.Program
	wasi bool
}

func newPrograms(c *Config) (*programs, error) {
	p := &programs{router: c.Router, revoked: c.Revoked, mayStart: c.MayStart}
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
