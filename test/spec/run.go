package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"vkernel/internal/aot"
	"vkernel/internal/emit"
	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
	"vkernel/internal/wasm/wasmtest"
)

// options say what to run and how.
type options struct {
	only    string        // folder/name prefix of scripts
	cache   string        // folder of compiled objects
	keep    string        // file for the native code; it is removed otherwise
	jobs    int           // compilers at a time
	preempt time.Duration // stop running code so often
	text    bool          // judge malformed texts by wat2wasm
	log     func(format string, args ...any)
}

// runner holds what all scripts share.
type runner struct {
	options
	programs map[string]*engine.Program
	kicker   *kicker // nil: guests run undisturbed
	counts   counts
	failures []string
}

// runSuite runs all scripts.
func runSuite(scripts []*wasmtest.Script, o options) (*runner, error) {
	r := &runner{options: o, programs: map[string]*engine.Program{}, counts: counts{}}
	var plans []*script
	var groups []*group
	for _, s := range scripts {
		if !strings.HasPrefix(s.Folder+"/"+s.Name, o.only) {
			continue
		}
		p, err := plan(s)
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
		groups = append(groups, p.form()...)
	}
	code, err := r.build(groups)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	if o.preempt != 0 {
		r.kicker = startKicker(o.preempt)
	}
	for _, p := range plans {
		r.script(p)
	}
	if r.kicker != nil {
		r.kicker.stop()
		r.log("%d preemptions in %d calls", r.kicker.hits, r.kicker.calls)
	}
	if o.text {
		r.texts(plans)
	}
	return r, nil
}

// batchBytes is how much C one compiler gets.
const batchBytes = 192 << 10

// build compiles all groups into one file of native code.
func (r *runner) build(groups []*group) (*engine.Code, error) {
	start := time.Now()
	var inputs []aot.Input
	for _, g := range groups {
		if g.err == nil {
			g.err = emits(g.wasm)
		}
		if g.err == nil {
			inputs = append(inputs, aot.Input{Name: g.name, Wasm: g.wasm})
		}
	}
	sort.Slice(inputs, func(i, j int) bool { return inputs[i].Name < inputs[j].Name })
	dir, err := os.MkdirTemp("", "vkernel-spec-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "spec.aot")
	if r.keep != "" {
		out = r.keep
	}
	if _, err := aot.Build(context.Background(), inputs, aot.Options{OutAOT: out, CacheDir: r.cache, Jobs: r.jobs, Batch: batchBytes, Global: global}); err != nil {
		return nil, err
	}
	f, err := os.Open(out)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	code, err := engine.Load(f)
	if err != nil {
		return nil, err
	}
	for _, p := range code.Programs() {
		r.programs[p.Meta.Name] = p
	}
	r.log("compiled %d programs of %d in %v", len(inputs), len(groups), time.Since(start).Round(time.Millisecond))
	return code, nil
}

// emits says why a module cannot be compiled.
func emits(data []byte) error {
	m, err := wasm.DecodeValidated(data)
	if err != nil {
		return err
	}
	_, err = emit.Emit(m, emit.Options{Prefix: "p0_", Global: global})
	return err
}

// global gives the values of module spectest to modules that share nothing else.
func global(im *wasm.Import) (uint64, bool) {
	v, ok := map[string]uint64{"global_i32": 666, "global_i64": 666, "global_f32": 0x4426a666, "global_f64": 0x4084d4cccccccccd}[im.Name]
	return v, ok && im.Module == "spectest"
}

// state is a script in progress.
type state struct {
	*runner
	p        *script
	machines map[*group]*machine
	names    map[string]*instance
	current  *instance
	lost     bool // a module was refused for its proposal
}

// script runs the commands of one script.
func (r *runner) script(p *script) {
	s := &state{runner: r, p: p, machines: map[*group]*machine{}, names: map[string]*instance{}}
	defer func() {
		for _, m := range s.machines {
			m.inst.Free()
		}
	}()
	for i, c := range p.Commands {
		kind, err := s.command(i, c)
		if kind == "" {
			continue
		}
		v := s.verdict(c, err)
		r.counts.add(p.Folder, kind, v)
		if v == failed {
			r.failures = append(r.failures, fmt.Sprintf("%s/%s:%d: %s: %v", p.Folder, p.Name, c.Line, c.Type, err))
		}
	}
}

// verdict classes what a command came to. Where a module was refused for its proposal, what
// it would have done to others is missing from there on.
func (s *state) verdict(c wasmtest.Command, err error) verdict {
	var refused *wasm.Error
	switch {
	case err == nil:
		return passed
	case overtaken(c, err):
		return overtakenByLater
	case errors.As(err, &refused) && errors.Is(err, wasm.ErrUnsupported) && unsupportedFolders[s.p.Folder] == refused.Proposal:
		s.lost = true
		return refusedByName
	case s.lost && c.Type != "module":
		return refusedByName
	}
	return failed
}

// unsupportedFolders are proposals that the build refuses by name.
var unsupportedFolders = map[string]string{"multi-memory": "multi-memory"}

// machine starts the group of an instance, or finds it.
func (s *state) machine(g *group) (*machine, error) {
	if m := s.machines[g]; m != nil {
		return m, nil
	}
	if g.err != nil {
		return nil, g.err
	}
	m, err := newMachine(g, s.programs[g.name])
	if err != nil {
		return nil, err
	}
	m.others, m.kicker = s.machine, s.kicker
	s.machines[g] = m
	return m, nil
}

// command runs one command and says what it counts as.
func (s *state) command(i int, c wasmtest.Command) (kind string, err error) {
	in := s.p.at[i]
	switch c.Type {
	case "module":
		s.current = in
		if c.Name != "" {
			s.names[c.Name] = in
		}
		return "module", s.start(in)
	case "register":
		in := s.current
		if c.Name != "" {
			in = s.names[c.Name]
		}
		if in == nil {
			return c.Type, errors.New("no such module")
		}
		return c.Type, in.err
	case "assert_unlinkable":
		return c.Type, s.unlinkable(in, c.Text)
	case "assert_uninstantiable":
		return c.Type, s.uninstantiable(in, c.Text)
	case "assert_invalid", "assert_malformed":
		if path.Ext(c.Filename) != ".wasm" {
			return "", nil // texts
		}
		return c.Type, s.refused(c)
	case "action", "assert_return", "assert_trap", "assert_exhaustion", "assert_exception":
		return c.Type, s.act(c)
	}
	return c.Type, errors.New("unknown command")
}

// start links and instantiates a module.
func (s *state) start(in *instance) error {
	switch {
	case in == nil:
		return errors.New("not a binary module")
	case in.m == nil:
		return in.err
	case in.missing != nil:
		return s.because(in)
	}
	if err := s.link(in); err != nil {
		return err
	}
	m, err := s.machine(in.group)
	if err != nil {
		return err
	}
	m.ready[in] = true
	if o := m.instantiate(in); o.exit != layout.ExitReturn {
		return fmt.Errorf("start: %v", o)
	}
	return nil
}

// because explains a missing import by the refusal of the module that it names.
func (s *state) because(in *instance) error {
	if !errors.Is(in.missing, errNoModule) {
		return in.missing
	}
	for _, other := range s.p.instances {
		if errors.Is(other.err, wasm.ErrUnsupported) {
			return other.err
		}
	}
	return in.missing
}

func (s *state) unlinkable(in *instance, text string) error {
	switch {
	case in.m == nil:
		return in.err
	case errors.Is(in.missing, errNoModule):
		return s.because(in)
	case in.missing != nil:
		return expectText(in.missing, text)
	}
	return expectText(s.link(in), text)
}

// expectText says whether an error is the one that the suite expects.
func expectText(err error, text string) error {
	switch {
	case err == nil:
		return fmt.Errorf("linked, expected %q", text)
	case !strings.Contains(err.Error(), text):
		return fmt.Errorf("%w, expected %q", err, text)
	}
	return nil
}

func (s *state) uninstantiable(in *instance, text string) error {
	switch {
	case in.m == nil:
		return in.err
	case in.missing != nil:
		return s.because(in)
	}
	if err := s.link(in); err != nil {
		return err
	}
	m, err := s.machine(in.group)
	if err != nil {
		return err
	}
	m.ready[in] = true
	return trapIs(m.instantiate(in), text)
}

// action is an invocation, or the reading of a global.
type action struct {
	Type, Module, Field string
	Args                []value
}

// act runs an action and judges it.
func (s *state) act(c wasmtest.Command) error {
	var a action
	if err := json.Unmarshal(c.Action, &a); err != nil {
		return err
	}
	in := s.current
	if a.Module != "" {
		in = s.names[a.Module]
	}
	switch {
	case in == nil:
		return errors.New("no such module")
	case in.m == nil:
		return in.err
	case in.missing != nil:
		return s.because(in)
	}
	m, err := s.machine(in.group)
	if err != nil {
		return err
	}
	if !m.ready[in] {
		return errors.New("the module was not instantiated")
	}
	if err := s.judge(m, in, c, &a); err != nil {
		return fmt.Errorf("%s %s%v: %w", a.Type, a.Field, a.Args, err)
	}
	return nil
}
