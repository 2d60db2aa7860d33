/*
 * Relaxed SIMD. Each instruction has one result, whatever the host: that of the exact
 * instruction where there is one. docs/abi.md lists the choices.
 */
#define i8x16_relaxed_swizzle i8x16_swizzle
#define i32x4_relaxed_trunc_f32x4_s i32x4_trunc_sat_f32x4_s
#define i32x4_relaxed_trunc_f32x4_u i32x4_trunc_sat_f32x4_u
#define i32x4_relaxed_trunc_f64x2_s_zero i32x4_trunc_sat_f64x2_s_zero
#define i32x4_relaxed_trunc_f64x2_u_zero i32x4_trunc_sat_f64x2_u_zero
#define i8x16_relaxed_laneselect v128_bitselect
#define i16x8_relaxed_laneselect v128_bitselect
#define i32x4_relaxed_laneselect v128_bitselect
#define i64x2_relaxed_laneselect v128_bitselect
#define f32x4_relaxed_min f32x4_min
#define f32x4_relaxed_max f32x4_max
#define f64x2_relaxed_min f64x2_min
#define f64x2_relaxed_max f64x2_max
#define i16x8_relaxed_q15mulr_s i16x8_q15mulr_sat_s

/* Products are rounded before they are added. */
INLINE v128 f32x4_relaxed_madd(v128 a, v128 b, v128 c) { return f32x4_add(f32x4_mul(a, b), c); }
INLINE v128 f64x2_relaxed_madd(v128 a, v128 b, v128 c) { return f64x2_add(f64x2_mul(a, b), c); }
INLINE v128 f32x4_relaxed_nmadd(v128 a, v128 b, v128 c) { return f32x4_sub(c, f32x4_mul(a, b)); }
INLINE v128 f64x2_relaxed_nmadd(v128 a, v128 b, v128 c) { return f64x2_sub(c, f64x2_mul(a, b)); }

/* Both operands are signed, sums of two products wrap. */
VK_V2(i16x8_relaxed_dot_i8x16_i7x16_s, s8x16,
      (u16x8)VK_WIDE(a, s8x16, s16x8, EVEN8) * (u16x8)VK_WIDE(b, s8x16, s16x8, EVEN8) +
          (u16x8)VK_WIDE(a, s8x16, s16x8, ODD8) * (u16x8)VK_WIDE(b, s8x16, s16x8, ODD8))
INLINE v128 i32x4_relaxed_dot_i8x16_i7x16_add_s(v128 a, v128 b, v128 c) {
    return i32x4_add(i32x4_extadd_pairwise_i16x8_s(i16x8_relaxed_dot_i8x16_i7x16_s(a, b)), c);
}
