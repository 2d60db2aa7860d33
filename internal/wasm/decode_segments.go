package wasm

func (m *Module) decodeElems(b *buffer) error {
	return list(b, &m.Elems, "element segments", 2, maxSegments, func(e *Elem) (err error) {
		*e, err = b.elem()
		return err
	})
}

// Bits of the flags of segments. The meaning of segIndexed depends on segNotActive: an
// explicit index for active ones, declarative instead of passive for the others.
const (
	segNotActive = 1
	segIndexed   = 2
	segExprs     = 4
)

func (b *buffer) elem() (e Elem, err error) {
	at := b.offset()
	flags, err := b.u32()
	if err != nil {
		return e, err
	}
	if flags > 7 {
		return e, malformed(at, "malformed elements segment kind %d", flags)
	}
	switch {
	case flags&segNotActive == 0:
		err = b.elemPlace(&e, flags&segIndexed != 0)
	case flags&segIndexed != 0:
		e.Mode = Declarative
	default:
		e.Mode = Passive
	}
	if err != nil {
		return e, err
	}
	e.Type = FuncRef
	exprs := flags&segExprs != 0
	if flags&(segNotActive|segIndexed) != 0 {
		if e.Type, err = b.elemType(exprs); err != nil {
			return e, err
		}
	}
	if exprs {
		err = b.elemExprs(&e)
	} else {
		err = b.elemFuncs(&e)
	}
	return e, err
}

// elemPlace reads where an active segment goes.
func (b *buffer) elemPlace(e *Elem, indexed bool) (err error) {
	e.Mode = Active
	if indexed {
		if e.Table, err = b.u32(); err != nil {
			return err
		}
	}
	e.Offset, err = b.constExpr()
	return err
}

// elemType reads a reference type before expressions, an element kind before indices.
func (b *buffer) elemType(exprs bool) (ValType, error) {
	if exprs {
		return b.refType()
	}
	at := b.offset()
	c, err := b.byte()
	if err == nil && c != 0 {
		err = malformed(at, "malformed element kind %#x, expected 0 (function)", c)
	}
	return FuncRef, err
}

func (b *buffer) elemExprs(e *Elem) error {
	return list(b, &e.Inits, "elements", 1, maxElems, func(c *Const) (err error) {
		*c, err = b.constExpr()
		return err
	})
}

// elemFuncs reads function indices and makes expressions of them, in one allocation.
func (b *buffer) elemFuncs(e *Elem) error {
	n, err := b.count("elements", 1, maxElems)
	if n == 0 || err != nil {
		return err
	}
	e.Inits = make([]Const, n)
	start := b.pos
	for i := range e.Inits {
		e.Inits[i].Offset = b.offset()
		if _, err := b.u32(); err != nil {
			return err
		}
	}
	code := make([]byte, 0, b.pos-start+2*n)
	for i := range e.Inits {
		from, to := e.Inits[i].Offset-b.base, b.pos
		if i+1 < n {
			to = e.Inits[i+1].Offset - b.base
		}
		at := len(code)
		code = append(code, byte(OpRefFunc))
		code = append(code, b.data[from:to]...)
		code = append(code, byte(OpEnd))
		e.Inits[i].Expr = code[at:len(code):len(code)]
	}
	return nil
}

func (m *Module) decodeData(b *buffer) error {
	return list(b, &m.Data, "data segments", 2, maxSegments, func(d *Data) (err error) {
		*d, err = b.dataSegment()
		return err
	})
}

func (b *buffer) dataSegment() (d Data, err error) {
	at := b.offset()
	flags, err := b.u32()
	if err != nil {
		return d, err
	}
	switch flags {
	case 0:
		d.Mode = Active
	case segNotActive:
		d.Mode = Passive
	case segIndexed:
		d.Mode = Active
		if d.Memory, err = b.u32(); err != nil {
			return d, err
		}
	default:
		return d, malformed(at, "malformed data segment kind %d", flags)
	}
	if d.Mode == Active {
		if d.Offset, err = b.constExpr(); err != nil {
			return d, err
		}
	}
	n, err := b.u32()
	if err != nil {
		return d, err
	}
	d.Init, err = b.bytes(n)
	return d, err
}
