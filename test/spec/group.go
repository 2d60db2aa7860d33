package main

import (
	"fmt"

	"vkernel/internal/wasm"
)

// group is a set of instances that share memories, tables, globals or tags. vkernel's
// programs share nothing, so the modules of a group are linked into one before it is
// compiled (link.go). What shares nothing is compiled as it is in the archive.
type group struct {
	name    string
	members []*instance
	linked  bool
	wasm    []byte       // what is compiled
	imports []definition // of its function imports, in order
	err     error        // it cannot be compiled
}

// form puts the instances of a script into groups.
func (p *script) form() []*group {
	for _, in := range p.instances {
		if in.builds() {
			in.own()
		}
	}
	for _, shared := range []bool{true, false} {
		for _, in := range p.instances {
			if in.builds() {
				in.joinImports(shared)
			}
		}
	}
	var groups []*group
	seen := map[*group]bool{}
	for _, in := range p.instances {
		if in.builds() && !seen[in.group] {
			seen[in.group] = true
			groups = append(groups, in.group)
		}
	}
	for _, g := range groups {
		g.prepare()
	}
	return groups
}

// builds says whether the instance comes to life.
func (in *instance) builds() bool { return in.m != nil && in.missing == nil && !in.unlinkable }

// own gives an instance a group.
func (in *instance) own() {
	if in.group == nil {
		in.group = &group{name: in.name, members: []*instance{in}}
	}
}

// joinImports joins the groups of what an instance shares, or of the functions that it
// calls, if that does not bring two memories together.
func (in *instance) joinImports(shared bool) {
	for _, d := range in.imports {
		switch {
		case d.in == nil || d.copied() || shared != (d.kind != wasm.KindFunc):
		case shared || !d.in.builtin && d.in.group.memories()+in.group.memories() < 2:
			d.in.own()
			in.group.join(d.in.group)
		}
	}
}

// copied says whether a definition is an immutable number: a copy is as good.
func (d definition) copied() bool {
	if d.kind != wasm.KindGlobal {
		return false
	}
	t, _ := d.in.m.GlobalTypeOf(d.index)
	return !t.Mutable && !t.Type.IsRef()
}

// copies says whether an instance imports numbers of another one of the script.
func (in *instance) copies() bool {
	for _, d := range in.imports {
		if d.copied() && !d.in.builtin {
			return true
		}
	}
	return false
}

func (g *group) memories() (n int) {
	for _, in := range g.members {
		n += len(in.m.Mems)
	}
	return n
}

// join moves the members of another group into g.
func (g *group) join(o *group) {
	if g == o {
		return
	}
	for _, in := range o.members {
		in.group = g
	}
	g.members = append(g.members, o.members...)
}

// prepare makes the module that is compiled.
func (g *group) prepare() {
	for i, in := range g.members {
		in.index = i
	}
	first := g.members[0]
	g.linked = len(g.members) > 1 || first.gets || first.traps || first.copies()
	if n := g.memories(); n > 1 {
		g.err = fmt.Errorf("%d modules that share something have %d memories", len(g.members), n)
		return
	}
	if g.linked {
		g.err = g.link()
		return
	}
	g.wasm = first.data
	for _, d := range first.imports {
		if d.kind == wasm.KindFunc {
			g.imports = append(g.imports, d)
		}
	}
}
