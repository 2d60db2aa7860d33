package wasm

import "slices"

func (m *Module) decodeGlobals(b *buffer) error {
	err := list(b, &m.Globals, "globals", 3, maxGlobals, func(g *Global) (err error) {
		if g.Type, err = b.globalType(); err != nil {
			return err
		}
		g.Init, err = b.constExpr()
		return err
	})
	m.spaces.globals = slices.Grow(m.spaces.globals, len(m.Globals))
	for i := range m.Globals {
		m.spaces.globals = append(m.spaces.globals, m.Globals[i].Type)
	}
	return err
}

// tagType reads the type of a tag: an attribute, 0 for exceptions, and a type index.
func (b *buffer) tagType() (uint32, error) {
	at := b.offset()
	c, err := b.byte()
	if err != nil {
		return 0, err
	}
	if c != 0 {
		return 0, malformed(at, "malformed tag attribute %#x, expected 0 (exception)", c)
	}
	return b.u32()
}

func (m *Module) decodeTags(b *buffer) error {
	err := list(b, &m.Tags, "tags", 2, maxTags, func(t *Tag) (err error) {
		t.Type, err = b.tagType()
		return err
	})
	m.spaces.tags = slices.Grow(m.spaces.tags, len(m.Tags))
	for i := range m.Tags {
		m.spaces.tags = append(m.spaces.tags, m.Tags[i].Type)
	}
	return err
}

// constExpr reads an expression up to its end. Whether it is constant is for Validate.
func (b *buffer) constExpr() (Const, error) {
	c := Const{Offset: b.offset()}
	start := b.pos
	r := Reader{buf: buffer{data: b.data[start:], base: c.Offset}}
	for depth := 0; ; {
		in, err := r.Next()
		if err != nil {
			return c, err
		}
		switch in.Op {
		case OpBlock, OpLoop, OpIf, OpTry, OpTryTable:
			depth++
		case OpEnd, OpDelegate:
			if depth == 0 {
				b.pos += r.buf.pos
				c.Expr = b.data[start:b.pos:b.pos]
				return c, nil
			}
			depth--
		}
	}
}

func (m *Module) decodeExports(b *buffer) error {
	return list(b, &m.Exports, "exports", 3, maxExports, func(e *Export) (err error) {
		e.Offset = b.offset()
		if e.Name, err = b.name(); err != nil {
			return err
		}
		at := b.offset()
		kind, err := b.byte()
		e.Kind = ExternKind(kind)
		switch {
		case err != nil:
			return err
		case e.Kind > KindTag:
			return malformed(at, "malformed export kind %d", kind)
		}
		e.Index, err = b.u32()
		return err
	})
}

func (m *Module) decodeStart(b *buffer) error {
	i, err := b.u32()
	m.Start = &i
	return err
}

func (m *Module) decodeDataCount(b *buffer) error {
	n, err := b.u32()
	m.DataCount = &n
	return err
}

func (m *Module) decodeCode(b *buffer) error {
	at := b.offset()
	n, err := b.count("function bodies", 3, maxFuncs)
	if err != nil {
		return err
	}
	if n != len(m.Funcs) {
		return malformed(at, "function and code section have inconsistent lengths: %d functions, %d bodies", len(m.Funcs), n)
	}
	for i := range m.Funcs {
		if err := b.body(&m.Funcs[i]); err != nil {
			err.Func = int(m.NumImportedFuncs()) + i
			return err
		}
	}
	return nil
}

// body reads one entry of the code section.
func (b *buffer) body(f *Func) *Error {
	at := b.offset()
	size, err := b.u32()
	if err != nil {
		return err.(*Error)
	}
	if size > maxBody {
		return errAt(ErrLimit, at, "body of %d bytes, at most %d are allowed", size, maxBody)
	}
	start := b.offset()
	data, err := b.bytes(size)
	if err != nil {
		return err.(*Error)
	}
	code := &buffer{data: data, base: start}
	if err := code.locals(f); err != nil {
		return err.(*Error)
	}
	if code.done() {
		return malformed(code.offset(), "unexpected end of a body, expected end (0x0b)")
	}
	f.Body = data[code.pos:]
	f.Offset = code.offset()
	return nil
}

// locals reads the declarations of locals. The number of locals is bounded here, those of
// parameters and locals together by Validate.
func (b *buffer) locals(f *Func) error {
	total := uint64(0)
	return list(b, &f.Locals, "declarations of locals", 2, maxRuns, func(run *LocalRun) (err error) {
		at := b.offset()
		if run.Count, err = b.u32(); err != nil {
			return err
		}
		total += uint64(run.Count)
		switch {
		case total > 1<<32-1:
			return malformed(at, "too many locals: %d", total)
		case total > maxLocals:
			return errAt(ErrLimit, at, "%d locals, at most %d are allowed", total, maxLocals)
		}
		run.Type, err = b.valType()
		return err
	})
}
