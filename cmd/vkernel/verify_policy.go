package main

import (
	"fmt"
	"slices"

	"vkernel/internal/bundle"
	"vkernel/internal/bundle/build"
	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
	"vkernel/internal/wasm"
)

// checkPolicy makes sure that three lists of what a program can call are one: the imports of
// its module in the megabinary, those of its native code (of which the linked text refers to no
// others, as the verifier has proven), and what its entries allow and withhold.
func checkPolicy(b *bundle.Bundle, found func(bundle.Checked)) error {
	modules, err := b.Modules()
	if err != nil {
		return err
	}
	programs, err := b.Programs()
	if err != nil {
		return err
	}
	for i := range programs {
		if err := sameImports(modules[i], &programs[i]); err != nil {
			return &bundle.PartError{Part: "policy", Err: fmt.Errorf("program %s: %w", programs[i].Name, err)}
		}
	}
	policies, err := policy.New(b.Manifest)
	if err != nil {
		return &bundle.PartError{Part: "policy", Err: err}
	}
	allowed, withheld, rules := 0, 0, 0
	for i := range b.Manifest.Entries {
		e := &b.Manifest.Entries[i]
		program := &programs[e.Module]
		err := imports.Listed(program, policies.Entry(e.ID))
		if err == nil {
			err = importsAll(program, e)
		}
		if err != nil {
			return &bundle.PartError{Part: "policy", Err: fmt.Errorf("program %s: %w", program.Name, err)}
		}
		allowed, withheld, rules = allowed+len(e.Syscalls), withheld+len(e.Withheld), rules+len(e.Rules)
	}
	found(bundle.Checked{Part: "policy", Detail: fmt.Sprintf("what code, megabinary and manifest say of imports is the same; calls allowed: %d, withheld: %d, rules: %d", allowed, withheld, rules)})
	return nil
}

// charged lists the system calls that imports are charged to, sorted.
func charged(list []layout.Import) []string {
	calls := []string{}
	for _, im := range list {
		if call := imports.Syscall(im.Module, im.Name); call != "" {
			calls = append(calls, call)
		}
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// functions lists the imported functions of a module.
func functions(module []byte) ([]layout.Import, error) {
	m, err := wasm.DecodeValidated(module)
	if err != nil {
		return nil, err
	}
	var list []layout.Import
	for _, im := range m.ImportsOf(wasm.KindFunc) {
		list = append(list, layout.Import{Module: im.Module, Name: im.Name, Type: build.Signature(m.Types[im.Type])})
	}
	return list, nil
}

// sameImports compares the imported functions of a module with those of its native code.
func sameImports(module []byte, program *layout.Program) error {
	list, err := functions(module)
	if err != nil {
		return err
	}
	if len(list) != len(program.Imports) {
		return fmt.Errorf("its module imports %d functions, its native code %d", len(list), len(program.Imports))
	}
	for i, want := range list {
		if got := program.Imports[i]; got != want {
			return fmt.Errorf("import %d is %q in its module and %q in its native code", i, want.Module+"."+want.Name+" "+want.Type, got.Module+"."+got.Name+" "+got.Type)
		}
	}
	return nil
}

// importsAll refuses calls in an entry's lists that its program does not import: a list is to be
// read as what the program does. One with inherit may allow others to what it starts.
func importsAll(program *layout.Program, e *manifest.Entry) error {
	imported := charged(program.Imports)
	own := e.Withheld
	if !e.Inherit {
		own = slices.Concat(e.Syscalls, e.Withheld)
	}
	for _, call := range own {
		if !slices.Contains(imported, call) {
			return fmt.Errorf("entry %s lists %s, which the program does not import", e.ID, call)
		}
	}
	return nil
}
