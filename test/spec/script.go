package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"vkernel/internal/wasm"
	"vkernel/internal/wasm/wasmtest"
)

// instance is one module of a script, which is instantiated where its command stands.
type instance struct {
	script  *script
	name    string // unique, for people
	data    []byte
	m       *wasm.Module // nil if it was refused
	err     error        // why
	imports []definition // what each import is resolved to
	missing error        // an import that nothing exports
	gets    bool         // a command reads one of its globals
	traps   bool         // it is expected to trap at its start
	// unlinkable: the script expects that it cannot be linked, so it is not compiled.
	unlinkable bool
	builtin    bool // of module spectest

	group *group
	index int // in the group
}

// definition is a function, table, memory, global or tag of an instance: where it is
// defined, not where it passes through.
type definition struct {
	in    *instance
	kind  wasm.ExternKind
	index uint32
	field string // name of its export there
}

// script is one script of the suite, with its modules.
type script struct {
	*wasmtest.Script
	instances []*instance
	at        map[int]*instance // by index of the command
	builtins  map[string]definition
}

// plan decodes the modules of a script and resolves their imports, as the commands before
// each module name and register them.
func plan(s *wasmtest.Script) (*script, error) {
	p := &script{Script: s, at: map[int]*instance{}}
	p.builtins = p.spectest()
	names, registered := map[string]*instance{}, map[string]*instance{}
	var current *instance
	for i, c := range s.Commands {
		switch c.Type {
		case "module", "assert_unlinkable", "assert_uninstantiable":
			if path.Ext(c.Filename) != ".wasm" {
				continue
			}
			in, err := p.enlist(c, registered)
			if err != nil {
				return nil, err
			}
			p.at[i] = in
			in.traps, in.unlinkable = c.Type == "assert_uninstantiable", c.Type == "assert_unlinkable"
			if c.Type == "module" {
				current = in
				if c.Name != "" {
					names[c.Name] = in
				}
			}
		case "register":
			registered[c.As] = current
			if c.Name != "" {
				registered[c.As] = names[c.Name]
			}
		default:
			p.action(c, current, names)
		}
	}
	return p, nil
}

// action notes whose globals are read.
func (p *script) action(c wasmtest.Command, current *instance, names map[string]*instance) {
	var a action
	if json.Unmarshal(c.Action, &a) != nil || a.Type != "get" {
		return
	}
	if a.Module != "" {
		current = names[a.Module]
	}
	if current != nil {
		current.gets = true
	}
}

// enlist decodes one module.
func (p *script) enlist(c wasmtest.Command, registered map[string]*instance) (*instance, error) {
	data, err := p.Module(c.Filename)
	if err != nil {
		return nil, err
	}
	in := &instance{script: p, name: p.Folder + "/" + c.Filename, data: data}
	in.m, in.err = wasm.DecodeValidated(data)
	p.instances = append(p.instances, in)
	if in.m == nil {
		return in, nil
	}
	for i := range in.m.Imports {
		d, err := p.resolve(&in.m.Imports[i], registered)
		if err != nil && in.missing == nil {
			in.missing = err
		}
		in.imports = append(in.imports, d)
	}
	return in, nil
}

var errNoModule = errors.New("needs a module that was refused")

// resolve finds what an import names.
func (p *script) resolve(im *wasm.Import, registered map[string]*instance) (definition, error) {
	from, ok := registered[im.Module]
	if !ok && im.Module == "spectest" {
		if d, ok := p.builtins[im.Name]; ok {
			return d, nil
		}
	}
	switch {
	case !ok:
		return definition{}, fmt.Errorf("unknown import %q %q", im.Module, im.Name)
	case from == nil || from.m == nil:
		return definition{}, errNoModule
	}
	for i := range from.m.Exports {
		if e := &from.m.Exports[i]; e.Name == im.Name {
			return from.definition(e), nil
		}
	}
	return definition{}, fmt.Errorf("unknown import %q %q", im.Module, im.Name)
}

// definition follows an export to where it is defined.
func (in *instance) definition(e *wasm.Export) definition {
	n := uint32(0)
	for i := range in.m.Imports {
		if in.m.Imports[i].Kind != e.Kind {
			continue
		}
		if n == e.Index {
			return in.imports[i]
		}
		n++
	}
	return definition{in, e.Kind, e.Index, e.Name}
}
