package aot_test

import (
	"math"
	"testing"

	"vkernel/internal/engine/layout"
)

// TestRelaxed holds the choice that docs/abi.md makes for each relaxed instruction: operands
// for which the proposal allows several results.
func TestRelaxed(t *testing.T) {
	h := load(t, "relaxed")
	f32s := func(a, b float32) uint64 {
		return uint64(math.Float32bits(a)) | uint64(math.Float32bits(b))<<32
	}
	f64 := math.Float64bits
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	zero := float32(math.Copysign(0, -1))
	near := float32(1 + 0x1p-23)
	sign := uint64(0x8080808080808080)
	for _, c := range []struct {
		name string
		args []uint64 // two words a vector
		want [2]uint64
	}{
		{"i8x16.relaxed_swizzle", []uint64{0x0807060504030201, 0, 0xff801f1110020100, 0}, [2]uint64{0x0000000000030201, 0x0101010101010101}},
		{"i32x4.relaxed_trunc_f32x4_s", []uint64{f32s(nan, inf), f32s(-inf, 3e9)}, [2]uint64{0x7fffffff_00000000, 0x7fffffff_80000000}},
		{"i32x4.relaxed_trunc_f32x4_u", []uint64{f32s(nan, inf), f32s(-inf, 3e9)}, [2]uint64{0xffffffff_00000000, 3000000000 << 32}},
		{"i32x4.relaxed_trunc_f64x2_s_zero", []uint64{f64(math.NaN()), f64(3e9)}, [2]uint64{0x7fffffff_00000000, 0}},
		{"i32x4.relaxed_trunc_f64x2_u_zero", []uint64{f64(-1), f64(5e9)}, [2]uint64{0xffffffff_00000000, 0}},
		{"f32x4.relaxed_madd", []uint64{f32s(near, near), 0, f32s(near, near), 0, f32s(-1-0x1p-22, 1), 0}, [2]uint64{f32s(0, 2+0x1p-22), 0}},
		{"f32x4.relaxed_nmadd", []uint64{f32s(near, near), 0, f32s(near, near), 0, f32s(1+0x1p-22, 1), 0}, [2]uint64{f32s(0, -0x1p-22), 0}},
		{"f64x2.relaxed_madd", []uint64{f64(1 + 0x1p-52), 0, f64(1 + 0x1p-52), 0, f64(-1 - 0x1p-51), 0}, [2]uint64{0, 0}},
		{"f64x2.relaxed_nmadd", []uint64{f64(1 + 0x1p-52), 0, f64(1 + 0x1p-52), 0, f64(1 + 0x1p-51), 0}, [2]uint64{0, 0}},
		{"i8x16.relaxed_laneselect", []uint64{math.MaxUint64, 0, 0, math.MaxUint64, 0x80, 1}, [2]uint64{0x80, math.MaxUint64 - 1}},
		{"i16x8.relaxed_laneselect", []uint64{math.MaxUint64, 0, 0, math.MaxUint64, 0x80, 1}, [2]uint64{0x80, math.MaxUint64 - 1}},
		{"i32x4.relaxed_laneselect", []uint64{math.MaxUint64, 0, 0, math.MaxUint64, 0x80, 1}, [2]uint64{0x80, math.MaxUint64 - 1}},
		{"i64x2.relaxed_laneselect", []uint64{math.MaxUint64, 0, 0, math.MaxUint64, 0x80, 1}, [2]uint64{0x80, math.MaxUint64 - 1}},
		{"f32x4.relaxed_min", []uint64{f32s(0, 1), f32s(zero, 2), f32s(zero, 1), f32s(0, 3)}, [2]uint64{f32s(zero, 1), f32s(zero, 2)}},
		{"f32x4.relaxed_max", []uint64{f32s(0, 1), f32s(zero, 2), f32s(zero, 1), f32s(0, 3)}, [2]uint64{f32s(0, 1), f32s(0, 3)}},
		{"f64x2.relaxed_min", []uint64{0, f64(math.Inf(1)), 1 << 63, f64(1)}, [2]uint64{1 << 63, f64(1)}},
		{"f64x2.relaxed_max", []uint64{0, f64(math.Inf(1)), 1 << 63, f64(1)}, [2]uint64{0, f64(math.Inf(1))}},
		{"i16x8.relaxed_q15mulr_s", []uint64{0x8000, 0x4000, 0x8000, 0x4000}, [2]uint64{0x7fff, 0x2000}},
		{"i16x8.relaxed_dot_i8x16_i7x16_s", []uint64{sign, 0x0102, sign, 0xff7f}, [2]uint64{0x8000800080008000, 0x00fd}},
		{"i32x4.relaxed_dot_i8x16_i7x16_add_s", []uint64{sign, 0x0102, sign, 0xff7f, 5, 1 << 32}, [2]uint64{0xffff0000_ffff0005, 0x1_000000fd}},
	} {
		if exit := h.start(c.name, c.args...); exit != layout.ExitReturn {
			t.Fatalf("%s: exit %d", c.name, exit)
		}
		if got := h.Results()[0]; got != c.want {
			t.Errorf("%s%#x = %#x, expected %#x", c.name, c.args, got, c.want)
		}
		h.Return()
	}
	min := []uint64{f32s(nan, 1), 0, f32s(1, nan), 0}
	for _, name := range []string{"f32x4.relaxed_min", "f32x4.relaxed_max"} {
		if exit := h.start(name, min...); exit != layout.ExitReturn {
			t.Fatalf("%s: exit %d", name, exit)
		}
		if got := h.Results()[0][0]; got&0x7fc000007fc00000 != 0x7fc000007fc00000 {
			t.Errorf("%s of NaNs = %#x, expected NaNs", name, got)
		}
		h.Return()
	}
}
