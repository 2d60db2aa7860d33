/*
 * Fixed-width SIMD. A v128 is two u64; each instruction views it as lanes of clang's vector
 * types. Comparisons give all ones or all zeros in a lane, as WebAssembly's do.
 */
#ifndef VK_SIMD_H
#define VK_SIMD_H

#define VK_VECTOR(T, name, n) typedef T name __attribute__((vector_size(sizeof(T) * (n))));
VK_VECTOR(s8, s8x16, 16)
VK_VECTOR(u8, u8x16, 16)
VK_VECTOR(s16, s16x8, 8)
VK_VECTOR(u16, u16x8, 8)
VK_VECTOR(s32, s32x4, 4)
VK_VECTOR(u32, u32x4, 4)
VK_VECTOR(s64, s64x2, 2)
VK_VECTOR(u64, u64x2, 2)
VK_VECTOR(s8, s8x8, 8)
VK_VECTOR(u8, u8x8, 8)
VK_VECTOR(s16, s16x4, 4)
VK_VECTOR(u16, u16x4, 4)
VK_VECTOR(s32, s32x2, 2)
VK_VECTOR(u32, u32x2, 2)
VK_VECTOR(f32, f32x2, 2)
VK_VECTOR(s16, s16x16, 16)
VK_VECTOR(u16, u16x16, 16)
VK_VECTOR(s32, s32x8, 8)
VK_VECTOR(u32, u32x8, 8)
/* What SSE's builtins take. */
VK_VECTOR(char, c8x16, 16)

#define ALL2(x) x, x
#define ALL4(x) ALL2(x), ALL2(x)
#define ALL8(x) ALL4(x), ALL4(x)
#define ALL16(x) ALL8(x), ALL8(x)
#define LOW8 0, 1, 2, 3, 4, 5, 6, 7
#define HIGH8 8, 9, 10, 11, 12, 13, 14, 15
#define LOW4 0, 1, 2, 3
#define HIGH4 4, 5, 6, 7
#define LOW2 0, 1
#define HIGH2 2, 3

/* One and two operands: V is how they are seen. */
#define VK_V1(name, V, e)                                                                                              \
    INLINE v128 name(v128 x) {                                                                                         \
        V a = (V)x;                                                                                                    \
        return (v128)(e);                                                                                              \
    }
#define VK_V2(name, V, e)                                                                                              \
    INLINE v128 name(v128 x, v128 y) {                                                                                 \
        V a = (V)x, b = (V)y;                                                                                          \
        return (v128)(e);                                                                                              \
    }

/* Bits */
VK_V1(v128_not, u64x2, ~a)
VK_V2(v128_and, u64x2, a &b)
VK_V2(v128_andnot, u64x2, a & ~b)
VK_V2(v128_or, u64x2, a | b)
VK_V2(v128_xor, u64x2, a ^ b)
INLINE v128 v128_bitselect(v128 a, v128 b, v128 c) { return (a & c) | (b & ~c); }
INLINE u32 v128_any_true(v128 a) { return (a[0] | a[1]) != 0; }

/* Lanes of integers: P the prefix, S and U signed and unsigned vectors, T the lane, A its splat. */
#define VK_INT(P, S, U, T, A, bits)                                                                                    \
    VK_V2(P##_add, U, a + b)                                                                                           \
    VK_V2(P##_sub, U, a - b)                                                                                           \
    VK_V1(P##_neg, U, -a)                                                                                              \
    VK_V1(P##_abs, S, __builtin_elementwise_abs(a))                                                                    \
    VK_V2(P##_eq, U, a == b)                                                                                           \
    VK_V2(P##_ne, U, a != b)                                                                                           \
    VK_V2(P##_lt_s, S, a < b)                                                                                          \
    VK_V2(P##_gt_s, S, a > b)                                                                                          \
    VK_V2(P##_le_s, S, a <= b)                                                                                         \
    VK_V2(P##_ge_s, S, a >= b)                                                                                         \
    INLINE v128 P##_shl(v128 x, u32 n) {                                                                               \
        T k = (T)(n & (bits - 1));                                                                                     \
        return (v128)((U)x << (U){A(k)});                                                                              \
    }                                                                                                                  \
    INLINE v128 P##_shr_s(v128 x, u32 n) {                                                                             \
        T k = (T)(n & (bits - 1));                                                                                     \
        return (v128)((S)x >> (S){A(k)});                                                                              \
    }                                                                                                                  \
    INLINE v128 P##_shr_u(v128 x, u32 n) {                                                                             \
        T k = (T)(n & (bits - 1));                                                                                     \
        return (v128)((U)x >> (U){A(k)});                                                                              \
    }                                                                                                                  \
    INLINE u32 P##_all_true(v128 x) { return __builtin_ia32_pmovmskb128((c8x16)((U)x == (U){0})) == 0; }
VK_INT(i8x16, s8x16, u8x16, u8, ALL16, 8)
VK_INT(i16x8, s16x8, u16x8, u16, ALL8, 16)
VK_INT(i32x4, s32x4, u32x4, u32, ALL4, 32)
VK_INT(i64x2, s64x2, u64x2, u64, ALL2, 64)

#define VK_ORDER(P, S, U)                                                                                              \
    VK_V2(P##_lt_u, U, a < b)                                                                                          \
    VK_V2(P##_gt_u, U, a > b)                                                                                          \
    VK_V2(P##_le_u, U, a <= b)                                                                                         \
    VK_V2(P##_ge_u, U, a >= b)                                                                                         \
    VK_V2(P##_min_s, S, __builtin_elementwise_min(a, b))                                                               \
    VK_V2(P##_min_u, U, __builtin_elementwise_min(a, b))                                                               \
    VK_V2(P##_max_s, S, __builtin_elementwise_max(a, b))                                                               \
    VK_V2(P##_max_u, U, __builtin_elementwise_max(a, b))
VK_ORDER(i8x16, s8x16, u8x16)
VK_ORDER(i16x8, s16x8, u16x8)
VK_ORDER(i32x4, s32x4, u32x4)

#define VK_SATURATE(P, S, U, W, C, A)                                                                                  \
    VK_V2(P##_add_sat_s, S, __builtin_elementwise_add_sat(a, b))                                                       \
    VK_V2(P##_add_sat_u, U, __builtin_elementwise_add_sat(a, b))                                                       \
    VK_V2(P##_sub_sat_s, S, __builtin_elementwise_sub_sat(a, b))                                                       \
    VK_V2(P##_sub_sat_u, U, __builtin_elementwise_sub_sat(a, b))                                                       \
    VK_V2(P##_avgr_u, U,                                                                                               \
          __builtin_convertvector(                                                                                     \
              (__builtin_convertvector(a, W) + __builtin_convertvector(b, W) + (W){A(1)}) >> (W){A(1)}, C))
VK_SATURATE(i8x16, s8x16, u8x16, u16x16, u8x16, ALL16)
VK_SATURATE(i16x8, s16x8, u16x8, u32x8, u16x8, ALL8)

VK_V2(i16x8_mul, u16x8, a *b)
VK_V2(i32x4_mul, u32x4, a *b)
VK_V2(i64x2_mul, u64x2, a *b)

INLINE v128 i8x16_popcnt(v128 x) {
    u8x16 a = (u8x16)x;
    a -= (a >> (u8x16){ALL16(1)}) & (u8x16){ALL16(0x55)};
    a = (a & (u8x16){ALL16(0x33)}) + ((a >> (u8x16){ALL16(2)}) & (u8x16){ALL16(0x33)});
    return (v128)((a + (a >> (u8x16){ALL16(4)})) & (u8x16){ALL16(0x0f)});
}

INLINE u32 i8x16_bitmask(v128 x) { return (u32)__builtin_ia32_pmovmskb128((c8x16)x); }
INLINE u32 i16x8_bitmask(v128 x) {
    return (u32)__builtin_ia32_pmovmskb128((c8x16)__builtin_ia32_packsswb128((s16x8)x, (s16x8){0}));
}
INLINE u32 i32x4_bitmask(v128 x) { return (u32)__builtin_ia32_movmskps((f32x4)x); }
INLINE u32 i64x2_bitmask(v128 x) { return (u32)__builtin_ia32_movmskpd((f64x2)x); }

VK_V2(i8x16_narrow_i16x8_s, s16x8, __builtin_ia32_packsswb128(a, b))
VK_V2(i8x16_narrow_i16x8_u, s16x8, __builtin_ia32_packuswb128(a, b))
VK_V2(i16x8_narrow_i32x4_s, s32x4, __builtin_ia32_packssdw128(a, b))
VK_V2(i16x8_narrow_i32x4_u, s32x4, __builtin_ia32_packusdw128(a, b))

/* Widening: HALF picks lanes of the narrow vector N, W is the wide one. */
#define VK_WIDE(v, N, W, half) __builtin_convertvector(__builtin_shufflevector((N)(v), (N)(v), half), W)
#define VK_EXTEND(P, from, sign, N, W, n)                                                                              \
    INLINE v128 P##_extend_low_##from##_##sign(v128 x) { return (v128)VK_WIDE(x, N, W, LOW##n); }                      \
    INLINE v128 P##_extend_high_##from##_##sign(v128 x) { return (v128)VK_WIDE(x, N, W, HIGH##n); }                    \
    INLINE v128 P##_extmul_low_##from##_##sign(v128 x, v128 y) {                                                       \
        return (v128)(VK_WIDE(x, N, W, LOW##n) * VK_WIDE(y, N, W, LOW##n));                                            \
    }                                                                                                                  \
    INLINE v128 P##_extmul_high_##from##_##sign(v128 x, v128 y) {                                                      \
        return (v128)(VK_WIDE(x, N, W, HIGH##n) * VK_WIDE(y, N, W, HIGH##n));                                          \
    }
VK_EXTEND(i16x8, i8x16, s, s8x16, s16x8, 8)
VK_EXTEND(i16x8, i8x16, u, u8x16, u16x8, 8)
VK_EXTEND(i32x4, i16x8, s, s16x8, s32x4, 4)
VK_EXTEND(i32x4, i16x8, u, u16x8, u32x4, 4)
VK_EXTEND(i64x2, i32x4, s, s32x4, s64x2, 2)
VK_EXTEND(i64x2, i32x4, u, u32x4, u64x2, 2)

#define EVEN8 0, 2, 4, 6, 8, 10, 12, 14
#define ODD8 1, 3, 5, 7, 9, 11, 13, 15
#define EVEN4 0, 2, 4, 6
#define ODD4 1, 3, 5, 7
INLINE v128 i16x8_extadd_pairwise_i8x16_s(v128 x) {
    return (v128)(VK_WIDE(x, s8x16, s16x8, EVEN8) + VK_WIDE(x, s8x16, s16x8, ODD8));
}
INLINE v128 i16x8_extadd_pairwise_i8x16_u(v128 x) {
    return (v128)(VK_WIDE(x, u8x16, u16x8, EVEN8) + VK_WIDE(x, u8x16, u16x8, ODD8));
}
INLINE v128 i32x4_extadd_pairwise_i16x8_s(v128 x) {
    return (v128)(VK_WIDE(x, s16x8, s32x4, EVEN4) + VK_WIDE(x, s16x8, s32x4, ODD4));
}
INLINE v128 i32x4_extadd_pairwise_i16x8_u(v128 x) {
    return (v128)(VK_WIDE(x, u16x8, u32x4, EVEN4) + VK_WIDE(x, u16x8, u32x4, ODD4));
}

VK_V2(i32x4_dot_i16x8_s, s16x8, __builtin_ia32_pmaddwd128(a, b))
INLINE v128 i16x8_q15mulr_sat_s(v128 x, v128 y) {
    u16x8 r = (u16x8)__builtin_ia32_pmulhrsw128((s16x8)x, (s16x8)y);
    return (v128)(r ^ (u16x8)(r == (u16x8){ALL8(0x8000)})); /* -1 * -1 */
}

#include "vk_simd_float.h"
#include "vk_simd_lane.h"
#include "vk_relaxed.h"
#endif
