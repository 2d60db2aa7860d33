package wasm

import "slices"

// list reads a vector into dst, each element with one. It allocates once: count bounds the
// length by the bytes that are left.
func list[T any](b *buffer, dst *[]T, what string, min, limit int, one func(*T) error) error {
	n, err := b.count(what, min, limit)
	if n == 0 || err != nil {
		return err
	}
	*dst = make([]T, n)
	for i := range *dst {
		if err := one(&(*dst)[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Module) decodeTypes(b *buffer) error {
	return list(b, &m.Types, "types", 3, maxTypes, func(t *FuncType) (err error) {
		*t, err = b.funcType()
		return err
	})
}

func (b *buffer) funcType() (t FuncType, err error) {
	at := b.offset()
	c, err := b.byte()
	if err != nil {
		return t, err
	}
	switch c {
	case 0x60:
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		return t, unsupported(at, "gc", "type form %#x", c)
	default:
		return t, malformed(at, "type form %#x, expected 0x60 (function)", c)
	}
	if t.Params, err = b.valTypes("parameters"); err != nil {
		return t, err
	}
	t.Results, err = b.valTypes("results")
	return t, err
}

func (b *buffer) valTypes(what string) (types []ValType, err error) {
	err = list(b, &types, what, 1, maxParams, func(t *ValType) (err error) {
		*t, err = b.valType()
		return err
	})
	return types, err
}

// The kinds of groups of imports, of the proposal compact-import-section.
const (
	compactEach = 0x7f
	compactSame = 0x7e
)

func (m *Module) decodeImports(b *buffer) error {
	return list(b, &m.Imports, "imports", 4, maxImports, func(im *Import) (err error) {
		im.Offset = b.offset()
		if im.Module, err = b.name(); err != nil {
			return err
		}
		if im.Name, err = b.name(); err != nil {
			return err
		}
		err = b.importDesc(im)
		if err == nil {
			m.spaces.enter(im)
		}
		return err
	})
}

// importDesc reads the kind and type of an import.
func (b *buffer) importDesc(im *Import) error {
	at := b.offset()
	c, err := b.byte()
	if err != nil {
		return err
	}
	im.Kind = ExternKind(c)
	switch im.Kind {
	case KindFunc:
		im.Type, err = b.u32()
	case KindTable:
		im.Table, err = b.tableType()
	case KindMemory:
		im.Memory, err = b.memoryType()
	case KindGlobal:
		im.Global, err = b.globalType()
	case KindTag:
		im.Type, err = b.tagType()
	case compactEach, compactSame:
		err = unsupported(at, "compact-import-section", "group of imports")
	default:
		err = malformed(at, "malformed import kind %d", c)
	}
	return err
}

func (b *buffer) tableType() (t TableType, err error) {
	at := b.offset()
	if b.left() > 0 && b.data[b.pos] == 0x40 {
		return t, unsupported(at, "function-references", "table with an initial value")
	}
	if t.Elem, err = b.refType(); err != nil {
		return t, err
	}
	at = b.offset()
	if t.Limits, err = b.limits(); err == nil && t.Limits.Shared {
		err = malformed(at, "shared table, expected limits flags 0 or 1")
	}
	return t, err
}

func (b *buffer) memoryType() (Limits, error) {
	return b.limits()
}

// Bits of the flags of limits.
const (
	limitsMax    = 1
	limitsShared = 2
	limits64     = 4
	limitsPage   = 8
)

func (b *buffer) limits() (l Limits, err error) {
	at := b.offset()
	flags, err := b.byte()
	switch {
	case err != nil:
		return l, err
	case flags >= 2*limitsPage:
		return l, malformed(at, "malformed limits flags %#x", flags)
	case flags&limitsPage != 0:
		return l, unsupported(at, "custom-page-sizes", "limits flags %#x", flags)
	case flags&limits64 != 0:
		return l, unsupported(at, "memory64", "limits flags %#x", flags)
	}
	l.HasMax = flags&limitsMax != 0
	l.Shared = flags&limitsShared != 0
	if l.Min, err = b.u32(); err == nil && l.HasMax {
		l.Max, err = b.u32()
	}
	return l, err
}

func (b *buffer) globalType() (g GlobalType, err error) {
	if g.Type, err = b.valType(); err != nil {
		return g, err
	}
	at := b.offset()
	c, err := b.byte()
	if err == nil && c > 1 {
		if c < 4 {
			return g, unsupported(at, "shared-everything-threads", "shared global")
		}
		return g, malformed(at, "malformed mutability %#x, expected 0 or 1", c)
	}
	g.Mutable = c == 1
	return g, err
}

func (m *Module) decodeFuncs(b *buffer) error {
	err := list(b, &m.Funcs, "functions", 1, maxFuncs, func(f *Func) (err error) {
		f.Type, err = b.u32()
		return err
	})
	m.spaces.funcs = slices.Grow(m.spaces.funcs, len(m.Funcs))
	for i := range m.Funcs {
		m.spaces.funcs = append(m.spaces.funcs, m.Funcs[i].Type)
	}
	return err
}

func (m *Module) decodeTables(b *buffer) error {
	err := list(b, &m.Tables, "tables", 3, maxTables, func(t *TableType) (err error) {
		*t, err = b.tableType()
		return err
	})
	m.spaces.tables = append(m.spaces.tables, m.Tables...)
	return err
}

func (m *Module) decodeMems(b *buffer) error {
	err := list(b, &m.Mems, "memories", 2, maxMems, func(l *Limits) (err error) {
		*l, err = b.memoryType()
		return err
	})
	m.spaces.mems = append(m.spaces.mems, m.Mems...)
	return err
}
