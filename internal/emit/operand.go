package emit

import (
	"math"
	"strconv"

	"vkernel/internal/wasm"
)

// operand is a symbolic value: what the stack of a WebAssembly function holds while it is
// translated.
type operand struct {
	kind operandKind
	typ  wasm.ValType
	n    uint32 // index of a local, number of a temporary, label of a block
	k    uint32 // which result or parameter of the block
	bits uint64 // of a constant
}

type operandKind uint8

const (
	opConst  operandKind = iota
	opLocal              // the value that local n has now; copied before the local is set
	opTemp               // t<n>, assigned once
	opResult             // b<n>_<k>, result of a block
	opParam              // p<n>_<k>, parameter of a loop
)

// cType is the C type of a value type.
func cType(t wasm.ValType) string {
	switch t {
	case wasm.I32:
		return "u32"
	case wasm.F32:
		return "f32"
	case wasm.F64:
		return "f64"
	case wasm.V128:
		return "v128"
	}
	return "u64"
}

// appendTo adds the C expression of o, a name or a literal.
func (o operand) appendTo(b []byte) []byte {
	switch o.kind {
	case opConst:
		return o.appendLiteral(b)
	case opLocal:
		return strconv.AppendUint(append(b, 'l'), uint64(o.n), 10)
	case opTemp:
		return strconv.AppendUint(append(b, 't'), uint64(o.n), 10)
	case opParam:
		b = append(b, 'p')
	default:
		b = append(b, 'b')
	}
	b = strconv.AppendUint(b, uint64(o.n), 10)
	return strconv.AppendUint(append(b, '_'), uint64(o.k), 10)
}

func (o operand) appendLiteral(b []byte) []byte {
	switch o.typ {
	case wasm.I32:
		return append(strconv.AppendUint(b, o.bits, 10), 'u')
	case wasm.F32:
		v := math.Float32frombits(uint32(o.bits))
		if v != v {
			b = strconv.AppendUint(append(b, "f32_reinterpret_i32("...), o.bits, 10)
			return append(b, "u)"...)
		}
		return append(appendFloat(b, float64(v), 32), ')')
	case wasm.F64:
		v := math.Float64frombits(o.bits)
		if v != v {
			b = strconv.AppendUint(append(b, "f64_reinterpret_i64("...), o.bits, 10)
			return append(b, "ul)"...)
		}
		return append(appendFloat(b, v, 64), ')')
	}
	return append(strconv.AppendUint(b, o.bits, 10), "ul"...)
}

// appendFloat adds an opening bracket and an exact literal; -0 keeps its sign.
func appendFloat(b []byte, v float64, size int) []byte {
	b = append(b, '(')
	if math.Signbit(v) {
		b, v = append(b, '-'), -v
	}
	if math.IsInf(v, 1) {
		b = append(b, "__builtin_inf"...)
	} else {
		b = strconv.AppendFloat(b, v, 'x', -1, size)
	}
	if size == 32 {
		b = append(b, 'f')
	}
	if math.IsInf(v, 1) {
		b = append(b, "()"...)
	}
	return b
}

// folds says whether clang folds an addition or multiplication with this constant to its
// other operand, NaN or not.
func (o operand) folds() bool {
	if o.kind != opConst {
		return false
	}
	switch o.typ {
	case wasm.F32:
		v := math.Float32frombits(uint32(o.bits))
		return v == 0 || v == 1 || v == -1
	case wasm.F64:
		v := math.Float64frombits(o.bits)
		return v == 0 || v == 1 || v == -1
	}
	return false
}

// fresh is the C text of an operand of which clang is to know nothing.
func (o operand) fresh() string {
	name := "FRESH_I("
	if isFloat(o.typ) {
		name = "FRESH_F("
	}
	return name + string(o.appendTo(nil)) + ")"
}

// hidden is the C text of an operand on its way into a variable: of a constant that folds,
// clang is not to know the value, for it would fold later what instr.go keeps from it.
func (o operand) hidden() string {
	if !o.folds() {
		return string(o.appendTo(nil))
	}
	return "OPAQUE_" + cType(o.typ) + "(" + string(o.appendTo(nil)) + ")"
}
