package kernel

import (
	"fmt"
	"log/slog"
	"sync"

	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
	"vkernel/internal/proc"
	"vkernel/internal/trace"
)

// programs is the code of a container behind the router, its imports bound: once for each
// policy under which a program runs. The policies of the entries are bound before anything
// runs, those that arise when an entry with inherit starts others at the first such execve.
type programs struct {
	config   *Config
	router   Router
	revoked  func(digest [32]byte) bool
	policies *policy.Set
	warm     *warmImages
	bound    []program // by index of the code; its imports are bound if there are no policies
	linked   sync.Map  // *policy.Policy -> *proc.Program
}

// program is one module's code.
type program struct {
	*proc.Program
	wasi bool
}

func newPrograms(c *Config) (*programs, error) {
	p := &programs{config: c, router: c.Router, revoked: c.Revoked, policies: c.Policies}
	for _, code := range c.Code.Programs() {
		if err := checkImports(code.Meta); err != nil {
			return nil, err
		}
		made := &proc.Program{Code: code}
		if p.policies == nil {
			made.Calls = imports.Bind(code.Meta, p.options(nil))
		}
		p.bound = append(p.bound, program{made, imports.WASI(code.Meta)})
	}
	return p, p.linkEntries()
}

func (p *programs) options(held *policy.Policy) imports.Options {
	o := imports.Options{Policy: held, Log: p.config.Log}
	if held != nil && !held.Remembered() {
		o.Log = slog.New(slog.DiscardHandler) // it was said when the first such program was linked
	}
	if p.config.Trace != nil {
		o.Around = trace.Around(p.config.Trace)
	}
	return o
}

// linkEntries binds the programs under the policies of their entries. A program that refers
// to an import which its entry does not list is an error: the native code is not what the
// manifest was signed for.
func (p *programs) linkEntries() error {
	if p.policies == nil {
		return nil
	}
	for _, e := range p.policies.Entries() {
		if e.Module() >= len(p.bound) {
			return fmt.Errorf("entry %s: module %d, there are %d programs", e.ID(), e.Module(), len(p.bound))
		}
		m := p.bound[e.Module()].Code.Meta
		if err := imports.Listed(m, e); err != nil {
			return fmt.Errorf("program %s: %w", m.Name, err)
		}
		p.link(e, e.Module())
	}
	return nil
}

// link is a program under a policy. It is made once for each policy that is remembered.
func (p *programs) link(held *policy.Policy, index int) *proc.Program {
	if held == nil {
		return p.bound[index].Program
	}
	if known, ok := p.linked.Load(held); ok {
		return known.(*proc.Program)
	}
	code := p.bound[index].Code
	made := &proc.Program{Code: code, Calls: imports.Bind(code.Meta, p.options(held)), Policy: held}
	if !held.Remembered() {
		return made
	}
	known, _ := p.linked.LoadOrStore(held, made)
	return known.(*proc.Program)
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

// enter is the policy of a process that executes an entry: its own, and what holds the program
// that starts it. It is false if that may not start it.
func (p *programs) enter(from *proc.Target, entry string) (*policy.Policy, bool) {
	if p.policies == nil {
		return nil, true
	}
	own := p.policies.Entry(entry)
	if own == nil || from == nil || from.Program == nil {
		return own, own != nil
	}
	held := from.Program.Policy
	return held.Enter(own), held.MayStart(entry) || mutant.Off("exec.starts")
}
