/* Loads, stores and bulk memory. An access outside of memory faults: no check is needed. */
/*
 * A load stays, even if its result is not used: it may trap. In plain loops (see emit/loop.go)
 * vectors are worth more.
 */
#define LOADED(T, a, o) (*(const volatile T##_u SEG *)EA(a, o))
#define i32_load(a, o) LOADED(u32, a, o)
#define i64_load(a, o) LOADED(u64, a, o)
#define f32_load(a, o) LOADED(f32, a, o)
#define f64_load(a, o) LOADED(f64, a, o)
#define i32_load8_s(a, o) ((u32)(s32)LOADED(s8, a, o))
#define i32_load8_u(a, o) ((u32)LOADED(u8, a, o))
#define i32_load16_s(a, o) ((u32)(s32)LOADED(s16, a, o))
#define i32_load16_u(a, o) ((u32)LOADED(u16, a, o))
#define i64_load8_s(a, o) ((u64)(s64)LOADED(s8, a, o))
#define i64_load8_u(a, o) ((u64)LOADED(u8, a, o))
#define i64_load16_s(a, o) ((u64)(s64)LOADED(s16, a, o))
#define i64_load16_u(a, o) ((u64)LOADED(u16, a, o))
#define i64_load32_s(a, o) ((u64)(s64)LOADED(s32, a, o))
#define i64_load32_u(a, o) ((u64)LOADED(u32, a, o))

#define plain_i32_load(a, o) MEM(u32, a, o)
#define plain_i64_load(a, o) MEM(u64, a, o)
#define plain_f32_load(a, o) MEM(f32, a, o)
#define plain_f64_load(a, o) MEM(f64, a, o)
#define plain_i32_load8_s(a, o) ((u32)(s32)MEM(s8, a, o))
#define plain_i32_load8_u(a, o) ((u32)MEM(u8, a, o))
#define plain_i32_load16_s(a, o) ((u32)(s32)MEM(s16, a, o))
#define plain_i32_load16_u(a, o) ((u32)MEM(u16, a, o))
#define plain_i64_load8_s(a, o) ((u64)(s64)MEM(s8, a, o))
#define plain_i64_load8_u(a, o) ((u64)MEM(u8, a, o))
#define plain_i64_load16_s(a, o) ((u64)(s64)MEM(s16, a, o))
#define plain_i64_load16_u(a, o) ((u64)MEM(u16, a, o))
#define plain_i64_load32_s(a, o) ((u64)(s64)MEM(s32, a, o))
#define plain_i64_load32_u(a, o) ((u64)MEM(u32, a, o))

/*
 * A store stays, even if another one to the same place follows: a signal handler may look in
 * between. In plain loops (see emit/loop.go) this does not matter, and vectors do.
 */
#define STORED(T, a, o) (*(volatile T##_u SEG *)EA(a, o))
#define i32_store(a, o, v) (STORED(u32, a, o) = (v))
#define i64_store(a, o, v) (STORED(u64, a, o) = (v))
#define f32_store(a, o, v) (STORED(f32, a, o) = (v))
#define f64_store(a, o, v) (STORED(f64, a, o) = (v))
#define i32_store8(a, o, v) (STORED(u8, a, o) = (u8)(v))
#define i32_store16(a, o, v) (STORED(u16, a, o) = (u16)(v))
#define i64_store8(a, o, v) (STORED(u8, a, o) = (u8)(v))
#define i64_store16(a, o, v) (STORED(u16, a, o) = (u16)(v))
#define i64_store32(a, o, v) (STORED(u32, a, o) = (u32)(v))

#define plain_i32_store(a, o, v) (MEM(u32, a, o) = (v))
#define plain_i64_store(a, o, v) (MEM(u64, a, o) = (v))
#define plain_f32_store(a, o, v) (MEM(f32, a, o) = (v))
#define plain_f64_store(a, o, v) (MEM(f64, a, o) = (v))
#define plain_i32_store8(a, o, v) (MEM(u8, a, o) = (u8)(v))
#define plain_i32_store16(a, o, v) (MEM(u16, a, o) = (u16)(v))
#define plain_i64_store8(a, o, v) (MEM(u8, a, o) = (u8)(v))
#define plain_i64_store16(a, o, v) (MEM(u16, a, o) = (u16)(v))
#define plain_i64_store32(a, o, v) (MEM(u32, a, o) = (u32)(v))

/* Not a plain load: clang would join it with one of a global, at an address that is one or the other. */
/*
 * A load from, and a store to, the address (u32)(a + b + c), c a constant: for registers of 32 bits the assembler
 * adds the prefix addr32, so the sum is cut to 32 bits. See emit/sum.go.
 */
#define SUM_LOAD(T, insn, in, a, b, c)                                                                                 \
    ({                                                                                                                 \
        T vk_loaded;                                                                                                   \
        __asm__ volatile(insn " %%gs:%c3(%k1,%k2), %0" : in(vk_loaded) : "r"(a), "r"(b), "i"((s32)(c)) : "memory");    \
        vk_loaded;                                                                                                     \
    })
#define SUM_STORE(T, insn, in, a, b, c, v)                                                                             \
    __asm__ volatile(insn " %0, %%gs:%c3(%k1,%k2)" ::in((T)(v)), "r"(a), "r"(b), "i"((s32)(c)) : "memory")

#define memory_size()                                                                                                  \
    ({                                                                                                                 \
        u32 vk_pages;                                                                                                  \
        __asm__ volatile("movl %%gs:%c1, %0" : "=r"(vk_pages) : "i"(VK_PAGES) : "memory");                             \
        vk_pages;                                                                                                      \
    })
#define memory_grow(n) (ARG(u64, 0) = (n), (u32)vk_exit(VK_EXIT_GROW, 0))

/*
 * vk_bulk.c. The plain forms hold memory.size for the limit, as the specification says.
 * The _mapped forms are for programs that map pages above it: there, the pages are what counts.
 */
void vk_memory_copy(u32 d, u32 s, u32 n);
void vk_memory_fill(u32 d, u32 v, u32 n);
void vk_memory_copy_mapped(u32 d, u32 s, u32 n);
void vk_memory_fill_mapped(u32 d, u32 v, u32 n);

/* Small copies of constant length: everything is loaded before anything is stored. */
#define VK_SMALL 64
INLINE void vk_small_copy(u32 d, u32 s, u32 n) {
    if (n >= 16) {
        v128 a = MEM(v128, s, 0), z = MEM(v128, s, n - 16), b = a, c = a;
        if (n > 32) b = MEM(v128, s, 16);
        if (n > 48) c = MEM(v128, s, 32);
        MEM(v128, d, 0) = a;
        if (n > 32) MEM(v128, d, 16) = b;
        if (n > 48) MEM(v128, d, 32) = c;
        MEM(v128, d, n - 16) = z;
    } else if (n >= 8) {
        u64 a = MEM(u64, s, 0), z = MEM(u64, s, n - 8);
        MEM(u64, d, 0) = a;
        MEM(u64, d, n - 8) = z;
    } else if (n >= 4) {
        u32 a = MEM(u32, s, 0), z = MEM(u32, s, n - 4);
        MEM(u32, d, 0) = a;
        MEM(u32, d, n - 4) = z;
    } else if (n >= 1) {
        u8 a = MEM(u8, s, 0), b = MEM(u8, s, n / 2), z = MEM(u8, s, n - 1);
        MEM(u8, d, 0) = a;
        MEM(u8, d, n / 2) = b;
        MEM(u8, d, n - 1) = z;
    }
}
INLINE void vk_small_fill(u32 d, u32 v, u32 n) {
    u64 w = (u8)v * 0x0101010101010101ul;
    v128 x = {w, w};
    if (n >= 16) {
        MEM(v128, d, 0) = x;
        if (n > 32) MEM(v128, d, 16) = x;
        if (n > 48) MEM(v128, d, 32) = x;
        MEM(v128, d, n - 16) = x;
    } else if (n >= 8) {
        MEM(u64, d, 0) = w;
        MEM(u64, d, n - 8) = w;
    } else if (n >= 4) {
        MEM(u32, d, 0) = (u32)w;
        MEM(u32, d, n - 4) = (u32)w;
    } else if (n >= 1) {
        MEM(u8, d, 0) = (u8)w;
        MEM(u8, d, n / 2) = (u8)w;
        MEM(u8, d, n - 1) = (u8)w;
    }
}
#define IS_SMALL(n) (__builtin_constant_p(n) && (n) <= VK_SMALL)

#define memory_copy(d, s, n) vk_memory_copy(d, s, n)
#define memory_fill(d, v, n) vk_memory_fill(d, v, n)
#define memory_copy_mapped(d, s, n) (IS_SMALL(n) ? vk_small_copy(d, s, n) : vk_memory_copy_mapped(d, s, n))
#define memory_fill_mapped(d, v, n) (IS_SMALL(n) ? vk_small_fill(d, v, n) : vk_memory_fill_mapped(d, v, n))
