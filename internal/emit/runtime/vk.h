/*
 * The vocabulary of emitted C: one macro or inline function per WebAssembly instruction,
 * named after it with '.' as '_'. Arguments of macros are names or constants, never
 * expressions with effects, so a macro may use one twice.
 *
 * GS holds the address of byte 0 of linear memory. An access is a pointer in clang's
 * address space 256, which is GS-relative; its value is an unsigned 33-bit sum for memory,
 * a negative constant for the words of the instance (see vk_layout.h).
 */
#ifndef VK_H
#define VK_H
#include "vk_layout.h"

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef short s16;
typedef unsigned u32;
typedef int s32;
typedef unsigned long u64;
typedef long s64;
typedef float f32;
typedef double f64;
typedef u64 v128 __attribute__((vector_size(16)));
typedef v128 v128_u __attribute__((aligned(1)));

/* Types of memory accesses: WebAssembly allows any alignment. */
#define VK_UNALIGNED(T) typedef T T##_u __attribute__((aligned(1)));
VK_UNALIGNED(u8)
VK_UNALIGNED(s8)
VK_UNALIGNED(u16)
VK_UNALIGNED(s16)
VK_UNALIGNED(u32)
VK_UNALIGNED(s32)
VK_UNALIGNED(u64)
VK_UNALIGNED(s64)
VK_UNALIGNED(f32)
VK_UNALIGNED(f64)

#define INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define SEG __attribute__((address_space(256)))

/* All functions are in one ELF: reach them directly. */
#pragma GCC visibility push(hidden)

/* AT: a word of the instance. EA: a memory address. MEM: what is there. */
#define AT(T, off) (*(T##_u SEG *)(s64)(off))
#define EA_PLAIN(a, o) ((u64)(u32)(a) + (u64)(o))
#define EA EA_PLAIN
/*
 * EA_BOUND is the same, but clang does not know how the addresses of a loop follow from one
 * another, and so cannot count with pointers: each one is cut to 32 bits.
 */
#define EA_BOUND(a, o)                                                                                                 \
    ({                                                                                                                 \
        u64 vk_ea;                                                                                                     \
        __asm__("movl %1, %k0" : "=r"(vk_ea) : "r"((u32)(a)));                                                         \
        vk_ea + (u64)(o);                                                                                              \
    })
/*
 * EA_FRESH is for frames that call setjmp: what clang knows of an address may be of a value that
 * was there before, so each access cuts it anew. See emit/function.go.
 */
#define EA_FRESH(a, o)                                                                                                 \
    (__builtin_constant_p(a) ? EA_PLAIN(a, o) : ({                                                                     \
        u64 vk_ea;                                                                                                     \
        __asm__ volatile("movl %1, %k0" : "=r"(vk_ea) : "r"((u32)(a)));                                                \
        vk_ea + (u64)(o);                                                                                              \
    }))
#define MEM(T, a, o) (*(T##_u SEG *)EA(a, o))

#define ARG(T, i) AT(T, VK_ARGS + 8 * (i))
#define RESULT(T, i) AT(T, VK_RESULTS + 16 * (i))

/* How floating point goes through the registers that all functions have; see emit/tail.go. */
typedef f32 f32x4 __attribute__((vector_size(16)));
typedef f64 f64x2 __attribute__((vector_size(16)));
#define PASS_f32(x) ((v128)(f32x4){x})
#define PASS_f64(x) ((v128)(f64x2){x})
#define PASS_v128(x) (x)
#define TAKE_f32(v) (((f32x4)(v))[0])
#define TAKE_f64(v) (((f64x2)(v))[0])
#define TAKE_v128(v) (v)

/* KEEP makes a value needed, so that what computes it stays and may trap. */
#define KEEP_I(x) __asm__ volatile("" ::"r"(x))
#define KEEP_F(x) __asm__ volatile("" ::"x"(x))

/* FRESH is a value of which clang knows nothing. See emit/function.go. */
#define FRESH(x, where)                                                                                                \
    ({                                                                                                                 \
        __typeof__(x) vk_fresh = (x);                                                                                  \
        __asm__ volatile("" : where(vk_fresh));                                                                        \
        vk_fresh;                                                                                                      \
    })
#define FRESH_I(x) FRESH(x, "+r")
#define FRESH_F(x) FRESH(x, "+x")

/* HIDE makes a variable something of which clang knows nothing. See emit/bound.go. */
#define HIDE(x) __asm__("" : "+r"(x))

/* BOUNDED is i, or n if that is less. clang does not know that it is, and so computes it. See brTable in emit. */
#define BOUNDED(i, n)                                                                                                  \
    ({                                                                                                                 \
        u32 vk_i = (i);                                                                                                \
        HIDE(vk_i);                                                                                                    \
        u64 vk_bounded = vk_i < (n) ? vk_i : (n);                                                                      \
        HIDE(vk_bounded);                                                                                              \
        vk_bounded;                                                                                                    \
    })

/* OBSERVE: signal handlers and threads may read and write memory here. See emit/loop.go. */
#define OBSERVE __asm__ volatile("" ::: "memory")

/* NOT_LAST follows a call that may be recursive: it is not to become a jump. See emit/recursion.go. */
#define NOT_LAST __asm__ volatile("")

/* vk_stubs.S */
u64 vk_exit(u64 kind, u64 code);
u32 vk_setjmp(u32 buf, u32 savemask) __attribute__((returns_twice));
#define VK_SETJMP(buf) vk_setjmp(buf, 0)
extern const u8 vk_text[];
#define COLD __attribute__((noreturn, cold))
void vk_trap_unreachable(void) COLD;
void vk_trap_divide(void) COLD;
void vk_trap_overflow(void) COLD;
void vk_trap_conversion(void) COLD;
void vk_trap_table(void) COLD;
void vk_trap_memory(void) COLD;
void vk_trap_unaligned(void) COLD;
void vk_trap_unshared(void) COLD;
void vk_trap_uncaught(void) COLD;
void vk_trap_null_exception(void) COLD;
void vk_trap_exceptions(void) COLD;
void vk_trap_element(u64 entry) COLD;

#include "vk_int.h"
#include "vk_float.h"
#include "vk_memory.h"
#include "vk_atomic.h"
#include "vk_table.h"
#include "vk_exception.h"
#endif
