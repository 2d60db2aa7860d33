/*
 * memory.copy, memory.fill and their like, once for all programs. They address bytes by
 * their offset from GS, as everything does: a process may be stopped and copied in the middle.
 */
#include "vk.h"

#define BYTES(T, at) (*(T##_u SEG *)(at))

/*
 * The verifier of native code must see that every address has bounds: each is a 32-bit number,
 * or the sum of two. STEP keeps a counter what it is, as clang would else count with pointers,
 * of which that cannot be seen. LAST is where the last k of n bytes begin.
 */
#define STEP(i) __asm__("" : "+r"(i))
#define LAST(n, k)                                                                                                     \
    ({                                                                                                                 \
        u64 vk_at = (u32)((n) - (k));                                                                                  \
        STEP(vk_at);                                                                                                   \
        vk_at;                                                                                                         \
    })

/* copy_short copies up to 64 bytes: all loads come before all stores, so overlap is no matter. */
INLINE void copy_short(s64 d, s64 s, u64 n) {
    if (n > 32) {
        u64 l = LAST(n, 32);
        v128 a = BYTES(v128, s), b = BYTES(v128, s + 16);
        v128 y = BYTES(v128, s + l), z = BYTES(v128, s + l + 16);
        BYTES(v128, d) = a;
        BYTES(v128, d + 16) = b;
        BYTES(v128, d + l) = y;
        BYTES(v128, d + l + 16) = z;
    } else if (n >= 16) {
        u64 l = LAST(n, 16);
        v128 a = BYTES(v128, s), z = BYTES(v128, s + l);
        BYTES(v128, d) = a;
        BYTES(v128, d + l) = z;
    } else if (n >= 8) {
        u64 l = LAST(n, 8);
        u64 a = BYTES(u64, s), z = BYTES(u64, s + l);
        BYTES(u64, d) = a;
        BYTES(u64, d + l) = z;
    } else if (n >= 4) {
        u64 l = LAST(n, 4);
        u32 a = BYTES(u32, s), z = BYTES(u32, s + l);
        BYTES(u32, d) = a;
        BYTES(u32, d + l) = z;
    } else if (n > 0) {
        u64 l = LAST(n, 1);
        u8 a = BYTES(u8, s), b = BYTES(u8, s + n / 2), z = BYTES(u8, s + l);
        BYTES(u8, d) = a;
        BYTES(u8, d + n / 2) = b;
        BYTES(u8, d + l) = z;
    }
}

INLINE void copy_64(s64 d, s64 s) {
    v128 a = BYTES(v128, s), b = BYTES(v128, s + 16);
    v128 c = BYTES(v128, s + 32), e = BYTES(v128, s + 48);
    BYTES(v128, d) = a;
    BYTES(v128, d + 16) = b;
    BYTES(v128, d + 32) = c;
    BYTES(v128, d + 48) = e;
}

/* copy_up copies more than 64 bytes from the front; right unless d lies inside the source.
 * The last 64 bytes are loaded first, as their source may be overwritten by the loop. */
static void copy_up(s64 d, s64 s, u64 n) {
    u64 last = LAST(n, 64);
    v128 w = BYTES(v128, s + last), x = BYTES(v128, s + last + 16);
    v128 y = BYTES(v128, s + last + 32), z = BYTES(v128, s + last + 48);
    for (u64 i = 0; i < last; i += 64) {
        STEP(i);
        copy_64(d + i, s + i);
    }
    BYTES(v128, d + last) = w;
    BYTES(v128, d + last + 16) = x;
    BYTES(v128, d + last + 32) = y;
    BYTES(v128, d + last + 48) = z;
}

/* copy_down is its mirror image, for d inside the source. */
static void copy_down(s64 d, s64 s, u64 n) {
    v128 w = BYTES(v128, s), x = BYTES(v128, s + 16);
    v128 y = BYTES(v128, s + 32), z = BYTES(v128, s + 48);
    for (u64 i = n; i > 64; i -= 64) {
        STEP(i);
        copy_64(d + i - 64, s + i - 64);
    }
    BYTES(v128, d) = w;
    BYTES(v128, d + 16) = x;
    BYTES(v128, d + 32) = y;
    BYTES(v128, d + 48) = z;
}

INLINE void copy(s64 d, s64 s, u64 n) {
    if (n <= 64)
        copy_short(d, s, n);
    else if ((u64)(d - s) >= n)
        copy_up(d, s, n);
    else
        copy_down(d, s, n);
}

INLINE void fill(s64 d, u32 v, u64 n) {
    u64 w = (u8)v * 0x0101010101010101ul;
    v128 x = {w, w};
    if (n < 16) {
        if (n >= 8) {
            BYTES(u64, d) = w;
            BYTES(u64, d + LAST(n, 8)) = w;
        } else if (n >= 4) {
            BYTES(u32, d) = (u32)w;
            BYTES(u32, d + LAST(n, 4)) = (u32)w;
        } else if (n > 0) {
            BYTES(u8, d) = (u8)w;
            BYTES(u8, d + n / 2) = (u8)w;
            BYTES(u8, d + LAST(n, 1)) = (u8)w;
        }
        return;
    }
    u64 last = LAST(n, 16), quads = last > 48 ? LAST(last, 48) : 0, i = 0;
    for (; i < quads; i += 64) {
        STEP(i);
        BYTES(v128, d + i) = x;
        BYTES(v128, d + i + 16) = x;
        BYTES(v128, d + i + 32) = x;
        BYTES(v128, d + i + 48) = x;
    }
    for (; i < last; i += 16) {
        STEP(i);
        BYTES(v128, d + i) = x;
    }
    BYTES(v128, d + last) = x;
}

INLINE u64 memory_bytes(void) { return (u64)AT(u32, VK_PAGES) << 16; }

void vk_memory_copy(u32 d, u32 s, u32 n) {
    u64 size = memory_bytes();
    if (UNLIKELY((u64)d + n > size || (u64)s + n > size)) vk_trap_memory();
    copy(d, s, n);
}

void vk_memory_fill(u32 d, u32 v, u32 n) {
    if (UNLIKELY((u64)d + n > memory_bytes())) vk_trap_memory();
    fill(d, v, n);
}

/* apart tells whether a range lies in more than one page. If not, the first access faults or none. */
INLINE int apart(u32 a, u32 n) { return (u64)(a & 4095) + n > 4096; }

/* probe touches each page of a range, for reading or also for writing, so that a fault comes
 * before anything was changed. */
static void probe(u64 a, u64 n, int write) {
    if (a + n > 1ul << 32) vk_trap_memory();
    for (u64 end = a + n; a < end; a = (a | 4095) + 1) {
        if (write)
            __asm__ volatile("lock orb $0, %%gs:(%0)" ::"r"(a) : "memory", "cc");
        else
            KEEP_I(*(volatile u8 SEG *)a);
    }
}

void vk_memory_copy_mapped(u32 d, u32 s, u32 n) {
    u64 size = memory_bytes();
    if ((u64)s + n > size && apart(s, n)) probe(s, n, 0);
    if ((u64)d + n > size && apart(d, n)) probe(d, n, 1);
    copy(d, s, n);
}

void vk_memory_fill_mapped(u32 d, u32 v, u32 n) {
    if ((u64)d + n > memory_bytes() && apart(d, n)) probe(d, n, 1);
    fill(d, v, n);
}
