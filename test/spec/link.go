package main

import (
	"fmt"

	"vkernel/internal/wasm"
)

// linker makes one module of the members of a group. What a member does when it is
// instantiated, its active segments and its start function, becomes a function of its own,
// since it happens in the middle of the script. Exports are named by member:
//
//	<member>:f:<name>  a function that the member exports
//	<member>:g:<name>  a function that returns a global that the member exports
//	<member>:i         a function that instantiates the member
//	<member>:t:<n>     a function that returns the size of table n of the member
type linker struct {
	g     *group
	out   wasm.Module
	types map[string]uint32
	maps  []spaces // of the members
}

// spaces map the indices of a member to those of the linked module.
type spaces struct{ types, funcs, tables, globals, tags, elems, data []uint32 }

func (g *group) link() error {
	l := &linker{g: g, types: map[string]uint32{}, maps: make([]spaces, len(g.members))}
	for _, step := range []func() error{l.imports, l.definitions, l.uses, l.globals, l.segments, l.functions, l.exports} {
		if err := step(); err != nil {
			return fmt.Errorf("link: %w", err)
		}
	}
	g.wasm = encode(&l.out)
	if _, err := wasm.DecodeValidated(g.wasm); err != nil {
		return fmt.Errorf("link: the result is not valid: %w", err)
	}
	return nil
}

// typeOf gives a function type its index.
func (l *linker) typeOf(t wasm.FuncType) uint32 {
	key := fmt.Sprint(t.Params, t.Results)
	i, ok := l.types[key]
	if !ok {
		i = uint32(len(l.out.Types))
		l.types[key] = i
		l.out.Types = append(l.out.Types, t)
	}
	return i
}

// imports lists the functions that the members import from other groups.
func (l *linker) imports() error {
	for k, in := range l.g.members {
		for _, t := range in.m.Types {
			l.maps[k].types = append(l.maps[k].types, l.typeOf(t))
		}
		for i, d := range in.imports {
			if d.kind != wasm.KindFunc || d.in.group == l.g {
				continue
			}
			l.out.Imports = append(l.out.Imports, wasm.Import{
				Module: "other", Name: fmt.Sprint(len(l.out.Imports)), Type: l.maps[k].types[in.m.Imports[i].Type],
			})
			l.g.imports = append(l.g.imports, d)
		}
	}
	return nil
}

// definitions lays out what the members define, in order.
func (l *linker) definitions() error {
	funcs, imported := uint32(len(l.out.Imports)), uint32(0)
	globals := uint32(0)
	elems, data := uint32(0), uint32(0)
	for k, in := range l.g.members {
		s := &l.maps[k]
		for _, d := range in.imports {
			switch {
			case d.kind == wasm.KindFunc && d.in.group != l.g:
				s.funcs = append(s.funcs, imported)
				imported++
			case d.kind == wasm.KindFunc:
				s.funcs = append(s.funcs, 0) // uses
			case d.kind == wasm.KindTable:
				s.tables = append(s.tables, 0)
			case d.copied():
				s.globals = append(s.globals, globals)
				globals++
			case d.kind == wasm.KindGlobal:
				s.globals = append(s.globals, 0)
			case d.kind == wasm.KindTag:
				s.tags = append(s.tags, 0)
			}
		}
		for range in.m.Funcs {
			s.funcs = append(s.funcs, funcs)
			funcs++
		}
		for _, t := range in.m.Tables {
			s.tables = append(s.tables, uint32(len(l.out.Tables)))
			l.out.Tables = append(l.out.Tables, t)
		}
		for range in.m.Globals {
			s.globals = append(s.globals, globals)
			globals++
		}
		for range in.m.Elems {
			s.elems = append(s.elems, elems)
			elems++
		}
		for range in.m.Data {
			s.data = append(s.data, data)
			data++
		}
		l.out.Mems = append(l.out.Mems, in.m.Mems...)
		l.tags(k)
	}
	return nil
}

// uses resolves what a member imports from another member.
func (l *linker) uses() error {
	for k, in := range l.g.members {
		var n [5]int
		for i, d := range in.imports {
			place := n[d.kind]
			n[d.kind]++
			if d.kind != in.m.Imports[i].Kind {
				return fmt.Errorf("%s: import %d is of kind %d, expected %d", in.name, i, d.kind, in.m.Imports[i].Kind)
			}
			if d.in.group != l.g || d.copied() {
				continue
			}
			from, to := &l.maps[d.in.index], &l.maps[k]
			switch d.kind {
			case wasm.KindFunc:
				to.funcs[place] = from.funcs[d.index]
			case wasm.KindTable:
				to.tables[place] = from.tables[d.index]
			case wasm.KindGlobal:
				to.globals[place] = from.globals[d.index]
			case wasm.KindTag:
				to.tags[place] = from.tags[d.index]
			}
		}
	}
	return nil
}

// globals writes the globals that are defined or copied.
func (l *linker) globals() error {
	for _, in := range l.g.members {
		for i, d := range in.imports {
			if d.copied() {
				l.addGlobal(d.in, in.m.Imports[i].Global, d.in.m.Globals[d.index-d.in.m.NumImportedGlobals()].Init)
			}
		}
		for _, g := range in.m.Globals {
			l.addGlobal(in, g.Type, g.Init)
		}
	}
	return nil
}

func (l *linker) addGlobal(in *instance, t wasm.GlobalType, init wasm.Const) {
	l.out.Globals = append(l.out.Globals, wasm.Global{Type: t, Init: l.constant(in, init)})
}

// segments makes all segments passive; function instantiate does what active ones do.
func (l *linker) segments() error {
	for _, in := range l.g.members {
		for _, e := range in.m.Elems {
			out := wasm.Elem{Mode: e.Mode, Type: e.Type}
			if e.Mode == wasm.Active {
				out.Mode = wasm.Passive
			}
			for _, init := range e.Inits {
				out.Inits = append(out.Inits, l.constant(in, init))
			}
			l.out.Elems = append(l.out.Elems, out)
		}
		for _, d := range in.m.Data {
			l.out.Data = append(l.out.Data, wasm.Data{Mode: wasm.Passive, Init: d.Init})
		}
	}
	return nil
}

func (l *linker) functions() error {
	for k, in := range l.g.members {
		for i := range in.m.Funcs {
			f := &in.m.Funcs[i]
			body := &writer{}
			if err := l.rewrite(body, k, f.Body); err != nil {
				return fmt.Errorf("%s: function %d: %w", in.name, i, err)
			}
			l.out.Funcs = append(l.out.Funcs, wasm.Func{Type: l.maps[k].types[f.Type], Locals: f.Locals, Body: body.b})
		}
	}
	return nil
}

// add appends a function of the linker's own and exports it.
func (l *linker) add(name string, results []wasm.ValType, body []byte) {
	index := uint32(len(l.out.Imports) + len(l.out.Funcs))
	l.out.Funcs = append(l.out.Funcs, wasm.Func{Type: l.typeOf(wasm.FuncType{Results: results}), Body: append(body, byte(wasm.OpEnd))})
	l.out.Exports = append(l.out.Exports, wasm.Export{Name: name, Kind: wasm.KindFunc, Index: index})
}

func (l *linker) exports() error {
	for k, in := range l.g.members {
		for _, e := range in.m.Exports {
			switch e.Kind {
			case wasm.KindFunc:
				l.out.Exports = append(l.out.Exports, wasm.Export{Name: fmt.Sprintf("%d:f:%s", k, e.Name), Kind: wasm.KindFunc, Index: l.maps[k].funcs[e.Index]})
			case wasm.KindGlobal:
				t, _ := in.m.GlobalTypeOf(e.Index)
				w := &writer{b: []byte{byte(wasm.OpGlobalGet)}}
				w.u32(l.maps[k].globals[e.Index])
				l.add(fmt.Sprintf("%d:g:%s", k, e.Name), []wasm.ValType{t.Type}, w.b)
			}
		}
		for i := range in.m.NumTables() {
			w := &writer{b: []byte{0xfc, byte(wasm.OpTableSize & 0xff)}}
			w.u32(l.maps[k].tables[i])
			l.add(fmt.Sprintf("%d:t:%d", k, i), []wasm.ValType{wasm.I32}, w.b)
		}
		body, err := l.instantiate(k)
		if err != nil {
			return err
		}
		l.add(fmt.Sprintf("%d:i", k), nil, body)
	}
	return nil
}

// instantiate is the body of the function that initialises a member.
func (l *linker) instantiate(k int) ([]byte, error) {
	in, s, w := l.g.members[k], &l.maps[k], &writer{}
	init := func(offset wasm.Const, n int, op, drop wasm.Opcode, segment, into uint32) error {
		if err := l.rewrite(w, k, offset.Expr[:len(offset.Expr)-1]); err != nil {
			return err
		}
		w.b = append(w.b, byte(wasm.OpI32Const), 0, byte(wasm.OpI32Const))
		w.signed(int64(n))
		w.b = append(w.b, 0xfc, byte(op&0xff))
		w.u32(segment)
		w.u32(into)
		w.b = append(w.b, 0xfc, byte(drop&0xff))
		w.u32(segment)
		return nil
	}
	for i, e := range in.m.Elems {
		if e.Mode == wasm.Active {
			if err := init(e.Offset, len(e.Inits), wasm.OpTableInit, wasm.OpElemDrop, s.elems[i], s.tables[e.Table]); err != nil {
				return nil, err
			}
		}
	}
	for i, d := range in.m.Data {
		if d.Mode == wasm.Active {
			if err := init(d.Offset, len(d.Init), wasm.OpMemoryInit, wasm.OpDataDrop, s.data[i], 0); err != nil {
				return nil, err
			}
		}
	}
	if in.m.Start != nil {
		w.byte(byte(wasm.OpCall))
		w.u32(s.funcs[*in.m.Start])
	}
	return w.b, nil
}
