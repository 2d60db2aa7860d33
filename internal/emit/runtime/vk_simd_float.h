/* SIMD on float lanes. */
/* P the prefix, V floats, U their bits, M masks, A the splat. */
#define VK_FLOAT(P, V, U, M, A, sign)                                                                                  \
    VK_V2(P##_add, V, a + b)                                                                                           \
    VK_V2(P##_sub, V, a - b)                                                                                           \
    VK_V2(P##_mul, V, a *b)                                                                                            \
    VK_V2(P##_div, V, a / b)                                                                                           \
    VK_V1(P##_abs, U, a & ~(U){A(sign)})                                                                               \
    VK_V1(P##_neg, U, a ^ (U){A(sign)})                                                                                \
    VK_V1(P##_sqrt, V, __builtin_elementwise_sqrt(a))                                                                  \
    VK_V1(P##_ceil, V, __builtin_elementwise_ceil(a))                                                                  \
    VK_V1(P##_floor, V, __builtin_elementwise_floor(a))                                                                \
    VK_V1(P##_trunc, V, __builtin_elementwise_trunc(a))                                                                \
    VK_V1(P##_nearest, V, __builtin_elementwise_roundeven(a))                                                          \
    VK_V2(P##_eq, V, a == b)                                                                                           \
    VK_V2(P##_ne, V, a != b)                                                                                           \
    VK_V2(P##_lt, V, a < b)                                                                                            \
    VK_V2(P##_gt, V, a > b)                                                                                            \
    VK_V2(P##_le, V, a <= b)                                                                                           \
    VK_V2(P##_ge, V, a >= b)                                                                                           \
    INLINE v128 P##_pick(M m, v128 a, v128 b) { return (v128)(((M)a & m) | ((M)b & ~m)); }                             \
    INLINE v128 P##_pmin(v128 x, v128 y) { return P##_pick((V)y < (V)x, y, x); }                                       \
    INLINE v128 P##_pmax(v128 x, v128 y) { return P##_pick((V)x < (V)y, y, x); }                                       \
    INLINE v128 P##_min(v128 x, v128 y) {                                                                              \
        V a = (V)x, b = (V)y;                                                                                          \
        v128 r = P##_pick(a == b, x | y, P##_pick(a < b, x, y));                                                       \
        return P##_pick((a != a) | (b != b), (v128)(a + b), r);                                                        \
    }                                                                                                                  \
    INLINE v128 P##_max(v128 x, v128 y) {                                                                              \
        V a = (V)x, b = (V)y;                                                                                          \
        v128 r = P##_pick(a == b, x & y, P##_pick(a > b, x, y));                                                       \
        return P##_pick((a != a) | (b != b), (v128)(a + b), r);                                                        \
    }
VK_FLOAT(f32x4, f32x4, u32x4, s32x4, ALL4, 1u << 31)
VK_FLOAT(f64x2, f64x2, u64x2, s64x2, ALL2, 1ul << 63)
INLINE v128 f32x4_convert_i32x4_s(v128 x) { return (v128) __builtin_convertvector((s32x4)x, f32x4); }
INLINE v128 f32x4_convert_i32x4_u(v128 x) { return (v128) __builtin_convertvector((u32x4)x, f32x4); }
INLINE v128 f64x2_convert_low_i32x4_s(v128 x) { return (v128)VK_WIDE(x, s32x4, f64x2, LOW2); }
INLINE v128 f64x2_convert_low_i32x4_u(v128 x) { return (v128)VK_WIDE(x, u32x4, f64x2, LOW2); }
INLINE v128 f64x2_promote_low_f32x4(v128 x) { return (v128)VK_WIDE(x, f32x4, f64x2, LOW2); }
INLINE v128 f32x4_demote_f64x2_zero(v128 x) {
    f64x2 a = (f64x2)x;
    __asm__("" : "+x"(a)); /* see OPAQUE */
    f32x2 r = __builtin_convertvector(a, f32x2);
    return (v128)(f32x4){r[0], r[1], 0, 0};
}

/* cvttps gives 0x80000000 for what does not fit: right below the range, to be turned round
 * above it, to be 0 for a NaN. */
INLINE v128 i32x4_trunc_sat_f32x4_s(v128 x) {
    f32x4 a = (f32x4)x;
    s32x4 r = (s32x4)__builtin_ia32_cvttps2dq(a);
    r ^= a >= (f32x4){ALL4(0x1p31f)};
    return (v128)(r & (a == a));
}
INLINE v128 i32x4_trunc_sat_f32x4_u(v128 x) {
    f32x4 a = (f32x4)x;
    return (v128)(u32x4){i32_trunc_sat_f32_u(a[0]), i32_trunc_sat_f32_u(a[1]), i32_trunc_sat_f32_u(a[2]),
                         i32_trunc_sat_f32_u(a[3])};
}
INLINE v128 i32x4_trunc_sat_f64x2_s_zero(v128 x) {
    f64x2 a = (f64x2)x;
    return (v128)(u32x4){i32_trunc_sat_f64_s(a[0]), i32_trunc_sat_f64_s(a[1]), 0, 0};
}
INLINE v128 i32x4_trunc_sat_f64x2_u_zero(v128 x) {
    f64x2 a = (f64x2)x;
    return (v128)(u32x4){i32_trunc_sat_f64_u(a[0]), i32_trunc_sat_f64_u(a[1]), 0, 0};
}
