package wasm

import "slices"

// frame is an entry of the control stack.
type frame struct {
	op          Opcode // OpBlock, OpLoop, OpIf, OpElse, OpTry, OpCatch, OpCatchAll or OpTryTable
	typ         FuncType
	height      int // of the operand stack below the block's parameters
	unreachable bool
}

// label returns the types that a branch to f takes.
func (f *frame) label() []ValType {
	if f.op == OpLoop {
		return f.typ.Params
	}
	return f.typ.Results
}

func (v *validator) top() *frame { return &v.frames[len(v.frames)-1] }

func (v *validator) push(t ValType) error {
	if len(v.operands) >= maxOperands {
		return v.fail(ErrLimit, "more than %d operands on the stack", maxOperands)
	}
	v.operands = append(v.operands, t)
	return nil
}

func (v *validator) pushAll(types []ValType) error {
	for _, t := range types {
		if err := v.push(t); err != nil {
			return err
		}
	}
	return nil
}

// popAny pops an operand of whatever type; in unreachable code there always is one.
func (v *validator) popAny(expected string) (ValType, error) {
	f := v.top()
	if len(v.operands) == f.height {
		if f.unreachable {
			return unknown, nil
		}
		return 0, v.invalid("type mismatch: found an empty stack, expected %s", expected)
	}
	t := v.operands[len(v.operands)-1]
	v.operands = v.operands[:len(v.operands)-1]
	return t, nil
}

func (v *validator) pop(want ValType) error {
	// The common case first, without the cost of naming the type.
	if n := len(v.operands); n > v.top().height && v.operands[n-1] == want {
		v.operands = v.operands[:n-1]
		return nil
	}
	t, err := v.popAny(want.String())
	if err != nil {
		return err
	}
	if t != want && t != unknown {
		return v.invalid("type mismatch: found %v, expected %v", t, want)
	}
	return nil
}

// popAll pops operands of the given types, the last one first.
func (v *validator) popAll(types []ValType) error {
	for i := len(types) - 1; i >= 0; i-- {
		if err := v.pop(types[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkTop checks the topmost operands without popping them.
func (v *validator) checkTop(types []ValType) error {
	f := v.top()
	have := v.operands[f.height:]
	if len(have) > len(types) {
		have = have[len(have)-len(types):]
	}
	if len(have) < len(types) {
		if !f.unreachable {
			return v.invalid("type mismatch: found %d operands, expected %v", len(have), types)
		}
		types = types[len(types)-len(have):]
	}
	for i, t := range have {
		if t != types[i] && t != unknown {
			return v.invalid("type mismatch: found %v, expected %v", t, types[i])
		}
	}
	return nil
}

func (v *validator) enter(op Opcode, t FuncType) error {
	if len(v.frames) >= maxDepth {
		return v.fail(ErrLimit, "blocks nested deeper than %d", maxDepth)
	}
	v.frames = append(v.frames, frame{op: op, typ: t, height: len(v.operands)})
	return v.pushAll(t.Params)
}

// leave ends the innermost block: its results alone must be on its stack.
func (v *validator) leave() (frame, error) {
	f := *v.top()
	if err := v.popAll(f.typ.Results); err != nil {
		return f, err
	}
	if n := len(v.operands) - f.height; n != 0 {
		return f, v.invalid("type mismatch: %d operands remain at the end of a block, expected %v", n, f.typ)
	}
	v.frames = v.frames[:len(v.frames)-1]
	return f, nil
}

// unreachable drops the operands of the innermost block: what follows is dead code.
func (v *validator) unreachable() {
	f := v.top()
	v.operands = v.operands[:f.height]
	f.unreachable = true
}

// label returns the types that a branch to a relative depth takes.
func (v *validator) label(depth uint32) ([]ValType, error) {
	if uint64(depth) >= uint64(len(v.frames)) {
		return nil, v.invalid("unknown label %d of %d", depth, len(v.frames))
	}
	return v.frames[len(v.frames)-1-int(depth)].label(), nil
}

// Equal says whether t and u are the same type.
func (t FuncType) Equal(u FuncType) bool {
	return slices.Equal(t.Params, u.Params) && slices.Equal(t.Results, u.Results)
}

// String writes t in letters: "iil:i".
func (t FuncType) String() string {
	b := make([]byte, 0, len(t.Params)+len(t.Results)+1)
	for _, p := range t.Params {
		b = append(b, p.Letter())
	}
	b = append(b, ':')
	for _, r := range t.Results {
		b = append(b, r.Letter())
	}
	return string(b)
}
