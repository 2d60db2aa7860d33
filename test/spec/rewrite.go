package main

import (
	"fmt"

	"vkernel/internal/wasm"
)

// rewrite appends code of a member with the indices of the linked module.
func (l *linker) rewrite(w *writer, k int, code []byte) error {
	s := &l.maps[k]
	r := wasm.NewReader(code, 0)
	for !r.Done() {
		in, err := r.Next()
		if err != nil {
			return err
		}
		raw := code[in.Offset:r.Offset()]
		switch in.Op.Info().Imm {
		case wasm.ImmFunc:
			w.indices(in.Op, s.funcs[in.Index])
		case wasm.ImmGlobal:
			w.indices(in.Op, s.globals[in.Index])
		case wasm.ImmTable:
			w.indices(in.Op, s.tables[in.Index])
		case wasm.ImmCallIndirect:
			w.indices(in.Op, s.types[in.Index], s.tables[in.Index2])
		case wasm.ImmTableCopy:
			w.indices(in.Op, s.tables[in.Index], s.tables[in.Index2])
		case wasm.ImmTableInit:
			w.indices(in.Op, s.elems[in.Index], s.tables[in.Index2])
		case wasm.ImmElem:
			w.indices(in.Op, s.elems[in.Index])
		case wasm.ImmMemoryInit:
			w.indices(in.Op, s.data[in.Index], 0)
		case wasm.ImmData:
			w.indices(in.Op, s.data[in.Index])
		case wasm.ImmBlock:
			w.byte(byte(in.Op))
			w.block(s, in.Block, raw[1:])
		default:
			if !l.rewriteTag(w, s, &in, raw) {
				w.b = append(w.b, raw...)
			}
		}
	}
	return nil
}

// indices writes an instruction whose immediates are indices.
func (w *writer) indices(op wasm.Opcode, list ...uint32) {
	if op > 0xff {
		w.byte(byte(op >> 8))
		w.u32(uint32(op & 0xff))
	} else {
		w.byte(byte(op))
	}
	for _, i := range list {
		w.u32(i)
	}
}

// block writes a block type; raw is its form before.
func (w *writer) block(s *spaces, t wasm.BlockType, raw []byte) {
	if t >= 0 {
		w.signed(int64(s.types[t]))
	} else {
		w.b = append(w.b, raw...)
	}
}

// constant rewrites a constant expression of an instance. An immutable global becomes the
// expression that defines it.
func (l *linker) constant(in *instance, c wasm.Const) wasm.Const {
	w := &writer{}
	l.appendConstant(w, in, c)
	w.byte(byte(wasm.OpEnd))
	return wasm.Const{Expr: w.b}
}

func (l *linker) appendConstant(w *writer, in *instance, c wasm.Const) {
	r := wasm.NewReader(c.Expr, 0)
	for !r.Done() {
		i, err := r.Next()
		switch {
		case err != nil:
			panic(fmt.Sprintf("%s: a valid constant expression cannot be read: %v", in.name, err))
		case i.Op == wasm.OpEnd:
		case i.Op == wasm.OpRefFunc:
			w.indices(i.Op, l.maps[in.index].funcs[i.Index])
		case i.Op == wasm.OpGlobalGet:
			d := in.definition(&wasm.Export{Kind: wasm.KindGlobal, Index: i.Index})
			l.appendConstant(w, d.in, d.in.m.Globals[d.index-d.in.m.NumImportedGlobals()].Init)
		default:
			w.b = append(w.b, c.Expr[i.Offset:r.Offset()]...)
		}
	}
}
