package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"vkernel/internal/aot"
	eng "vkernel/internal/engine"
	"vkernel/internal/verify"
	"vkernel/internal/wasm"
)

// fuzzer counts.
type fuzzer struct {
	verbose               bool
	modules, calls, traps int
	finds, refused        int // set by whoever looks at the cases
	loose, vanished       int // calls that left memory in a plain loop; those in which compiled code did not trap
	exits, copies         int // of kicked code
	apart                 int // cases in which V8 agrees with vkernel and not with wazero
}

// try compares the modules of some cases. They are compiled together and run even if the verifier
// refuses some; then those are compiled as `vkernel build` does it, with other code for what
// was refused, and run again.
func (f *fuzzer) try(cases []*testCase) error {
	suspects, err := f.together(cases, true)
	if err != nil {
		return f.parts(cases, err, f.try, func(c *testCase) *string { return &c.find })
	}
	return f.again(suspects)
}

// again is for cases that the verifier has refused in part.
func (f *fuzzer) again(suspects []*testCase) error {
	if len(suspects) == 0 {
		return nil
	}
	_, err := f.together(suspects, false)
	if err != nil {
		return f.parts(suspects, err, f.again, func(c *testCase) *string { return &c.refused })
	}
	return nil
}

// parts finds out which of the cases it was that could not be built.
func (f *fuzzer) parts(cases []*testCase, err error, try func([]*testCase) error, text func(*testCase) *string) error {
	if len(cases) == 1 {
		*text(cases[0]) = err.Error()
		return nil
	}
	half := len(cases) / 2
	if err := try(cases[:half]); err != nil {
		return err
	}
	return try(cases[half:])
}

// together builds and runs cases; suspects are those that the verifier refuses. An error says that the
// modules cannot be built or loaded.
func (f *fuzzer) together(cases []*testCase, unverified bool) (suspects []*testCase, err error) {
	dir, err := os.MkdirTemp("", "vkfuzz")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "fuzz.aot")
	var inputs []aot.Input
	for i, c := range cases {
		inputs = append(inputs, aot.Input{Name: fmt.Sprint("m", i), Wasm: c.module.Wasm})
		if c.legacy != nil {
			inputs = append(inputs, aot.Input{Name: fmt.Sprint("legacy", i), Wasm: c.legacy})
		}
	}
	if _, err := aot.Build(context.Background(), inputs, aot.Options{OutAOT: path, Batch: 256 << 10, Unverified: unverified}); err != nil {
		return nil, err
	}
	if err := f.runAll(path, cases, unverified); err != nil {
		return nil, err
	}
	refused, err := refusals(path)
	for i, c := range cases {
		if refused[fmt.Sprint("m", i)] || refused[fmt.Sprint("legacy", i)] {
			suspects = append(suspects, c)
		}
	}
	return suspects, err
}

func (f *fuzzer) runAll(path string, cases []*testCase, unverified bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	load := eng.Load
	if unverified {
		load = eng.LoadVerified
	}
	code, err := load(file)
	if err != nil {
		return err
	}
	defer code.Close()
	programs := map[string]*eng.Program{}
	for _, p := range code.Programs() {
		programs[p.Meta.Name] = p
	}
	for i, c := range cases {
		if c.alone || c.find != "" {
			continue
		}
		if unverified {
			f.modules++
		}
		c.find = f.tryOne(c, programs[fmt.Sprint("m", i)], programs[fmt.Sprint("legacy", i)])
	}
	return nil
}

// refusals names the programs in which the verifier refuses something.
func refusals(path string) (map[string]bool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	code, err := verify.Parse(data)
	if err != nil {
		return nil, err
	}
	list, err := verify.Refused(code)
	names := map[string]bool{}
	for _, r := range list {
		name, _, _ := strings.Cut(r.Func, ":")
		names[name] = true
	}
	return names, err
}

// tryOne runs a module in all ways, until one differs.
func (f *fuzzer) tryOne(c *testCase, program, legacy *eng.Program) string {
	r, err := newReference(c.module.Wasm)
	if err != nil {
		return err.Error()
	}
	defer r.close()
	// wazero keeps references to exceptions where the garbage collector does not see them.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	find := f.compare(c, r, "vkernel", fuel, func() engine { return &compiled{program: program} })
	if find == "" && legacy != nil {
		find = f.compare(c, r, "vkernel with the first encoding of exceptions", fuel, func() engine { return &compiled{program: legacy} })
	}
	if find == "" && c.kicked {
		find = f.compare(c, r, "vkernel in slices", long, func() engine { return &kicked{compiled: compiled{program: program}, counts: f} })
	}
	return find
}

// compare runs a case in one way beside wazero. If they differ, V8 decides who is right.
func (f *fuzzer) compare(c *testCase, r *reference, who string, fuel uint64, ours func() engine) string {
	find := f.beside(c, who, fuel, ours(), "wazero", &interpreted{reference: r})
	if find == "" || c.alone {
		return find
	}
	code := c.module.Wasm
	if c.legacy != nil {
		code = c.legacy
	}
	judge, err := newV8(code)
	if err != nil {
		return fmt.Sprintf("%s (no third opinion: %v)", find, err)
	}
	defer judge.close()
	if other := f.beside(c, who, fuel, ours(), "V8", judge); other != "" || judge.err != nil {
		return fmt.Sprintf("%s (third opinion: %s %v)", find, other, judge.err)
	}
	c.apart = defect(c, find) + ": " + find
	return ""
}

// defect names a known defect of wazero that a find may come from: that of a module in testdata/wazero.
func defect(c *testCase, find string) string {
	m, err := wasm.Decode(c.module.Wasm)
	if err != nil || !strings.Contains(find, "wazero trap: "+badTable) {
		return unknownDefect
	}
	for _, e := range m.Elems {
		if e.Mode == wasm.Passive && e.Type == wasm.ExternRef {
			return "passive-externref-segment"
		}
	}
	return unknownDefect
}

// unknownDefect is to be looked at: somebody may be wrong in the same way as we are.
const unknownDefect = "not known yet"

// beside runs a case in two engines, and says how they differ.
func (f *fuzzer) beside(c *testCase, who string, fuel uint64, ours engine, other string, theirs engine) string {
	defer ours.close()
	defer theirs.close()
	k := comparison{fuzzer: f, c: c, who: who, other: other, fuel: fuel, ours: ours, theirs: theirs}
	return k.run()
}
