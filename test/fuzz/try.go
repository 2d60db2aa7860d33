package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"vkernel/internal/aot"
	eng "vkernel/internal/engine"
)

// fuzzer counts.
type fuzzer struct {
	verbose                      bool
	modules, calls, traps, finds int
	loose, vanished              int // calls that left memory in a plain loop; those in which compiled code did not trap
	exits, copies                int // of kicked code
}

// try compiles the modules of some cases together and compares.
func (f *fuzzer) try(cases []*testCase) error {
	err := f.tryBatch(cases)
	if err == nil || len(cases) == 1 {
		if err != nil {
			cases[0].find = err.Error()
			f.finds++
		}
		return nil
	}
	for _, c := range cases { // which one was it?
		if err := f.try([]*testCase{c}); err != nil {
			return err
		}
	}
	return nil
}

// tryBatch is an error if the modules cannot be built or loaded.
func (f *fuzzer) tryBatch(cases []*testCase) error {
	dir, err := os.MkdirTemp("", "vkfuzz")
	if err != nil {
		return err
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
		return err
	}
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
		if c.alone {
			continue
		}
		f.modules++
		if c.find = f.tryOne(c, programs[fmt.Sprint("m", i)], programs[fmt.Sprint("legacy", i)]); c.find != "" {
			f.finds++
		}
	}
	return nil
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
	find := f.compare(c, r, "vkernel", &compiled{program: program})
	if find == "" && legacy != nil {
		find = f.compare(c, r, "vkernel with the first encoding of exceptions", &compiled{program: legacy})
	}
	if find == "" && c.kicked {
		k := &kicked{compiled: compiled{program: program}}
		find = f.compare(c, r, "vkernel in slices", k)
		f.exits += k.exits
		f.copies += k.copies
	}
	return find
}

func (f *fuzzer) compare(c *testCase, r *reference, who string, ours engine) string {
	defer ours.close()
	theirs := &interpreted{reference: r}
	defer theirs.close()
	k := comparison{fuzzer: f, c: c, who: who, ours: ours, theirs: theirs}
	return k.run()
}
