package emit

import (
	"encoding/binary"
	"fmt"

	"vkernel/internal/wasm"
)

// constant is the value of a constant expression.
type constant struct {
	bits, high uint64 // high: upper half of a v128
	isFunc     bool   // a reference to function fn
	fn         uint32
}

// evaluate computes a constant expression; globals before it are known.
func (p *program) evaluate(c wasm.Const) (constant, error) {
	var stack []constant
	r := wasm.NewReader(c.Expr, c.Offset)
	for !r.Done() {
		in, err := r.Next()
		if err != nil {
			return constant{}, err
		}
		if in.Op == wasm.OpEnd {
			break
		}
		if stack, err = p.step(stack, &in); err != nil {
			return constant{}, err
		}
	}
	if len(stack) != 1 {
		return constant{}, fmt.Errorf("offset %#x: constant expression leaves %d values, expected 1", c.Offset, len(stack))
	}
	return stack[0], nil
}

func (p *program) step(stack []constant, in *wasm.Instr) ([]constant, error) {
	switch in.Op {
	case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		return append(stack, constant{bits: in.Value}), nil
	case wasm.OpV128Const:
		return append(stack, constant{bits: binary.LittleEndian.Uint64(in.V128[:]), high: binary.LittleEndian.Uint64(in.V128[8:])}), nil
	case wasm.OpRefNull:
		return append(stack, constant{}), nil
	case wasm.OpRefFunc:
		return append(stack, constant{isFunc: true, fn: in.Index}), p.refer(in.Index, "used as a reference")
	case wasm.OpGlobalGet:
		if int(in.Index) < len(p.consts) {
			return append(stack, p.consts[in.Index]), nil
		}
	case wasm.OpI32Add, wasm.OpI32Sub, wasm.OpI32Mul, wasm.OpI64Add, wasm.OpI64Sub, wasm.OpI64Mul:
		if n := len(stack); n >= 2 {
			v := arithmetic(in.Op, stack[n-2].bits, stack[n-1].bits)
			return append(stack[:n-2], constant{bits: v}), nil
		}
	}
	return nil, fmt.Errorf("offset %#x: %v is not supported in a constant expression", in.Offset, in.Op)
}

func arithmetic(op wasm.Opcode, a, b uint64) uint64 {
	switch op {
	case wasm.OpI32Add:
		return uint64(uint32(a + b))
	case wasm.OpI32Sub:
		return uint64(uint32(a - b))
	case wasm.OpI32Mul:
		return uint64(uint32(a * b))
	case wasm.OpI64Add:
		return a + b
	case wasm.OpI64Sub:
		return a - b
	}
	return a * b
}

// globals evaluates the initial values and finds the stack pointer.
func (p *program) globals() error {
	for _, im := range p.m.ImportsOf(wasm.KindGlobal) {
		var bits uint64
		ok := false
		if p.opts.Global != nil && !im.Global.Mutable {
			bits, ok = p.opts.Global(im)
		}
		if !ok {
			return fmt.Errorf("import %q %q: imported globals are not supported", im.Module, im.Name)
		}
		p.consts = append(p.consts, constant{bits: bits})
	}
	for i := range p.m.Globals {
		c, err := p.evaluate(p.m.Globals[i].Init)
		if err != nil {
			return err
		}
		p.consts = append(p.consts, c)
	}
	for i, c := range p.consts {
		p.put(p.area.globals[i], c)
	}
	if i, ok := p.stackPointer(); ok {
		p.out.Program.StackPointer = int32(p.area.globals[i])
	}
	return nil
}
