/* Atomics: sequentially consistent, through GS like all accesses; misaligned ones trap. */
INLINE u64 vk_aligned(u32 a, u64 o, u64 width) {
    u64 ea = EA_BOUND(a, o);
    if (UNLIKELY(ea & (width - 1))) vk_trap_unaligned();
    return ea;
}
#define VK_ATOM(T, a, o) ((T SEG *)vk_aligned(a, o, sizeof(T)))

/*
 * The old value is hidden from the optimiser. It would else see that only a flag is wanted, as in
 * "decrement and test", and make `lock dec` or `lock bts` of it, for which clang-19 forgets the
 * segment (seen): an access to an address of the host that the guest chooses.
 */
/* R: the WebAssembly type, with its C type C; T: the type in memory; n, u: parts of the names. */
#define VK_ATOMIC_RMW(R, C, T, n, u, op, f)                                                                            \
    INLINE C R##_atomic_rmw##n##_##op##u(u32 a, u64 o, C v) {                                                          \
        T old = f(VK_ATOM(T, a, o), (T)v, __ATOMIC_SEQ_CST);                                                           \
        __asm__("" : "+r"(old));                                                                                       \
        return (C)old;                                                                                                 \
    }
#define VK_ATOMIC(R, C, T, n, u)                                                                                       \
    INLINE C R##_atomic_load##n##u(u32 a, u64 o) { return (C)__atomic_load_n(VK_ATOM(T, a, o), __ATOMIC_SEQ_CST); }    \
    INLINE void R##_atomic_store##n(u32 a, u64 o, C v) { __atomic_store_n(VK_ATOM(T, a, o), (T)v, __ATOMIC_SEQ_CST); } \
    INLINE C R##_atomic_rmw##n##_cmpxchg##u(u32 a, u64 o, C expected, C v) {                                           \
        T found = (T)expected;                                                                                         \
        T SEG *p = VK_ATOM(T, a, o);                                                                                   \
        if (UNLIKELY((C)found != expected)) /* wider than the cell */                                                  \
            return (C)__atomic_load_n(p, __ATOMIC_SEQ_CST);                                                            \
        __atomic_compare_exchange_n(p, &found, (T)v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                           \
        return (C)found;                                                                                               \
    }                                                                                                                  \
    VK_ATOMIC_RMW(R, C, T, n, u, add, __atomic_fetch_add)                                                              \
    VK_ATOMIC_RMW(R, C, T, n, u, sub, __atomic_fetch_sub)                                                              \
    VK_ATOMIC_RMW(R, C, T, n, u, and, __atomic_fetch_and)                                                              \
    VK_ATOMIC_RMW(R, C, T, n, u, or, __atomic_fetch_or)                                                                \
    VK_ATOMIC_RMW(R, C, T, n, u, xor, __atomic_fetch_xor)                                                              \
    VK_ATOMIC_RMW(R, C, T, n, u, xchg, __atomic_exchange_n)
VK_ATOMIC(i32, u32, u32, , )
VK_ATOMIC(i32, u32, u8, 8, _u)
VK_ATOMIC(i32, u32, u16, 16, _u)
VK_ATOMIC(i64, u64, u64, , )
VK_ATOMIC(i64, u64, u8, 8, _u)
VK_ATOMIC(i64, u64, u16, 16, _u)
VK_ATOMIC(i64, u64, u32, 32, _u)

#define atomic_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* Wait and notify on a shared memory are the kernel's; the cell is touched first, so that a
 * bad address faults here. */
INLINE u32 vk_wait(u64 ea, u64 expected, u64 timeout, u64 width) {
    ARG(u64, 0) = ea;
    ARG(u64, 1) = expected;
    ARG(u64, 2) = timeout;
    ARG(u64, 3) = width;
    return (u32)vk_exit(VK_EXIT_WAIT, 0);
}
INLINE u32 memory_atomic_wait32_shared(u32 a, u64 o, u32 expected, u64 timeout) {
    u64 ea = vk_aligned(a, o, 4);
    KEEP_I(*(u32 SEG *)ea);
    return vk_wait(ea, expected, timeout, 4);
}
INLINE u32 memory_atomic_wait64_shared(u32 a, u64 o, u64 expected, u64 timeout) {
    u64 ea = vk_aligned(a, o, 8);
    KEEP_I(*(u64 SEG *)ea);
    return vk_wait(ea, expected, timeout, 8);
}
INLINE u32 memory_atomic_notify_shared(u32 a, u64 o, u32 count) {
    u64 ea = vk_aligned(a, o, 4);
    KEEP_I(*(u32 SEG *)ea);
    ARG(u64, 0) = ea;
    ARG(u64, 1) = count;
    return (u32)vk_exit(VK_EXIT_NOTIFY, 0);
}

/* On a memory that is not shared nobody can wait. */
INLINE u32 memory_atomic_wait32(u32 a, u64 o, u32 expected, u64 timeout) {
    u64 ea = vk_aligned(a, o, 4);
    KEEP_I(*(u32 SEG *)ea);
    (void)expected, (void)timeout;
    vk_trap_unshared();
}
INLINE u32 memory_atomic_wait64(u32 a, u64 o, u64 expected, u64 timeout) {
    u64 ea = vk_aligned(a, o, 8);
    KEEP_I(*(u64 SEG *)ea);
    (void)expected, (void)timeout;
    vk_trap_unshared();
}
INLINE u32 memory_atomic_notify(u32 a, u64 o, u32 count) {
    u64 ea = vk_aligned(a, o, 4);
    KEEP_I(*(u32 SEG *)ea);
    (void)count;
    return 0;
}
