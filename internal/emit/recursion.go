package emit

import "vkernel/internal/wasm"

// callGraph finds the circles of calls. A call in a circle must take stack, so that endless
// recursion ends in a trap: clang would make a loop of it that never ends if the call comes
// last. Nodes are functions and, for indirect calls, type ids.
type callGraph struct {
	p       *program
	types   uint32 // the node of type id 0
	callees [][]uint32
	circle  []uint32 // of each node, found by solve
}

func newCallGraph(p *program) *callGraph {
	n := p.m.NumFuncs() + uint32(len(p.out.Program.Types)) + 1
	return &callGraph{p: p, types: p.m.NumFuncs(), callees: make([][]uint32, n)}
}

// edge notes a call. Those of one function in a row are one edge.
func (g *callGraph) edge(caller, callee uint32) {
	if list := g.callees[caller]; len(list) == 0 || list[len(list)-1] != callee {
		g.callees[caller] = append(list, callee)
	}
}

// next takes an instruction of a body.
func (g *callGraph) next(caller uint32, in *wasm.Instr) {
	switch in.Op {
	case wasm.OpCall, wasm.OpReturnCall:
		g.edge(caller, in.Index)
	case wasm.OpCallIndirect, wasm.OpReturnCallIndirect:
		g.edge(caller, g.types+g.p.typeIDs[in.Index])
	case wasm.OpRefFunc:
		g.refer(in.Index)
	}
}

// refer notes that function i can be called indirectly.
func (g *callGraph) refer(i uint32) { g.edge(g.types+g.p.typeID(i), i) }

// solve numbers the circles: two nodes are in one if each can be reached from the other.
func (g *callGraph) solve() error {
	if err := g.p.initialReferences(g.refer); err != nil {
		return err
	}
	t := tarjan{g: g, index: make([]uint32, len(g.callees)), low: make([]uint32, len(g.callees)), next: make([]int, len(g.callees))}
	g.circle = make([]uint32, len(g.callees))
	for i := range g.callees {
		if t.index[i] == 0 {
			t.walk(uint32(i))
		}
	}
	return nil
}

// recursive says whether a call of function caller is part of a circle.
func (g *callGraph) recursive(caller uint32, in *wasm.Instr) bool {
	callee := in.Index
	if in.Op == wasm.OpCallIndirect {
		callee = g.types + g.p.typeIDs[in.Index]
	}
	return g.circle[caller] == g.circle[callee]
}

// tarjan is the state of Tarjan's algorithm, without recursion: modules may be deep.
type tarjan struct {
	g          *callGraph
	index, low []uint32 // from 1 on
	next       []int    // callee to look at
	stack      []uint32 // nodes whose circle is not known
	count      uint32
}

func (t *tarjan) walk(root uint32) {
	path := []uint32{root}
	t.enter(root)
	for len(path) > 0 {
		v := path[len(path)-1]
		if t.next[v] < len(t.g.callees[v]) {
			w := t.g.callees[v][t.next[v]]
			t.next[v]++
			if t.index[w] == 0 {
				t.enter(w)
				path = append(path, w)
			} else if t.g.circle[w] == 0 {
				t.low[v] = min(t.low[v], t.index[w])
			}
			continue
		}
		path = path[:len(path)-1]
		if len(path) > 0 {
			u := path[len(path)-1]
			t.low[u] = min(t.low[u], t.low[v])
		}
		if t.low[v] == t.index[v] {
			t.close(v)
		}
	}
}

func (t *tarjan) enter(v uint32) {
	t.count++
	t.index[v], t.low[v] = t.count, t.count
	t.stack = append(t.stack, v)
}

// close gives the nodes down to v the number of their circle.
func (t *tarjan) close(v uint32) {
	for {
		w := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.g.circle[w] = t.index[v]
		if w == v {
			return
		}
	}
}
