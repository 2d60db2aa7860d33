package wasm

func (v *validator) bodies() error {
	v.constant = false
	first := int(v.m.NumImportedFuncs())
	for i := range v.m.Funcs {
		v.fn = first + i
		if err := v.body(&v.m.Funcs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) body(f *Func) error {
	t := v.m.Types[f.Type]
	v.locals = append(v.locals[:0], t.Params...)
	for _, run := range f.Locals {
		if n := uint64(len(v.locals)) + uint64(run.Count); n > maxLocals {
			e := errAt(ErrLimit, f.Offset, "%d parameters and locals, at most %d are allowed", n, maxLocals)
			e.Func = v.fn
			return e
		}
		for range run.Count {
			v.locals = append(v.locals, run.Type)
		}
	}
	return v.expression(f.Body, f.Offset, t.Results)
}

// expression checks code that leaves results, up to an end that must be its last byte.
func (v *validator) expression(code []byte, offset int, results []ValType) error {
	v.results = results
	v.operands, v.frames = v.operands[:0], v.frames[:0]
	v.r.Reset(code, offset)
	if err := v.enter(OpBlock, FuncType{Results: results}); err != nil {
		return err
	}
	for len(v.frames) > 0 {
		var err error
		if v.in, err = v.r.Next(); err != nil {
			e := err.(*Error)
			e.Func = v.fn
			return e
		}
		if v.constant {
			if err := v.constantInstr(); err != nil {
				return err
			}
		}
		if err := v.instr(v.in.Op.Info()); err != nil {
			return err
		}
	}
	if !v.r.Done() {
		return v.fail(ErrMalformed, "bytes after the end of the function, expected end to be the last")
	}
	return nil
}

// instr checks the current instruction: first its immediates, then its types.
func (v *validator) instr(info *OpInfo) error {
	if info.Imm != ImmNone {
		if err := v.immediate(info); err != nil {
			return err
		}
	}
	if info.Simple {
		if err := v.popAll(info.Params); err != nil {
			return err
		}
		return v.pushAll(info.Results)
	}
	switch info.Imm {
	case ImmBlock, ImmLabel, ImmBrTable, ImmCallIndirect, ImmTag, ImmTryTable:
		return v.control(info.Op)
	case ImmLocal, ImmGlobal, ImmTable:
		return v.variable(info.Op)
	}
	switch info.Op {
	case OpUnreachable, OpElse, OpEnd, OpReturn, OpCall, OpReturnCall, OpCatchAll, OpThrowRef:
		return v.control(info.Op)
	}
	return v.parametric(info.Op)
}

// parametric checks the instructions whose types depend on the stack.
func (v *validator) parametric(op Opcode) error {
	switch op {
	case OpDrop:
		_, err := v.popAny("an operand")
		return err
	case OpSelect:
		return v.selectAny()
	case OpSelectT:
		if len(v.in.Types) != 1 {
			return v.invalid("invalid result arity %d, expected 1 type", len(v.in.Types))
		}
		t := v.in.Types[0]
		return v.takeGive(t, t, t, I32)
	case OpRefNull:
		return v.push(v.in.RefType)
	case OpRefIsNull:
		t, err := v.popAny("a reference")
		if err != nil {
			return err
		}
		if t != unknown && !t.IsRef() {
			return v.invalid("type mismatch: found %v, expected a reference", t)
		}
		return v.push(I32)
	}
	return v.fail(ErrMalformed, "instruction without a rule")
}

// takeGive pops params and pushes give, unless that is unknown.
func (v *validator) takeGive(give ValType, params ...ValType) error {
	if err := v.popAll(params); err != nil || give == unknown {
		return err
	}
	return v.push(give)
}

// selectAny checks a select without a type: two numbers or vectors of the same type.
func (v *validator) selectAny() error {
	if err := v.pop(I32); err != nil {
		return err
	}
	b, err := v.popAny("a number or vector")
	if err != nil {
		return err
	}
	a, err := v.popAny("a number or vector")
	if err != nil {
		return err
	}
	if a.IsRef() || b.IsRef() {
		return v.invalid("type mismatch: found %v and %v, expected numbers or vectors", a, b)
	}
	if a == unknown {
		a = b
	}
	if b != unknown && a != b {
		return v.invalid("type mismatch: found %v and %v, expected the same type", a, b)
	}
	return v.push(a)
}
