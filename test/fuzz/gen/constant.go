package gen

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"vkernel/internal/wasm"
)

// Numbers at which arithmetic changes its way.
var (
	edges32 = []uint32{0, 1, 2, 31, 32, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff}
	edges64 = []uint64{0, 1, 63, 64, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, math.MaxInt64, 1 << 63, math.MaxUint64}
	edgesF  = []float64{
		0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 1.5, 2.5, 1e10, -1e10, 1e300, 5e-324, math.MaxFloat64, math.MaxFloat32,
		math.Inf(1), math.Inf(-1), math.NaN(), 2147483647, 2147483648, -2147483648, -2147483649, 4294967295, 4294967296,
		9223372036854775807, -9223372036854775808, 18446744073709551615, 16777217, 1e-45,
	}
)

// I32 and the others give numbers that are worth trying.
func I32(r *rand.Rand) uint32 {
	switch r.IntN(3) {
	case 0:
		return pick(r, edges32)
	case 1:
		return uint32(r.IntN(300))
	}
	return r.Uint32()
}

// I64 is I32 for 64 bits.
func I64(r *rand.Rand) uint64 {
	switch r.IntN(3) {
	case 0:
		return pick(r, edges64)
	case 1:
		return uint64(int64(int32(I32(r))))
	}
	return r.Uint64()
}

// F64 gives the bits of a number; its only NaN is the canonical one.
func F64(r *rand.Rand) uint64 {
	f := pick(r, edgesF)
	if r.IntN(2) == 0 {
		f = math.Float64frombits(r.Uint64())
	}
	if f != f {
		return 0x7ff8000000000000
	}
	return math.Float64bits(f)
}

// F32 is F64 for 32 bits.
func F32(r *rand.Rand) uint32 {
	f := float32(pick(r, edgesF))
	if r.IntN(2) == 0 {
		f = math.Float32frombits(r.Uint32())
	}
	if f != f {
		return 0x7fc00000
	}
	return math.Float32bits(f)
}

// constant writes a constant of a type.
func constant(r *rand.Rand, b *bytes, t wasm.ValType) {
	switch t {
	case wasm.I32:
		b.op(wasm.OpI32Const)
		b.s(int64(int32(I32(r))))
	case wasm.I64:
		b.op(wasm.OpI64Const)
		b.s(int64(I64(r)))
	case wasm.F32:
		b.op(wasm.OpF32Const)
		*b = binary.LittleEndian.AppendUint32(*b, F32(r))
	case wasm.F64:
		b.op(wasm.OpF64Const)
		*b = binary.LittleEndian.AppendUint64(*b, F64(r))
	case wasm.V128:
		b.op(wasm.OpV128Const)
		*b = binary.LittleEndian.AppendUint64(*b, F64(r))
		*b = binary.LittleEndian.AppendUint64(*b, F64(r))
	}
}
