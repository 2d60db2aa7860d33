/*
 * Float instructions. abs, neg, copysign and reinterpret work on bits; all others return a
 * quiet NaN for any NaN. clang may fold x*1 to x, which leaves a signalling NaN as it is: the
 * emitter passes such constants through OPAQUE, and so does demote its operand.
 */
INLINE f32 OPAQUE_f32(f32 x) {
    __asm__("" : "+x"(x));
    return x;
}
INLINE f64 OPAQUE_f64(f64 x) {
    __asm__("" : "+x"(x));
    return x;
}
INLINE v128 OPAQUE_v128(v128 x) {
    __asm__("" : "+x"(x));
    return x;
}

/* Bits to float: of constants that have no literal (NaN), and reinterpret. */
#define f32_reinterpret_i32(a)                                                                                         \
    (((union {                                                                                                         \
         u32 i;                                                                                                        \
         f32 f;                                                                                                        \
     }){.i = (a)})                                                                                                     \
         .f)
#define f64_reinterpret_i64(a)                                                                                         \
    (((union {                                                                                                         \
         u64 i;                                                                                                        \
         f64 f;                                                                                                        \
     }){.i = (a)})                                                                                                     \
         .f)
#define i32_reinterpret_f32(a)                                                                                         \
    (((union {                                                                                                         \
         f32 f;                                                                                                        \
         u32 i;                                                                                                        \
     }){.f = (a)})                                                                                                     \
         .i)
#define i64_reinterpret_f64(a)                                                                                         \
    (((union {                                                                                                         \
         f64 f;                                                                                                        \
         u64 i;                                                                                                        \
     }){.f = (a)})                                                                                                     \
         .i)

#define f32_eq(a, b) ((u32)((a) == (b)))
#define f32_ne(a, b) ((u32)((a) != (b)))
#define f32_lt(a, b) ((u32)((a) < (b)))
#define f32_gt(a, b) ((u32)((a) > (b)))
#define f32_le(a, b) ((u32)((a) <= (b)))
#define f32_ge(a, b) ((u32)((a) >= (b)))
#define f64_eq(a, b) ((u32)((a) == (b)))
#define f64_ne(a, b) ((u32)((a) != (b)))
#define f64_lt(a, b) ((u32)((a) < (b)))
#define f64_gt(a, b) ((u32)((a) > (b)))
#define f64_le(a, b) ((u32)((a) <= (b)))
#define f64_ge(a, b) ((u32)((a) >= (b)))

#define f32_add(a, b) ((a) + (b))
#define f32_sub(a, b) ((a) - (b))
#define f32_mul(a, b) ((a) * (b))
#define f32_div(a, b) ((a) / (b))
#define f32_abs(a) __builtin_fabsf(a)
#define f32_neg(a) (-(a))
#define f32_ceil(a) __builtin_ceilf(a)
#define f32_floor(a) __builtin_floorf(a)
#define f32_trunc(a) __builtin_truncf(a)
#define f32_nearest(a) __builtin_roundevenf(a)
#define f32_sqrt(a) __builtin_sqrtf(a)
#define f32_copysign(a, b) __builtin_copysignf(a, b)
#define f64_add(a, b) ((a) + (b))
#define f64_sub(a, b) ((a) - (b))
#define f64_mul(a, b) ((a) * (b))
#define f64_div(a, b) ((a) / (b))
#define f64_abs(a) __builtin_fabs(a)
#define f64_neg(a) (-(a))
#define f64_ceil(a) __builtin_ceil(a)
#define f64_floor(a) __builtin_floor(a)
#define f64_trunc(a) __builtin_trunc(a)
#define f64_nearest(a) __builtin_roundeven(a)
#define f64_sqrt(a) __builtin_sqrt(a)
#define f64_copysign(a, b) __builtin_copysign(a, b)

/* min and max: a NaN wins and is made quiet (by the addition); -0 is below +0. */
#define VK_MINMAX(w, iw)                                                                                               \
    INLINE f##w f##w##_min(f##w a, f##w b) {                                                                           \
        if (UNLIKELY(a != a || b != b)) return a + b;                                                                  \
        if (a == b) return f##w##_reinterpret_##iw(iw##_reinterpret_f##w(a) | iw##_reinterpret_f##w(b));               \
        return a < b ? a : b;                                                                                          \
    }                                                                                                                  \
    INLINE f##w f##w##_max(f##w a, f##w b) {                                                                           \
        if (UNLIKELY(a != a || b != b)) return a + b;                                                                  \
        if (a == b) return f##w##_reinterpret_##iw(iw##_reinterpret_f##w(a) & iw##_reinterpret_f##w(b));               \
        return a > b ? a : b;                                                                                          \
    }
VK_MINMAX(32, i32)
VK_MINMAX(64, i64)

#define f32_convert_i32_s(a) ((f32)(s32)(a))
#define f32_convert_i32_u(a) ((f32)(a))
#define f32_convert_i64_s(a) ((f32)(s64)(a))
#define f32_convert_i64_u(a) ((f32)(a))
#define f64_convert_i32_s(a) ((f64)(s32)(a))
#define f64_convert_i32_u(a) ((f64)(a))
#define f64_convert_i64_s(a) ((f64)(s64)(a))
#define f64_convert_i64_u(a) ((f64)(a))
#define f32_demote_f64(a) ((f32)OPAQUE_f64(a))
#define f64_promote_f32(a) ((f64)(a))

/*
 * Truncation. ABOVE is the last float below the range or the first that is in it, with the
 * comparison that goes with it (> or >=); BELOW is the first float above the range.
 */
#define VK_TRUNC(I, S, to, from, cmp, ABOVE, BELOW, MIN, MAX)                                                          \
    INLINE u##to i##to##_trunc_##from##_##S(from a) {                                                                  \
        if (UNLIKELY(a != a)) vk_trap_conversion();                                                                    \
        if (UNLIKELY(!(a cmp ABOVE && a < BELOW))) vk_trap_overflow();                                                 \
        return (u##to)(I)a;                                                                                            \
    }                                                                                                                  \
    INLINE u##to i##to##_trunc_sat_##from##_##S(from a) {                                                              \
        if (UNLIKELY(a != a)) return 0;                                                                                \
        if (UNLIKELY(!(a cmp ABOVE))) return (u##to)MIN;                                                               \
        if (UNLIKELY(!(a < BELOW))) return (u##to)MAX;                                                                 \
        return (u##to)(I)a;                                                                                            \
    }
VK_TRUNC(s32, s, 32, f32, >=, -0x1p31f, 0x1p31f, 1u << 31, ~0u >> 1)
VK_TRUNC(u32, u, 32, f32, >, -1.0f, 0x1p32f, 0, ~0u)
VK_TRUNC(s32, s, 32, f64, >, -2147483649.0, 0x1p31, 1u << 31, ~0u >> 1)
VK_TRUNC(u32, u, 32, f64, >, -1.0, 0x1p32, 0, ~0u)
VK_TRUNC(s64, s, 64, f32, >=, -0x1p63f, 0x1p63f, 1ul << 63, ~0ul >> 1)
VK_TRUNC(u64, u, 64, f32, >, -1.0f, 0x1p64f, 0, ~0ul)
VK_TRUNC(s64, s, 64, f64, >=, -0x1p63, 0x1p63, 1ul << 63, ~0ul >> 1)
VK_TRUNC(u64, u, 64, f64, >, -1.0, 0x1p64, 0, ~0ul)
