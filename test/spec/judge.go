package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
	"vkernel/internal/wasm/wasmtest"
)

// judge runs an action on a live module and compares with what is expected.
func (s *state) judge(m *machine, in *instance, c wasmtest.Command, a *action) error {
	kind := "f"
	if a.Type == "get" {
		kind = "g"
	}
	d, err := exported(in, a, kind)
	if err != nil {
		return err
	}
	export := m.export(in, kind, a.Field)
	if export == nil {
		if d.in.builtin || d.in.group == m.g {
			return errors.New("no such export")
		}
		return errors.New("an export of another group")
	}
	o := m.run(export.Thunk, words(a.Args)...)
	switch c.Type {
	case "assert_trap", "assert_exhaustion":
		return trapIs(o, c.Text)
	case "assert_exception":
		return exceptionIs(o)
	}
	if o.exit != layout.ExitReturn {
		return errors.New(o.String())
	}
	defer m.inst.Return()
	if c.Type == "action" {
		return nil
	}
	return s.results(m, c)
}

// exported finds an export, which tells who defines it.
func exported(in *instance, a *action, kind string) (definition, error) {
	want := wasm.KindFunc
	if kind == "g" {
		want = wasm.KindGlobal
	}
	for i := range in.m.Exports {
		if e := &in.m.Exports[i]; e.Name == a.Field && e.Kind == want {
			return in.definition(e), nil
		}
	}
	return definition{}, errors.New("no such export")
}

// results compares with the expected values, or with one of several.
func (s *state) results(m *machine, c wasmtest.Command) error {
	var expected, either []value
	if len(c.Either) > 0 {
		if err := json.Unmarshal(c.Either, &either); err != nil {
			return err
		}
		for _, want := range either {
			if want.matches(m.inst.Results()[0]) {
				return nil
			}
		}
		return fmt.Errorf("result %#x, expected one of %v", m.inst.Results()[0], either)
	}
	if err := json.Unmarshal(c.Expected, &expected); err != nil {
		return err
	}
	for i, want := range expected {
		if got := m.inst.Results()[i]; !want.matches(got) {
			return fmt.Errorf("result %d is %#x, expected %v", i, got, want)
		}
	}
	return nil
}

// trapIs compares a trap with the suite's text. An access that the hardware checks has a
// code of its own.
func trapIs(o outcome, text string) error {
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
		"null exception reference":      {layout.TrapNullException},
	}
	if o.exit == layout.ExitTrap {
		for prefix, codes := range ok {
			for _, c := range codes {
				if strings.HasPrefix(text, prefix) && c == o.trap {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("%v, expected the trap %q", o, text)
}

// refused judges a module that the validator must refuse.
func (s *state) refused(c wasmtest.Command) error {
	data, err := s.p.Module(c.Filename)
	if err != nil {
		return err
	}
	_, err = wasm.DecodeValidated(data)
	class := wasm.ErrInvalid
	if c.Type == "assert_malformed" {
		class = wasm.ErrMalformed
	}
	switch {
	case err == nil:
		return fmt.Errorf("%w, expected %q", errAccepted, c.Text)
	case errors.Is(err, class), otherClass(c, err), unsupportedFolders[s.p.Folder] != "":
		return nil
	}
	return fmt.Errorf("refused as of another class: %w, expected %q", err, c.Text)
}

// otherClass allows what is refused for a reason that comes before the suite's: a limit, a
// proposal that would make it valid, or what wast2json left out.
func otherClass(c wasmtest.Command, err error) bool {
	switch text := err.Error(); {
	case errors.Is(err, wasm.ErrLimit):
		return c.Type == "assert_malformed"
	case errors.Is(err, wasm.ErrUnsupported), strings.Contains(text, "data count section required"):
		return true
	}
	return strings.Contains(err.Error(), "shared memory must have maximum") // malformed without threads
}

// overtaken says whether a later version of the standard made what is asserted wrong: the
// scripts of threads begin from 1.0, which allows one table.
func overtaken(c wasmtest.Command, err error) bool {
	return c.Type == "assert_invalid" && c.Text == "multiple tables" && errors.Is(err, errAccepted)
}

var errAccepted = errors.New("accepted")
