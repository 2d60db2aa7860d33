package wasm

// spaces are the index spaces of a module, imports first. Decode fills them.
type spaces struct {
	funcs   []uint32 // type indices
	tables  []TableType
	mems    []Limits
	globals []GlobalType
	tags    []uint32 // type indices

	imported [KindTag + 1]uint32 // number of imports of each kind
	sections [numSections]int    // file offsets of the sections' contents, for errors
}

// enter adds an import to its index space.
func (s *spaces) enter(im *Import) {
	s.imported[im.Kind]++
	switch im.Kind {
	case KindFunc:
		s.funcs = append(s.funcs, im.Type)
	case KindTable:
		s.tables = append(s.tables, im.Table)
	case KindMemory:
		s.mems = append(s.mems, im.Memory)
	case KindGlobal:
		s.globals = append(s.globals, im.Global)
	case KindTag:
		s.tags = append(s.tags, im.Type)
	}
}

// place is the offset of a section, or of the imports when the module has no such section.
func (s *spaces) place(id int) int {
	if at := s.sections[id]; at != 0 {
		return at
	}
	return s.sections[secImport]
}

// NumFuncs is the size of the function index space, imports included.
func (m *Module) NumFuncs() uint32 { return uint32(len(m.spaces.funcs)) }

// NumTables is the size of the table index space, imports included.
func (m *Module) NumTables() uint32 { return uint32(len(m.spaces.tables)) }

// NumMems is the size of the memory index space, imports included: 0 or 1 when valid.
func (m *Module) NumMems() uint32 { return uint32(len(m.spaces.mems)) }

// NumGlobals is the size of the global index space, imports included.
func (m *Module) NumGlobals() uint32 { return uint32(len(m.spaces.globals)) }

// NumTags is the size of the tag index space, imports included.
func (m *Module) NumTags() uint32 { return uint32(len(m.spaces.tags)) }

// NumImportedFuncs is the number of imported functions: the index of Funcs[0].
func (m *Module) NumImportedFuncs() uint32 { return m.spaces.imported[KindFunc] }

// NumImportedTables is the number of imported tables: the index of Tables[0].
func (m *Module) NumImportedTables() uint32 { return m.spaces.imported[KindTable] }

// NumImportedMems is the number of imported memories.
func (m *Module) NumImportedMems() uint32 { return m.spaces.imported[KindMemory] }

// NumImportedGlobals is the number of imported globals: the index of Globals[0].
func (m *Module) NumImportedGlobals() uint32 { return m.spaces.imported[KindGlobal] }

// NumImportedTags is the number of imported tags: the index of Tags[0].
func (m *Module) NumImportedTags() uint32 { return m.spaces.imported[KindTag] }

// ImportsOf returns the imports of one kind, in order: the first entries of the index
// space of that kind.
func (m *Module) ImportsOf(kind ExternKind) []*Import {
	var list []*Import
	for i := range m.Imports {
		if m.Imports[i].Kind == kind {
			list = append(list, &m.Imports[i])
		}
	}
	return list
}

// FuncTypeIndex returns the index in Types of function i's type.
func (m *Module) FuncTypeIndex(i uint32) (uint32, bool) {
	if i >= m.NumFuncs() {
		return 0, false
	}
	return m.spaces.funcs[i], true
}

// FuncTypeOf returns the type of function i, imports first; false when there is none.
func (m *Module) FuncTypeOf(i uint32) (FuncType, bool) {
	t, ok := m.FuncTypeIndex(i)
	if !ok || int64(t) >= int64(len(m.Types)) {
		return FuncType{}, false
	}
	return m.Types[t], true
}

// TableTypeOf returns the type of table i, imports first.
func (m *Module) TableTypeOf(i uint32) (TableType, bool) {
	if i >= m.NumTables() {
		return TableType{}, false
	}
	return m.spaces.tables[i], true
}

// GlobalTypeOf returns the type of global i, imports first.
func (m *Module) GlobalTypeOf(i uint32) (GlobalType, bool) {
	if i >= m.NumGlobals() {
		return GlobalType{}, false
	}
	return m.spaces.globals[i], true
}

// TagTypeOf returns the type of tag i, imports first: its parameters are what an exception
// carries.
func (m *Module) TagTypeOf(i uint32) (FuncType, bool) {
	if i >= m.NumTags() || int64(m.spaces.tags[i]) >= int64(len(m.Types)) {
		return FuncType{}, false
	}
	return m.Types[m.spaces.tags[i]], true
}

// MemoryType returns the limits of the module's memory, imported or defined; false when
// it has none.
func (m *Module) MemoryType() (Limits, bool) {
	if m.NumMems() == 0 {
		return Limits{}, false
	}
	return m.spaces.mems[0], true
}

// ExportOf finds an export by name and kind.
func (m *Module) ExportOf(name string, kind ExternKind) (uint32, bool) {
	for i := range m.Exports {
		if e := &m.Exports[i]; e.Kind == kind && e.Name == name {
			return e.Index, true
		}
	}
	return 0, false
}

// BlockFuncType returns the parameters and results of a block type; false when its index
// is out of range.
func (m *Module) BlockFuncType(b BlockType) (FuncType, bool) {
	if b == BlockEmpty {
		return FuncType{}, true
	}
	if t, ok := b.ValType(); ok {
		return FuncType{Results: single(t)}, true
	}
	if int64(b) >= int64(len(m.Types)) {
		return FuncType{}, false
	}
	return m.Types[b], true
}

// singles backs the result lists of block types that are one value type.
var singles = [...]ValType{I32, I64, F32, F64, V128, FuncRef, ExternRef, ExnRef}

func single(t ValType) []ValType {
	for i := range singles {
		if singles[i] == t {
			return singles[i : i+1 : i+1]
		}
	}
	return nil
}

// BodyReader returns a Reader over the body of Funcs[i] (an index without the imports).
func (m *Module) BodyReader(i int) *Reader {
	return NewReader(m.Funcs[i].Body, m.Funcs[i].Offset)
}
