package main

import (
	"fmt"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// What exceptions need of the linker and the judge.

func encodeTags(w *writer, m *wasm.Module) {
	w.section(13, len(m.Tags), func(w *writer, i int) {
		w.byte(0)
		w.u32(m.Tags[i].Type)
	})
}

// tags lays out the tags that a member defines.
func (l *linker) tags(k int) {
	s := &l.maps[k]
	for _, t := range l.g.members[k].m.Tags {
		s.tags = append(s.tags, uint32(len(l.out.Tags)))
		l.out.Tags = append(l.out.Tags, wasm.Tag{Type: s.types[t.Type]})
	}
}

// rewriteTag rewrites an instruction that names tags; it is false for others.
func (l *linker) rewriteTag(w *writer, s *spaces, in *wasm.Instr, raw []byte) bool {
	switch in.Op.Info().Imm {
	case wasm.ImmTag:
		w.indices(in.Op, s.tags[in.Index])
	case wasm.ImmTryTable:
		w.byte(byte(in.Op))
		w.block(s, in.Block, raw[1:2])
		w.u32(uint32(len(in.Catches)))
		for _, c := range in.Catches {
			w.byte(byte(c.Kind))
			if !c.Kind.All() {
				w.u32(s.tags[c.Tag])
			}
			w.u32(c.Label)
		}
	default:
		return false
	}
	return true
}

func (s *state) tagFits(in *instance, im *wasm.Import, d definition) bool {
	t, ok := d.in.m.TagTypeOf(d.index)
	return ok && sameType(in.m.Types[im.Type], t)
}

func exceptionIs(o outcome) error {
	if o.exit == layout.ExitTrap && o.trap == layout.TrapUncaught {
		return nil
	}
	return fmt.Errorf("%v, expected an exception", o)
}
