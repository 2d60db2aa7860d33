package emit

import (
	"fmt"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// tagIDs gives each tag its identity. Imports of the same name are the same tag.
func (p *program) tagIDs() error {
	imported := map[[2]string]uint32{}
	for i, im := range p.m.ImportsOf(wasm.KindTag) {
		name := [2]string{im.Module, im.Name}
		if imported[name] == 0 {
			imported[name] = uint32(i) + 1
		}
		p.tags = append(p.tags, imported[name])
	}
	for i := uint32(0); i < p.m.NumTags(); i++ {
		if i >= uint32(len(p.tags)) {
			p.tags = append(p.tags, i+1)
		}
		t, _ := p.m.TagTypeOf(i)
		if p.payload = max(p.payload, len(t.Params)); p.payload > layout.MaxPayload {
			return fmt.Errorf("tag %d: exceptions with %d values, at most %d are supported", i, len(t.Params), layout.MaxPayload)
		}
	}
	return nil
}

// throwGraph finds the functions that may throw; imported ones do not. Its nodes are functions and, for indirect
// calls, type ids; an edge leads from what may be called to who calls it. It is nil, and says
// nothing, for a module in which nothing can be thrown.
type throwGraph struct {
	p       *program
	types   uint32 // the node of type id 0
	throws  []bool // of each node
	callers [][]uint32
	todo    []uint32
}

func newThrowGraph(p *program) *throwGraph {
	if p.m.NumTags() == 0 {
		return nil
	}
	n := p.m.NumFuncs() + uint32(len(p.out.Program.Types)) + 1
	return &throwGraph{p: p, throws: make([]bool, n), callers: make([][]uint32, n), types: p.m.NumFuncs()}
}

// mark notes that a node may throw.
func (g *throwGraph) mark(node uint32) {
	if !g.throws[node] {
		g.throws[node] = true
		g.todo = append(g.todo, node)
	}
}

// edge notes that caller calls callee. Calls of one function in a row are one edge.
func (g *throwGraph) edge(callee, caller uint32) {
	if list := g.callers[callee]; len(list) == 0 || list[len(list)-1] != caller {
		g.callers[callee] = append(list, caller)
	}
}

// refer notes that function i can be called indirectly.
func (g *throwGraph) refer(i uint32) { g.edge(i, g.types+g.p.typeID(i)) }

// next takes an instruction of a body. What a catch of the same function may stop counts
// too: a call that cannot throw is checked in vain, but no call goes unchecked.
func (g *throwGraph) next(caller uint32, in *wasm.Instr) {
	if g == nil {
		return
	}
	switch in.Op {
	case wasm.OpThrow, wasm.OpThrowRef, wasm.OpRethrow:
		g.mark(caller)
	case wasm.OpCall, wasm.OpReturnCall:
		g.edge(in.Index, caller)
	case wasm.OpCallIndirect, wasm.OpReturnCallIndirect:
		g.edge(g.types+g.p.typeIDs[in.Index], caller)
	case wasm.OpRefFunc:
		g.refer(in.Index)
	}
}

// solve follows the edges from what throws; all bodies have been seen.
func (g *throwGraph) solve() error {
	if g == nil {
		return nil
	}
	if err := g.p.initialReferences(g.refer); err != nil {
		return err
	}
	for len(g.todo) > 0 {
		node := g.todo[len(g.todo)-1]
		g.todo = g.todo[:len(g.todo)-1]
		for _, caller := range g.callers[node] {
			g.mark(caller)
		}
	}
	g.p.throws, g.p.typeThrows = g.throws[:g.types:g.types], g.throws[g.types:]
	return nil
}

// initialReferences visits the functions that element segments and globals refer to.
func (p *program) initialReferences(visit func(i uint32)) error {
	for i := range p.m.Elems {
		for _, init := range p.m.Elems[i].Inits {
			if err := referencesOf(init, visit); err != nil {
				return err
			}
		}
	}
	for i := range p.m.Globals {
		if err := referencesOf(p.m.Globals[i].Init, visit); err != nil {
			return err
		}
	}
	return nil
}

// referencesOf visits the functions that a constant expression refers to.
func referencesOf(c wasm.Const, visit func(i uint32)) error {
	r := wasm.NewReader(c.Expr, c.Offset)
	for !r.Done() {
		in, err := r.Next()
		if err != nil {
			return err
		}
		if in.Op == wasm.OpRefFunc {
			visit(in.Index)
		}
	}
	return nil
}

// mayThrow says whether what a call calls may throw.
func (p *program) mayThrow(in *wasm.Instr) bool {
	switch {
	case p.throws == nil:
		return false
	case in.Op == wasm.OpCallIndirect:
		return p.typeThrows[p.typeIDs[in.Index]]
	}
	return p.throws[in.Index]
}
