package emit

import (
	"errors"
	"strconv"
	"strings"

	"vkernel/internal/wasm"
)

// instr translates one instruction.
func (f *function) instr(in *wasm.Instr) error {
	if f.dead {
		return f.skip(in)
	}
	if done, err := f.control(in); done {
		return err
	}
	switch in.Op {
	case wasm.OpNop:
	case wasm.OpDrop:
		f.keep(f.pop())
	case wasm.OpSelect, wasm.OpSelectT:
		c, b, a := f.pop(), f.pop(), f.pop()
		f.emit(f.temp(a.typ), "SELECT(", a.hidden(), ", ", b.hidden(), ", ", c, ");")
	case wasm.OpLocalGet:
		f.getLocal(in.Index)
	case wasm.OpLocalSet:
		f.setLocal(in.Index, f.pop())
	case wasm.OpLocalTee:
		v := f.pop()
		f.setLocal(in.Index, v)
		f.push(v)
	case wasm.OpGlobalGet:
		f.globalGet(in.Index)
	case wasm.OpGlobalSet:
		t, _ := f.p.m.GlobalTypeOf(in.Index)
		f.emit("AT(", cType(t.Type), ", ", f.p.area.globals[in.Index], ") = ", f.pop().hidden(), ";")
	case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		f.push(operand{kind: opConst, typ: in.Op.Info().Results[0], bits: in.Value})
	case wasm.OpV128Const:
		f.v128Const(in)
	default:
		if done, err := f.tableInstr(in); done {
			return err
		}
		return f.simple(in)
	}
	return nil
}

// globalGet loads a global; one that never changes and holds a number is that number.
func (f *function) globalGet(i uint32) {
	t, _ := f.p.m.GlobalTypeOf(i)
	if !t.Mutable && t.Type != wasm.V128 && !t.Type.IsRef() {
		f.push(operand{kind: opConst, typ: t.Type, bits: f.p.consts[i].bits})
		return
	}
	f.emit(f.temp(t.Type), "AT(", cType(t.Type), ", ", f.p.area.globals[i], ");")
}

// simple translates an instruction whose type is fixed: one call of the macro or function
// that bears its name, with its operands and then its immediates; the offset of a memory
// access comes after its address.
func (f *function) simple(in *wasm.Instr) error {
	info := in.Op.Info()
	if !info.Simple || len(info.Results) > 1 {
		return errors.New("not supported")
	}
	if f.sumAccess(in) {
		return nil
	}
	args := f.popN(len(info.Params))
	head := "  "
	if len(info.Results) == 1 {
		head += f.temp(info.Results[0])
	}
	if in.Op == wasm.OpI32Add {
		f.sums.define(f.temps, args[0], args[1])
	}
	if f.plain && in.Op >= wasm.OpI32Load && in.Op <= wasm.OpI64Store32 {
		head += "plain_"
	}
	tail := ");\n"
	if known(args) && len(info.Results) == 1 && (info.Results[0] == wasm.F32 || info.Results[0] == wasm.F64) {
		head, tail = head+"OPAQUE_"+cType(info.Results[0])+"(", "));\n" // see hidden
	}
	b := append(append(f.text, head...), f.p.cName(info)...)
	b = append(b, '(')
	for i, a := range args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = f.appendArg(b, in.Op, a)
		if i == 0 && (info.Imm == wasm.ImmMemArg || info.Imm == wasm.ImmMemArgLane) {
			b = strconv.AppendUint(append(b, ", "...), uint64(in.MemOffset), 10)
			b = append(b, 'u')
		}
	}
	b = appendImmediates(b, info.Imm, in)
	f.text = append(b, tail...)
	return nil
}

// known says whether all operands are constants.
func known(args []operand) bool {
	for _, a := range args {
		if a.kind != opConst {
			return false
		}
	}
	return true
}

// appendArg protects a constant that clang would fold away (see package float rules).
func (f *function) appendArg(b []byte, op wasm.Opcode, a operand) []byte {
	switch {
	case op >= wasm.OpF32Add && op <= wasm.OpF32Div || op >= wasm.OpF64Add && op <= wasm.OpF64Div:
		return append(b, a.hidden()...)
	case a.kind == opTemp && f.vectors[a.n] && (op >= wasm.OpF32x4Add && op <= wasm.OpF32x4Div || op >= wasm.OpF64x2Add && op <= wasm.OpF64x2Div):
		return append(a.appendTo(append(b, "OPAQUE_v128("...)), ')')
	}
	return a.appendTo(b)
}

func appendImmediates(b []byte, imm wasm.Imm, in *wasm.Instr) []byte {
	switch imm {
	case wasm.ImmLane, wasm.ImmMemArgLane:
		b = strconv.AppendUint(append(b, ", "...), uint64(in.Lane), 10)
	case wasm.ImmShuffle:
		for _, lane := range in.V128 {
			b = strconv.AppendUint(append(b, ", "...), uint64(lane), 10)
		}
	}
	return b
}

// cName is the name in vk.h of an instruction.
func (p *program) cName(info *wasm.OpInfo) string {
	name := strings.ReplaceAll(info.Name, ".", "_")
	switch info.Op {
	case wasm.OpMemoryCopy, wasm.OpMemoryFill:
		if p.mapped {
			name += "_mapped"
		}
	case wasm.OpMemoryAtomicWait32, wasm.OpMemoryAtomicWait64, wasm.OpMemoryAtomicNotify:
		if p.shared {
			name += "_shared"
		}
	}
	return name
}

func (f *function) v128Const(in *wasm.Instr) {
	var w [2]uint64
	for i, b := range in.V128 {
		w[i/8] |= uint64(b) << (i % 8 * 8)
	}
	t := f.temp(wasm.V128)
	if f.vectors == nil {
		f.vectors = map[uint32]bool{}
	}
	f.vectors[f.temps] = true
	f.emit(t, "{", strconv.FormatUint(w[0], 10), "ul, ", strconv.FormatUint(w[1], 10), "ul};")
}
