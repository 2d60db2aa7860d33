package wasm

// constExpr checks a constant expression that leaves one value of type t.
func (v *validator) constExpr(c Const, t ValType) error {
	v.fn, v.constant = -1, true
	v.locals = v.locals[:0]
	return v.expression(c.Expr, c.Offset, single(t))
}

// constantInstr checks that the current instruction may stand in a constant expression:
// those of the specification and of extended-const.
func (v *validator) constantInstr() error {
	switch v.in.Op {
	case OpI32Const, OpI64Const, OpF32Const, OpF64Const, OpV128Const, OpRefNull, OpEnd,
		OpI32Add, OpI32Sub, OpI32Mul, OpI64Add, OpI64Sub, OpI64Mul:
		return nil
	case OpRefFunc:
		if v.in.Index < v.m.NumFuncs() {
			v.declared[v.in.Index] = true
		}
		return nil
	case OpGlobalGet:
		if n := v.m.NumImportedGlobals(); v.in.Index >= n {
			return v.invalid("unknown global %d, a constant expression sees the %d imported ones", v.in.Index, n)
		}
		if v.m.spaces.globals[v.in.Index].Mutable {
			return v.invalid("constant expression required, found mutable global %d", v.in.Index)
		}
		return nil
	}
	return v.invalid("constant expression required")
}

func (v *validator) elems() error {
	for i := range v.m.Elems {
		e := &v.m.Elems[i]
		if e.Mode == Active {
			t, ok := v.m.TableTypeOf(e.Table)
			if !ok {
				return invalid(e.Offset.Offset, "element segment %d: unknown table %d of %d", i, e.Table, v.m.NumTables())
			}
			if t.Elem != e.Type {
				return invalid(e.Offset.Offset, "element segment %d: type mismatch: found %v elements, expected %v of table %d", i, e.Type, t.Elem, e.Table)
			}
			if err := v.constExpr(e.Offset, I32); err != nil {
				return err
			}
		}
		for j := range e.Inits {
			if err := v.constExpr(e.Inits[j], e.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *validator) data() error {
	for i := range v.m.Data {
		d := &v.m.Data[i]
		if d.Mode != Active {
			continue
		}
		if d.Memory >= v.m.NumMems() {
			return invalid(d.Offset.Offset, "data segment %d: unknown memory %d of %d", i, d.Memory, v.m.NumMems())
		}
		if err := v.constExpr(d.Offset, I32); err != nil {
			return err
		}
	}
	return nil
}
