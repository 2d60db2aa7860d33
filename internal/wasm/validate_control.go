package wasm

import "slices"

// control checks the instructions of structured control, branches and calls.
func (v *validator) control(op Opcode) error {
	switch op {
	case OpUnreachable:
		v.unreachable()
		return nil
	case OpBlock, OpLoop, OpIf, OpTry, OpTryTable:
		return v.block(op)
	case OpCatch, OpCatchAll, OpDelegate, OpThrow, OpRethrow, OpThrowRef:
		return v.exception(op)
	case OpElse:
		return v.elseBranch()
	case OpEnd:
		return v.end()
	case OpBr, OpBrIf:
		return v.branch(op)
	case OpBrTable:
		return v.brTable()
	case OpReturn:
		if err := v.popAll(v.results); err != nil {
			return err
		}
		v.unreachable()
		return nil
	}
	return v.call(op)
}

func (v *validator) block(op Opcode) error {
	t, ok := v.m.BlockFuncType(v.in.Block)
	if !ok {
		return v.invalid("unknown type %d of %d", int64(v.in.Block), len(v.m.Types))
	}
	if op == OpIf {
		if err := v.pop(I32); err != nil {
			return err
		}
	}
	if err := v.popAll(t.Params); err != nil {
		return err
	}
	if op == OpTryTable {
		if err := v.catchClauses(); err != nil {
			return err
		}
	}
	return v.enter(op, t)
}

func (v *validator) elseBranch() error {
	if v.top().op != OpIf {
		return v.fail(ErrMalformed, "else outside of an if")
	}
	f, err := v.leave()
	if err != nil {
		return err
	}
	return v.enter(OpElse, f.typ)
}

func (v *validator) end() error {
	f, err := v.leave()
	if err != nil {
		return err
	}
	if f.op == OpIf && !slices.Equal(f.typ.Params, f.typ.Results) {
		return v.invalid("type mismatch: if of type %v without else, expected equal parameters and results", f.typ)
	}
	if len(v.frames) == 0 {
		return nil // the end of the expression; nobody uses its results
	}
	return v.pushAll(f.typ.Results)
}

func (v *validator) branch(op Opcode) error {
	types, err := v.label(v.in.Index)
	if err != nil {
		return err
	}
	if op == OpBrIf {
		if err := v.pop(I32); err != nil {
			return err
		}
	}
	if err := v.popAll(types); err != nil {
		return err
	}
	if op == OpBrIf {
		return v.pushAll(types)
	}
	v.unreachable()
	return nil
}

func (v *validator) brTable() error {
	if err := v.pop(I32); err != nil {
		return err
	}
	targets := v.in.Targets
	def, err := v.label(targets[len(targets)-1])
	if err != nil {
		return err
	}
	var last []ValType // many targets in a row have the same types
	for _, depth := range targets {
		types, err := v.label(depth)
		if err != nil {
			return err
		}
		if len(types) != len(def) {
			return v.invalid("type mismatch: label %d takes %d operands, expected %d as the default", depth, len(types), len(def))
		}
		if len(types) == 0 || len(last) > 0 && &last[0] == &types[0] {
			continue
		}
		if err := v.checkTop(types); err != nil {
			return err
		}
		last = types
	}
	if err := v.popAll(def); err != nil {
		return err
	}
	v.unreachable()
	return nil
}

// call checks calls, tail calls among them, which are calls and returns.
func (v *validator) call(op Opcode) error {
	var t FuncType
	if op == OpCallIndirect || op == OpReturnCallIndirect {
		t = v.m.Types[v.in.Index]
		if err := v.pop(I32); err != nil {
			return err
		}
	} else {
		t, _ = v.m.FuncTypeOf(v.in.Index)
	}
	tail := op == OpReturnCall || op == OpReturnCallIndirect
	if tail && !slices.Equal(t.Results, v.results) {
		return v.invalid("type mismatch: tail call of type %v, expected the results of the caller, %v", t, FuncType{Results: v.results})
	}
	if err := v.popAll(t.Params); err != nil {
		return err
	}
	if tail {
		v.unreachable()
		return nil
	}
	return v.pushAll(t.Results)
}
