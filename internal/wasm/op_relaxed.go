package wasm

// The opcodes after the byte 0xFD from 0x100 on: relaxed SIMD.
const (
	OpI8x16RelaxedSwizzle           Opcode = 0xff00
	OpI32x4RelaxedTruncF32x4S       Opcode = 0xff01
	OpI32x4RelaxedTruncF32x4U       Opcode = 0xff02
	OpI32x4RelaxedTruncF64x2SZero   Opcode = 0xff03
	OpI32x4RelaxedTruncF64x2UZero   Opcode = 0xff04
	OpF32x4RelaxedMadd              Opcode = 0xff05
	OpF32x4RelaxedNmadd             Opcode = 0xff06
	OpF64x2RelaxedMadd              Opcode = 0xff07
	OpF64x2RelaxedNmadd             Opcode = 0xff08
	OpI8x16RelaxedLaneselect        Opcode = 0xff09
	OpI16x8RelaxedLaneselect        Opcode = 0xff0a
	OpI32x4RelaxedLaneselect        Opcode = 0xff0b
	OpI64x2RelaxedLaneselect        Opcode = 0xff0c
	OpF32x4RelaxedMin               Opcode = 0xff0d
	OpF32x4RelaxedMax               Opcode = 0xff0e
	OpF64x2RelaxedMin               Opcode = 0xff0f
	OpF64x2RelaxedMax               Opcode = 0xff10
	OpI16x8RelaxedQ15mulrS          Opcode = 0xff11
	OpI16x8RelaxedDotI8x16I7x16S    Opcode = 0xff12
	OpI32x4RelaxedDotI8x16I7x16AddS Opcode = 0xff13
)

var relaxedOps = []opRow{
	{OpI8x16RelaxedSwizzle, "i8x16.relaxed_swizzle", ImmNone, "vv:v", 0},
	{OpI32x4RelaxedTruncF32x4S, "i32x4.relaxed_trunc_f32x4_s", ImmNone, "v:v", 0},
	{OpI32x4RelaxedTruncF32x4U, "i32x4.relaxed_trunc_f32x4_u", ImmNone, "v:v", 0},
	{OpI32x4RelaxedTruncF64x2SZero, "i32x4.relaxed_trunc_f64x2_s_zero", ImmNone, "v:v", 0},
	{OpI32x4RelaxedTruncF64x2UZero, "i32x4.relaxed_trunc_f64x2_u_zero", ImmNone, "v:v", 0},
	{OpF32x4RelaxedMadd, "f32x4.relaxed_madd", ImmNone, "vvv:v", 0},
	{OpF32x4RelaxedNmadd, "f32x4.relaxed_nmadd", ImmNone, "vvv:v", 0},
	{OpF64x2RelaxedMadd, "f64x2.relaxed_madd", ImmNone, "vvv:v", 0},
	{OpF64x2RelaxedNmadd, "f64x2.relaxed_nmadd", ImmNone, "vvv:v", 0},
	{OpI8x16RelaxedLaneselect, "i8x16.relaxed_laneselect", ImmNone, "vvv:v", 0},
	{OpI16x8RelaxedLaneselect, "i16x8.relaxed_laneselect", ImmNone, "vvv:v", 0},
	{OpI32x4RelaxedLaneselect, "i32x4.relaxed_laneselect", ImmNone, "vvv:v", 0},
	{OpI64x2RelaxedLaneselect, "i64x2.relaxed_laneselect", ImmNone, "vvv:v", 0},
	{OpF32x4RelaxedMin, "f32x4.relaxed_min", ImmNone, "vv:v", 0},
	{OpF32x4RelaxedMax, "f32x4.relaxed_max", ImmNone, "vv:v", 0},
	{OpF64x2RelaxedMin, "f64x2.relaxed_min", ImmNone, "vv:v", 0},
	{OpF64x2RelaxedMax, "f64x2.relaxed_max", ImmNone, "vv:v", 0},
	{OpI16x8RelaxedQ15mulrS, "i16x8.relaxed_q15mulr_s", ImmNone, "vv:v", 0},
	{OpI16x8RelaxedDotI8x16I7x16S, "i16x8.relaxed_dot_i8x16_i7x16_s", ImmNone, "vv:v", 0},
	{OpI32x4RelaxedDotI8x16I7x16AddS, "i32x4.relaxed_dot_i8x16_i7x16_add_s", ImmNone, "vvv:v", 0},
}
