package gen

import "vkernel/internal/wasm"

// handler is code that has caught an exception and can throw it again.
type handler struct {
	label int // that of the try, in the first encoding
	exn   int // the local that holds the exception, in the final one
}

// Kinds of catch clauses in the final encoding.
const (
	catch = iota
	catchRef
	catchAll
	catchAllRef
)

// try makes a block that catches exceptions. Both encodings take the same numbers by chance, and
// have the same labels that code may branch to, in the same order.
func (f *body) try(types []wasm.ValType, depth int) {
	if !f.throws || f.inPlain {
		if types != nil {
			f.instruction(types[0], depth)
		}
		return
	}
	t := funcType{results: types}
	if pads := f.pads(); len(pads) > 0 && f.chance(6) {
		f.delegate(t, pick(f.r, pads), depth)
		return
	}
	var tags []int
	for n := f.r.IntN(3); n > 0; n-- {
		tags = append(tags, f.r.IntN(len(f.tags)))
	}
	all := f.chance(2)
	if f.features.Legacy {
		f.tryLegacy(t, tags, all, depth)
		return
	}
	f.tryFinal(t, tags, all, depth)
}

// pads are the labels to which exceptions can be delegated: tries in whose body the code is.
func (f *body) pads() (list []int) {
	for i, l := range f.labels {
		if l.pad {
			list = append(list, i)
		}
	}
	return list
}

// delegate makes a try whose exceptions go to the handlers of a label.
func (f *body) delegate(t funcType, to, depth int) {
	if f.features.Legacy {
		f.open(wasm.OpTry, t, label{types: t.results})
		f.guarded(t, depth)
		f.labels = f.labels[:len(f.labels)-1]
		f.index(wasm.OpDelegate, f.depthOf(to))
		return
	}
	f.op(wasm.OpTryTable)
	f.blockType(t)
	f.code.put(1, catchAllRef)
	f.code.u(uint64(f.depthOf(to)))
	f.labels = append(f.labels, label{types: t.results})
	f.guarded(t, depth)
	f.close()
}

// guarded makes the body of a try.
func (f *body) guarded(t funcType, depth int) {
	for f.r.IntN(3) != 0 {
		f.statement(depth)
	}
	if f.chance(2) {
		f.expr(wasm.I32, depth)
		f.open(wasm.OpIf, funcType{}, label{})
		f.throw(depth)
		f.close()
	}
	f.exprs(t.results, depth)
}

func (f *body) tryLegacy(t funcType, tags []int, all bool, depth int) {
	try := len(f.labels)
	f.open(wasm.OpTry, t, label{types: t.results, pad: true})
	f.guarded(t, depth)
	f.labels[try].pad = false
	for _, tag := range tags {
		f.index(wasm.OpCatch, tag)
		f.handler(t, f.types[f.tags[tag]].params, handler{label: try}, depth)
	}
	if all {
		f.op(wasm.OpCatchAll)
		f.handler(t, nil, handler{label: try}, depth)
	}
	f.close()
}

// tryFinal makes a block for each clause around a try_table, and in it one to which exceptions
// are delegated.
func (f *body) tryFinal(t funcType, tags []int, all bool, depth int) {
	out := len(f.labels)
	hidden := label{hidden: true}
	exn := []wasm.ValType{wasm.ExnRef}
	f.open(wasm.OpBlock, t, label{types: t.results})
	if all {
		f.open(wasm.OpBlock, funcType{results: exn}, hidden)
	}
	for i := len(tags) - 1; i >= 0; i-- {
		carried := f.types[f.tags[tags[i]]].params
		f.open(wasm.OpBlock, funcType{results: append(carried[:len(carried):len(carried)], exn...)}, hidden)
	}
	f.op(wasm.OpTryTable)
	f.blockType(t)
	f.clauses(tags, all)
	f.labels = append(f.labels, hidden)
	f.open(wasm.OpBlock, funcType{results: exn}, label{hidden: true, pad: true})
	f.guarded(t, depth)
	f.index(wasm.OpBr, 1)
	f.close()
	f.op(wasm.OpThrowRef)
	f.close()
	f.index(wasm.OpBr, f.depthOf(out))

	h := handler{exn: f.scratch + scratches + len(f.handlers)}
	f.exns = max(f.exns, len(f.handlers)+1)
	for i, tag := range tags {
		f.close()
		f.index(wasm.OpLocalSet, h.exn)
		f.handler(t, f.types[f.tags[tag]].params, h, depth)
		if all || i < len(tags)-1 {
			f.index(wasm.OpBr, f.depthOf(out))
		}
	}
	if all {
		f.close()
		f.index(wasm.OpLocalSet, h.exn)
		f.handler(t, nil, h, depth)
	}
	f.close()
}

func (f *body) clauses(tags []int, all bool) {
	n := len(tags)
	if all {
		n++
	}
	f.code.u(uint64(n))
	for i, tag := range tags {
		f.code.put(catchRef)
		f.code.u(uint64(tag))
		f.code.u(uint64(i))
	}
	if all {
		f.code.put(catchAllRef)
		f.code.u(uint64(len(tags)))
	}
}

// handler makes the code of a clause, which finds what the exception carries on the stack.
func (f *body) handler(t funcType, carried []wasm.ValType, h handler, depth int) {
	f.handlers = append(f.handlers, h)
	f.consume(carried)
	if f.chance(2) {
		f.statement(depth)
	}
	f.exprs(t.results, depth)
	f.handlers = f.handlers[:len(f.handlers)-1]
}

// throw makes an exception, or throws one again that is being handled. It is false if that would
// end most calls.
func (f *body) throw(depth int) bool {
	if n := len(f.handlers); n > 0 && f.chance(2) {
		h := f.handlers[f.r.IntN(n)]
		if f.features.Legacy {
			f.index(wasm.OpRethrow, f.depthOf(h.label))
			return true
		}
		f.index(wasm.OpLocalGet, h.exn)
		f.op(wasm.OpThrowRef)
		return true
	}
	tag := f.r.IntN(len(f.tags))
	f.exprs(f.types[f.tags[tag]].params, depth)
	f.index(wasm.OpThrow, tag)
	return true
}
