/* Integer instructions. Arithmetic wraps: operands are unsigned. */
#define i32_eqz(a) ((u32) !(a))
#define i32_eq(a, b) ((u32)((a) == (b)))
#define i32_ne(a, b) ((u32)((a) != (b)))
#define i32_lt_s(a, b) ((u32)((s32)(a) < (s32)(b)))
#define i32_lt_u(a, b) ((u32)((a) < (b)))
#define i32_gt_s(a, b) ((u32)((s32)(a) > (s32)(b)))
#define i32_gt_u(a, b) ((u32)((a) > (b)))
#define i32_le_s(a, b) ((u32)((s32)(a) <= (s32)(b)))
#define i32_le_u(a, b) ((u32)((a) <= (b)))
#define i32_ge_s(a, b) ((u32)((s32)(a) >= (s32)(b)))
#define i32_ge_u(a, b) ((u32)((a) >= (b)))
#define i64_eqz(a) ((u32) !(a))
#define i64_eq(a, b) ((u32)((a) == (b)))
#define i64_ne(a, b) ((u32)((a) != (b)))
#define i64_lt_s(a, b) ((u32)((s64)(a) < (s64)(b)))
#define i64_lt_u(a, b) ((u32)((a) < (b)))
#define i64_gt_s(a, b) ((u32)((s64)(a) > (s64)(b)))
#define i64_gt_u(a, b) ((u32)((a) > (b)))
#define i64_le_s(a, b) ((u32)((s64)(a) <= (s64)(b)))
#define i64_le_u(a, b) ((u32)((a) <= (b)))
#define i64_ge_s(a, b) ((u32)((s64)(a) >= (s64)(b)))
#define i64_ge_u(a, b) ((u32)((a) >= (b)))

#define i32_clz(a) ((a) ? (u32)__builtin_clz(a) : 32u)
#define i32_ctz(a) ((a) ? (u32)__builtin_ctz(a) : 32u)
#define i32_popcnt(a) ((u32)__builtin_popcount(a))
#define i64_clz(a) ((a) ? (u64)__builtin_clzl(a) : 64ul)
#define i64_ctz(a) ((a) ? (u64)__builtin_ctzl(a) : 64ul)
#define i64_popcnt(a) ((u64)__builtin_popcountl(a))

#define i32_add(a, b) ((a) + (b))
#define i32_sub(a, b) ((a) - (b))
#define i32_mul(a, b) ((a) * (b))
#define i32_and(a, b) ((a) & (b))
#define i32_or(a, b) ((a) | (b))
#define i32_xor(a, b) ((a) ^ (b))
#define i32_shl(a, b) ((a) << ((b) & 31))
#define i32_shr_s(a, b) ((u32)((s32)(a) >> ((b) & 31)))
#define i32_shr_u(a, b) ((a) >> ((b) & 31))
#define i32_rotl(a, b) __builtin_rotateleft32(a, b)
#define i32_rotr(a, b) __builtin_rotateright32(a, b)
#define i64_add(a, b) ((a) + (b))
#define i64_sub(a, b) ((a) - (b))
#define i64_mul(a, b) ((a) * (b))
#define i64_and(a, b) ((a) & (b))
#define i64_or(a, b) ((a) | (b))
#define i64_xor(a, b) ((a) ^ (b))
#define i64_shl(a, b) ((a) << ((b) & 63))
#define i64_shr_s(a, b) ((u64)((s64)(a) >> ((b) & 63)))
#define i64_shr_u(a, b) ((a) >> ((b) & 63))
#define i64_rotl(a, b) __builtin_rotateleft64(a, b)
#define i64_rotr(a, b) __builtin_rotateright64(a, b)

#define i32_extend8_s(a) ((u32)(s32)(s8)(a))
#define i32_extend16_s(a) ((u32)(s32)(s16)(a))
#define i64_extend8_s(a) ((u64)(s64)(s8)(a))
#define i64_extend16_s(a) ((u64)(s64)(s16)(a))
#define i64_extend32_s(a) ((u64)(s64)(s32)(a))
#define i32_wrap_i64(a) ((u32)(a))
#define i64_extend_i32_s(a) ((u64)(s64)(s32)(a))
#define i64_extend_i32_u(a) ((u64)(a))

#define SELECT(a, b, c) ((c) ? (a) : (b))

/* Division traps on zero and on the one quotient that does not fit; that remainder is 0. */
#define VK_DIVISION(w)                                                                                                 \
    INLINE u##w i##w##_div_s(u##w a, u##w b) {                                                                         \
        if (UNLIKELY(b == 0)) vk_trap_divide();                                                                        \
        if (UNLIKELY(b + 1 == 0 && a == (u##w)1 << (w - 1))) vk_trap_overflow();                                       \
        return (u##w)((s##w)a / (s##w)b);                                                                              \
    }                                                                                                                  \
    INLINE u##w i##w##_div_u(u##w a, u##w b) {                                                                         \
        if (UNLIKELY(b == 0)) vk_trap_divide();                                                                        \
        return a / b;                                                                                                  \
    }                                                                                                                  \
    INLINE u##w i##w##_rem_s(u##w a, u##w b) {                                                                         \
        if (UNLIKELY(b == 0)) vk_trap_divide();                                                                        \
        return b + 1 == 0 ? 0 : (u##w)((s##w)a % (s##w)b);                                                             \
    }                                                                                                                  \
    INLINE u##w i##w##_rem_u(u##w a, u##w b) {                                                                         \
        if (UNLIKELY(b == 0)) vk_trap_divide();                                                                        \
        return a % b;                                                                                                  \
    }
VK_DIVISION(32)
VK_DIVISION(64)
