package emit

import "vkernel/internal/wasm"

// funcScan is what one pass over a body tells before it is emitted.
type funcScan struct {
	setjmp  bool
	unread  map[uint32]bool // locals that are set but never read
	plain   map[int]bool    // plain loops, by the offset of the instruction
	rethrow bool            // there is a rethrow
}

// scanBodies reads all bodies once: which functions call setjmp, which tables can grow,
// which loops are plain, whether there is SIMD.
func (p *program) scanBodies() error {
	p.area.grows = make([]bool, p.m.NumTables())
	p.scan = make([]funcScan, len(p.m.Funcs))
	r := wasm.NewReader(nil, 0)
	g := newThrowGraph(p)
	p.calls = newCallGraph(p)
	for i := range p.m.Funcs {
		r.Reset(p.m.Funcs[i].Body, p.m.Funcs[i].Offset)
		also := func(in *wasm.Instr) {
			g.next(p.m.NumImportedFuncs()+uint32(i), in)
			p.calls.next(p.m.NumImportedFuncs()+uint32(i), in)
			p.tails(p.m.NumImportedFuncs()+uint32(i), in)
		}
		if err := p.scanBody(r, &p.scan[i], also); err != nil {
			return err
		}
	}
	if err := p.calls.solve(); err != nil {
		return err
	}
	return g.solve()
}

func (p *program) scanBody(r *wasm.Reader, s *funcScan, also func(*wasm.Instr)) error {
	var set, read map[uint32]bool
	loops := loopFinder{m: p.m}
	for !r.Done() {
		in, err := r.Next()
		if err != nil {
			return err
		}
		loops.next(&in)
		also(&in)
		switch in.Op {
		case wasm.OpLocalGet:
			read = mark(read, in.Index)
		case wasm.OpLocalSet, wasm.OpLocalTee:
			set = mark(set, in.Index)
		case wasm.OpCall, wasm.OpReturnCall:
			s.setjmp = s.setjmp || p.setjmp[in.Index] || p.sigsetjmp[in.Index]
		case wasm.OpRethrow:
			s.rethrow = true
		case wasm.OpTableGrow:
			p.area.grows[in.Index] = true
		default:
			p.simd = p.simd || in.Op.SIMD()
		}
	}
	s.plain = loops.plain
	for i := range set {
		if !read[i] {
			s.unread = mark(s.unread, i)
		}
	}
	return nil
}

func mark(set map[uint32]bool, i uint32) map[uint32]bool {
	if set == nil {
		set = map[uint32]bool{}
	}
	set[i] = true
	return set
}
