package wasm

// vector reads a vector: its length, then each element with one.
func vector(b *buffer, what string, min, limit int, one func(i int) error) error {
	n, err := b.count(what, min, limit)
	for i := 0; i < n && err == nil; i++ {
		err = one(i)
	}
	return err
}

func (m *Module) decodeTypes(b *buffer) error {
	return vector(b, "types", 3, maxTypes, func(int) error {
		t, err := b.funcType()
		m.Types = append(m.Types, t)
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

func (b *buffer) valTypes(what string) ([]ValType, error) {
	n, err := b.count(what, 1, maxParams)
	if n == 0 || err != nil {
		return nil, err
	}
	list := make([]ValType, n)
	for i := range list {
		if list[i], err = b.valType(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// The kinds of groups of imports, of the proposal compact-import-section.
const (
	compactEach = 0x7f
	compactSame = 0x7e
)

func (m *Module) decodeImports(b *buffer) error {
	return vector(b, "imports", 4, maxImports, func(int) error {
		im := Import{Offset: b.offset()}
		var err error
		if im.Module, err = b.name(); err != nil {
			return err
		}
		if im.Name, err = b.name(); err != nil {
			return err
		}
		if err = b.importDesc(&im); err != nil {
			return err
		}
		m.Imports = append(m.Imports, im)
		m.spaces.enter(&im)
		return nil
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
		err = unsupported(at, "exception-handling", "import of a tag")
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
	return vector(b, "functions", 1, maxFuncs, func(int) error {
		t, err := b.u32()
		m.Funcs = append(m.Funcs, Func{Type: t})
		m.spaces.funcs = append(m.spaces.funcs, t)
		return err
	})
}

func (m *Module) decodeTables(b *buffer) error {
	return vector(b, "tables", 3, maxTables, func(int) error {
		t, err := b.tableType()
		m.Tables = append(m.Tables, t)
		m.spaces.tables = append(m.spaces.tables, t)
		return err
	})
}

func (m *Module) decodeMems(b *buffer) error {
	return vector(b, "memories", 2, maxMems, func(int) error {
		l, err := b.memoryType()
		m.Mems = append(m.Mems, l)
		m.spaces.mems = append(m.spaces.mems, l)
		return err
	})
}
