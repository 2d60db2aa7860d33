package wasm

// Validate checks m, which Decode returned, by the rules of the specification: after it,
// every index is in range and every body is well typed. It does not change m.
func Validate(m *Module) error {
	v := &validator{m: m, fn: -1, declared: make([]bool, m.NumFuncs())}
	for _, check := range []func() error{
		v.imports, v.funcTypes, v.tables, v.memories, v.tags, v.globals,
		v.exports, v.start, v.elems, v.data, v.bodies,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// validator holds the state of one Validate.
type validator struct {
	m        *Module
	declared []bool // functions that ref.func may name: those used outside of bodies

	// The expression that is being checked.
	fn       int  // function index, -1 in constant expressions
	constant bool // constant expression
	results  []ValType
	locals   []ValType // parameters, then locals
	operands []ValType
	frames   []frame
	in       Instr // current instruction
	r        Reader
}

// fail makes an error at the current instruction.
func (v *validator) fail(class error, format string, args ...any) *Error {
	e := errAt(class, v.in.Offset, format, args...)
	e.Func, e.Op = v.fn, v.in.Op.String()
	return e
}

func (v *validator) invalid(format string, args ...any) *Error {
	return v.fail(ErrInvalid, format, args...)
}

func (v *validator) imports() error {
	for i := range v.m.Imports {
		im := &v.m.Imports[i]
		if (im.Kind == KindFunc || im.Kind == KindTag) && int64(im.Type) >= int64(len(v.m.Types)) {
			return invalid(im.Offset, "import %q %q: unknown type %d of %d", im.Module, im.Name, im.Type, len(v.m.Types))
		}
	}
	return nil
}

func (v *validator) funcTypes() error {
	for i := range v.m.Funcs {
		f := &v.m.Funcs[i]
		if int64(f.Type) >= int64(len(v.m.Types)) {
			e := invalid(f.Offset, "unknown type %d of %d", f.Type, len(v.m.Types))
			e.Func = int(v.m.NumImportedFuncs()) + i
			return e
		}
	}
	return nil
}

func (v *validator) tables() error {
	at := v.m.spaces.place(secTable)
	for i, t := range v.m.spaces.tables {
		if l := t.Limits; l.HasMax && l.Min > l.Max {
			return invalid(at, "table %d: size minimum %d must not be greater than maximum %d", i, l.Min, l.Max)
		}
		if t.Limits.Min > maxTableMin {
			return errAt(ErrLimit, at, "table %d: %d entries, at most %d are allowed", i, t.Limits.Min, maxTableMin)
		}
	}
	return nil
}

func (v *validator) memories() error {
	at := v.m.spaces.place(secMemory)
	if n := v.m.NumMems(); n > 1 {
		return unsupported(at, "multi-memory", "multiple memories: %d", n)
	}
	for _, l := range v.m.spaces.mems {
		switch {
		case l.Min > maxPages || l.HasMax && l.Max > maxPages:
			return invalid(at, "memory size must be at most %d pages (4GiB), found minimum %d, maximum %d", maxPages, l.Min, l.Max)
		case l.HasMax && l.Min > l.Max:
			return invalid(at, "memory: size minimum %d must not be greater than maximum %d", l.Min, l.Max)
		case l.Shared && !l.HasMax:
			return invalid(at, "shared memory must have maximum")
		}
	}
	return nil
}

func (v *validator) tags() error {
	at := v.m.spaces.place(secTag)
	for i := range v.m.NumTags() {
		t, ok := v.m.TagTypeOf(i)
		if !ok {
			return invalid(at, "tag %d: unknown type %d of %d", i, v.m.spaces.tags[i], len(v.m.Types))
		}
		if len(t.Results) != 0 {
			return invalid(at, "tag %d: non-empty tag result type: found %v, expected no results", i, t)
		}
	}
	return nil
}

func (v *validator) globals() error {
	for i := range v.m.Globals {
		g := &v.m.Globals[i]
		if err := v.constExpr(g.Init, g.Type.Type); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) exports() error {
	m := v.m
	seen := make(map[string]bool, len(m.Exports))
	for i := range m.Exports {
		e := &m.Exports[i]
		if seen[e.Name] {
			return invalid(e.Offset, "duplicate export name %q", e.Name)
		}
		seen[e.Name] = true
		var n uint32
		var what string
		switch e.Kind {
		case KindFunc:
			n, what = m.NumFuncs(), "function"
		case KindTable:
			n, what = m.NumTables(), "table"
		case KindMemory:
			n, what = m.NumMems(), "memory"
		case KindGlobal:
			n, what = m.NumGlobals(), "global"
		case KindTag:
			n, what = m.NumTags(), "tag"
		}
		if e.Index >= n {
			return invalid(e.Offset, "export %q: unknown %s %d of %d", e.Name, what, e.Index, n)
		}
		if e.Kind == KindFunc {
			v.declared[e.Index] = true
		}
	}
	return nil
}

func (v *validator) start() error {
	if v.m.Start == nil {
		return nil
	}
	at := v.m.spaces.place(secStart)
	t, ok := v.m.FuncTypeOf(*v.m.Start)
	if !ok {
		return invalid(at, "start: unknown function %d of %d", *v.m.Start, v.m.NumFuncs())
	}
	if len(t.Params)+len(t.Results) != 0 {
		return invalid(at, "start function %d has type %v, expected no parameters and no results", *v.m.Start, t)
	}
	return nil
}
