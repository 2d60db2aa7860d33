// Package spectest runs the official WebAssembly test suite on compiled code: one
// megabinary of all modules that stand alone, each command of a script on its instance.
package spectest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"vkernel/internal/aot"
	"vkernel/internal/emit"
	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
	"vkernel/internal/wasm/wasmtest"
)

// folders are the parts of the suite that compiled code must pass.
var folders = map[string]bool{"core": true, "extended-const": true, "tail-call": true, "threads": true}

// runner holds what all scripts share.
type runner struct {
	t        *testing.T
	programs map[string]*engine.Program // by name of its module
	built    map[string]aot.Input
	passed   map[string]int
	skipped  map[string]int
}

// TestSpec runs all assertions of the supported folders that need no second module.
func TestSpec(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a thousand modules")
	}
	r := &runner{t: t, programs: map[string]*engine.Program{}, built: map[string]aot.Input{}, passed: map[string]int{}, skipped: map[string]int{}}
	var scripts []*wasmtest.Script
	for _, s := range wasmtest.Suite(t) {
		if folders[s.Folder] && strings.HasPrefix(s.Name, os.Getenv("VK_SPEC_ONLY")) {
			scripts = append(scripts, s)
			r.collect(s)
		}
	}
	start := time.Now()
	r.build()
	t.Logf("built %d modules in %v", len(r.built), time.Since(start))
	for _, s := range scripts {
		r.script(s)
	}
	report := func(what string, counts map[string]int) {
		var lines []string
		for k, n := range counts {
			lines = append(lines, fmt.Sprintf("%7d %s", n, k))
		}
		sort.Strings(lines)
		t.Logf("%s:\n%s", what, strings.Join(lines, "\n"))
	}
	report("passed", r.passed)
	report("skipped", r.skipped)
	if r.passed["core assert_return"] < 15000 && os.Getenv("VK_SPEC_ONLY") == "" {
		t.Errorf("only %d assertions of core passed", r.passed["core assert_return"])
	}
}

// collect notes the modules of a script that can be built alone.
func (r *runner) collect(s *wasmtest.Script) {
	for _, c := range s.Commands {
		if c.Type != "module" || filepath.Ext(c.Filename) != ".wasm" {
			continue
		}
		data, err := s.Module(c.Filename)
		if err != nil {
			r.t.Fatal(err)
		}
		name := s.Folder + "/" + c.Filename
		if reason := unfit(data); reason != "" {
			r.skipped["module: "+reason]++
			continue
		}
		r.built[name] = aot.Input{Name: name, Wasm: data}
	}
}

// unfit says why a module cannot be built.
func unfit(data []byte) string {
	m, err := wasm.DecodeValidated(data)
	if err != nil {
		return err.Error()
	}
	for i := range m.Imports {
		if im := &m.Imports[i]; im.Module != "spectest" && im.Kind != wasm.KindFunc {
			return "shares more than functions with another module"
		}
	}
	if _, err := emit.Emit(m, emit.Options{Prefix: "p0_", Global: global, Tables: true}); err != nil {
		return err.Error()
	}
	return ""
}

// global gives the values of module spectest.
func global(im *wasm.Import) (uint64, bool) {
	v, ok := map[string]uint64{"global_i32": 666, "global_i64": 666, "global_f32": 0x4426a666, "global_f64": 0x4084d4cccccccccd}[im.Name]
	return v, ok
}

func (r *runner) build() {
	var inputs []aot.Input
	for _, in := range r.built {
		inputs = append(inputs, in)
	}
	sort.Slice(inputs, func(i, j int) bool { return inputs[i].Name < inputs[j].Name })
	out := filepath.Join(r.t.TempDir(), "spec.aot")
	_, err := aot.Build(context.Background(), inputs, aot.Options{OutAOT: out, CacheDir: os.Getenv("VK_CACHE"), Global: global, Tables: true})
	if err != nil {
		r.t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	code, err := engine.Load(f)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { code.Close() })
	for _, p := range code.Programs() {
		r.programs[p.Meta.Name] = p
	}
}

// action is an invocation, or the reading of a global.
type action struct {
	Type, Module, Field string
	Args                []value
}

// linkers are scripts whose modules import one another's memories and tables, or those of
// module spectest, which are larger than declared.
var linkers = map[string]bool{"linking": true, "imports": true, "elem": true}

// script runs the commands of one script.
func (r *runner) script(s *wasmtest.Script) {
	var current *machine
	named, registered := map[string]*machine{}, map[string]*machine{}
	var all []*machine
	defer func() {
		for _, m := range all {
			m.inst.Free()
		}
	}()
	for _, c := range s.Commands {
		if c.Type == "module" {
			current = nil
			p := r.programs[s.Folder+"/"+c.Filename]
			if p != nil {
				current = r.start(s, c, p, registered)
			}
			if current != nil {
				all = append(all, current)
			}
			if c.Name != "" {
				named[c.Name] = current
			}
			continue
		}
		if c.Type == "register" {
			registered[c.As] = current
			if c.Name != "" {
				registered[c.As] = named[c.Name]
			}
		}
		r.command(s, c, current, named)
	}
}

func (r *runner) start(s *wasmtest.Script, c wasmtest.Command, p *engine.Program, others map[string]*machine) *machine {
	inst, e := p.New()
	if e != 0 {
		r.t.Fatalf("%s:%d: new instance: %v", s.Name, c.Line, e)
	}
	m := &machine{inst: inst, others: others}
	if p.Meta.Start != 0 {
		if exit := m.run(p.Meta.Start); exit != layout.ExitReturn {
			r.t.Errorf("%s/%s:%d: start function: exit %d, %+v", s.Folder, s.Name, c.Line, exit, inst.Trap())
		}
	}
	return m
}

// command runs one assertion or action.
func (r *runner) command(s *wasmtest.Script, c wasmtest.Command, current *machine, named map[string]*machine) {
	switch c.Type {
	case "action", "assert_return", "assert_trap", "assert_exhaustion":
	default:
		return
	}
	var a action
	if err := json.Unmarshal(c.Action, &a); err != nil {
		r.t.Fatalf("%s:%d: %v", s.Name, c.Line, err)
	}
	m := current
	if a.Module != "" {
		m = named[a.Module]
	}
	at := fmt.Sprintf("%s/%s:%d: %s %s", s.Folder, s.Name, c.Line, a.Type, a.Field)
	key := s.Folder + " " + c.Type
	switch {
	case m == nil:
		r.skipped[key+": the module was not built"]++
	case a.Type != "invoke":
		r.skipped[key+": reads a global"]++
	default:
		if problem := r.judge(m, c, &a); problem != "" {
			if linkers[s.Name] {
				r.skipped[key+": modules share a memory or table"]++
				return
			}
			r.t.Errorf("%s%v: %s", at, a.Args, problem)
			return
		}
		r.passed[key]++
	}
}

// judge runs an action and compares.
func (r *runner) judge(m *machine, c wasmtest.Command, a *action) string {
	export := m.export(a.Field)
	if export == nil {
		return "no such export"
	}
	exit := m.run(export.Thunk, words(a.Args)...)
	switch c.Type {
	case "assert_trap", "assert_exhaustion":
		switch {
		case exit == layout.ExitPreempt: // a tail-recursive function became a loop: it uses no stack
			return m.renew()
		case exit == layout.ExitReturn && c.Type == "assert_exhaustion": // the same, and a short one
			m.inst.Return()
			return ""
		case exit != layout.ExitTrap:
			return fmt.Sprintf("exit %d, expected a trap (%s)", exit, c.Text)
		}
		return trapIs(m.inst.Trap().Code, c.Text)
	}
	if exit != layout.ExitReturn {
		return fmt.Sprintf("exit %d, trap %+v", exit, m.inst.Trap())
	}
	defer m.inst.Return()
	if c.Type == "action" {
		return ""
	}
	var expected []value
	if err := json.Unmarshal(c.Expected, &expected); err != nil {
		return err.Error()
	}
	for i, want := range expected {
		if got := m.inst.Results()[i]; !want.matches(got) {
			return fmt.Sprintf("result %d is %#x, expected %v", i, got, want)
		}
	}
	return ""
}

// trapIs compares a trap with the suite's text. An access that the hardware checks has a
// code of its own.
func trapIs(code int, text string) string {
	ok := map[string][]int{
		"unreachable":                   {layout.TrapUnreachable},
		"integer divide by zero":        {layout.TrapDivideByZero},
		"integer overflow":              {layout.TrapOverflow},
		"invalid conversion to integer": {layout.TrapConversion},
		"undefined element":             {layout.TrapTableBounds},
		"out of bounds table access":    {layout.TrapTableBounds},
		"uninitialized element":         {layout.TrapNullElement},
		"indirect call type mismatch":   {layout.TrapTypeMismatch},
		"out of bounds memory access":   {layout.TrapMemoryBounds, layout.TrapFault},
		"unaligned atomic":              {layout.TrapUnaligned},
		"expected shared memory":        {layout.TrapUnshared},
		"call stack exhausted":          {layout.TrapStackOverflow},
	}
	for prefix, codes := range ok {
		if strings.HasPrefix(text, prefix) {
			for _, c := range codes {
				if c == code {
					return ""
				}
			}
		}
	}
	return fmt.Sprintf("trap %d, expected %q", code, text)
}
