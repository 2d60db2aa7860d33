/*
 * Exceptions. A throw stores the values and the identity of its tag and returns; each call
 * that may throw is followed by a look at THROWN. See emit/exception.go.
 */
#define THROWN AT(u32, VK_THROWN)
#define IS_THROWN UNLIKELY(THROWN)

/* A reference to the exception that is thrown, of which the first n values matter. */
INLINE u64 exception_save(u32 n) {
    u64 ref = vk_exit(VK_EXIT_SAVE, n);
    if (UNLIKELY(!ref)) vk_trap_exceptions();
    return ref;
}

/* Throws the exception that a reference stands for. */
INLINE void exception_load(u64 ref) {
    if (UNLIKELY(!ref)) vk_trap_null_exception();
    ARG(u64, 0) = ref;
    if (UNLIKELY(!vk_exit(VK_EXIT_LOAD, 0))) vk_trap_null_exception();
}
