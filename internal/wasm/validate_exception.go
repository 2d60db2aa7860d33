package wasm

// exception checks the instructions of both encodings of exceptions but for the beginnings of
// blocks.
func (v *validator) exception(op Opcode) error {
	switch op {
	case OpCatch, OpCatchAll:
		return v.catchArm(op)
	case OpDelegate:
		return v.delegate()
	case OpThrow:
		t, _ := v.m.TagTypeOf(v.in.Index)
		if err := v.popAll(t.Params); err != nil {
			return err
		}
	case OpThrowRef:
		if err := v.pop(ExnRef); err != nil {
			return err
		}
	case OpRethrow:
		if _, err := v.label(v.in.Index); err != nil {
			return err
		}
		if f := &v.frames[len(v.frames)-1-int(v.in.Index)]; f.op != OpCatch && f.op != OpCatchAll {
			return v.invalid("invalid rethrow label %d, expected a catch", v.in.Index)
		}
	}
	v.unreachable()
	return nil
}

// catchArm ends the body or an arm of a legacy try and begins another arm.
func (v *validator) catchArm(op Opcode) error {
	if t := v.top().op; t != OpTry && t != OpCatch {
		return v.fail(ErrMalformed, "%v outside of a try, or after its catch_all", op)
	}
	f, err := v.leave()
	if err != nil {
		return err
	}
	arm := FuncType{Results: f.typ.Results}
	if op == OpCatch {
		t, _ := v.m.TagTypeOf(v.in.Index)
		arm.Params = t.Params
	}
	return v.enter(op, arm)
}

// delegate ends a legacy try whose exceptions go to the label, which counts from outside of it.
func (v *validator) delegate() error {
	if v.top().op != OpTry {
		return v.fail(ErrMalformed, "delegate outside of a try, or after a catch of it")
	}
	f, err := v.leave()
	if err != nil {
		return err
	}
	if _, err := v.label(v.in.Index); err != nil {
		return err
	}
	return v.pushAll(f.typ.Results)
}

// catchClauses checks that each label of a try_table takes what its clause gives; labels
// count from outside of it.
func (v *validator) catchClauses() error {
	for _, c := range v.in.Catches {
		types, err := v.label(c.Label)
		if err != nil {
			return err
		}
		var gives []ValType
		if !c.Kind.All() {
			t, ok := v.m.TagTypeOf(c.Tag)
			if !ok {
				return v.invalid("unknown tag %d of %d", c.Tag, v.m.NumTags())
			}
			gives = t.Params
		}
		if c.Kind.Ref() {
			gives = append(gives[:len(gives):len(gives)], ExnRef)
		}
		if t := (FuncType{Results: gives}); !t.Equal(FuncType{Results: types}) {
			return v.invalid("type mismatch: catch clause gives %v, label %d takes %v", t, c.Label, FuncType{Results: types})
		}
	}
	return nil
}
