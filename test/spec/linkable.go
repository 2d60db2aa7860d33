package main

import (
	"fmt"
	"slices"

	"vkernel/internal/wasm"
)

// link checks that what an instance imports has the types that it declares, with the
// present sizes of tables and memories.
func (s *state) link(in *instance) error {
	for i := range in.m.Imports {
		im, d := &in.m.Imports[i], in.imports[i]
		if !s.fits(in, im, d) {
			return fmt.Errorf("incompatible import type %q %q", im.Module, im.Name)
		}
	}
	return nil
}

func (s *state) fits(in *instance, im *wasm.Import, d definition) bool {
	if im.Kind != d.kind {
		return false
	}
	switch d.kind {
	case wasm.KindFunc:
		t, _ := d.in.m.FuncTypeOf(d.index)
		return sameType(in.m.Types[im.Type], t)
	case wasm.KindTable:
		t, _ := d.in.m.TableTypeOf(d.index)
		return t.Elem == im.Table.Elem && limitsFit(im.Table.Limits, t.Limits, s.size(d, t.Limits.Min))
	case wasm.KindMemory:
		t, _ := d.in.m.MemoryType()
		return t.Shared == im.Memory.Shared && limitsFit(im.Memory, t, s.size(d, t.Min))
	case wasm.KindGlobal:
		t, _ := d.in.m.GlobalTypeOf(d.index)
		return t == im.Global
	}
	return s.tagFits(in, im, d)
}

// size is the present size of a table or memory; least if it is not alive.
func (s *state) size(d definition, least uint32) uint32 {
	if m := s.machines[d.in.group]; m != nil {
		return m.size(d)
	}
	return least
}

func sameType(a, b wasm.FuncType) bool {
	return slices.Equal(a.Params, b.Params) && slices.Equal(a.Results, b.Results)
}

func limitsFit(want, have wasm.Limits, size uint32) bool {
	return size >= want.Min && (!want.HasMax || have.HasMax && have.Max <= want.Max)
}
