/*
 * Tables and function references. A reference is a u64: the code's offset from vk_text below,
 * the type id above; 0 is null. A table is entries of 8 bytes at a constant offset; it is
 * padded to a power of two, of which mask is one less.
 */
#define FUNC_REF(f, id) ((u64)(id) << 32 | (u32)((u64)(f) - (u64)vk_text))
#define ref_is_null(r) ((u32) !(r))
#define ENTRY(table, i) AT(u64, (s64)(table) + 8 * (s64)(i))

/*
 * Keeps clang from making one access of two of different tables, whose masks then do not visibly belong to
 * their bases.
 */
#define OF_TABLE(entry, table) __asm__("" : "+r"(entry) : "i"(table))

/*
 * The address of what call_indirect calls. The index is masked after its check, so that a
 * mispredicted check reads no entry from elsewhere; the assembly hides the check from the
 * optimiser, which would else drop the mask.
 */
INLINE const u8 *vk_callee(s64 table, u32 size, u32 mask, u32 id, u32 i) {
    if (UNLIKELY(i >= size)) vk_trap_table();
    __asm__("" : "+r"(i));
    u64 entry = ENTRY(table, i & mask);
    OF_TABLE(entry, table);
    if (UNLIKELY((u32)(entry >> 32) != id)) vk_trap_element(entry);
    return vk_text + (u32)entry;
}

INLINE u64 table_get(s64 table, u32 size, u32 mask, u32 i) {
    if (UNLIKELY(i >= size)) vk_trap_table();
    __asm__("" : "+r"(i));
    u64 entry = ENTRY(table, i & mask);
    OF_TABLE(entry, table);
    return entry;
}

/*
 * What writes a table, and what reads a segment, is the engine's work: it compares references
 * with the list of those that there are. t and s are numbers of tables and segments.
 */
INLINE u64 vk_table_exit(u64 op, u64 a, u64 b, u64 c, u64 d, u64 e) {
    ARG(u64, 0) = a;
    ARG(u64, 1) = b;
    ARG(u64, 2) = c;
    ARG(u64, 3) = d;
    ARG(u64, 4) = e;
    return vk_exit(VK_EXIT_TABLE, op);
}
INLINE void table_set(u32 t, u32 i, u64 v) {
    if (UNLIKELY(vk_table_exit(VK_TABLE_SET, t, i, v, 0, 0))) vk_trap_table();
}
INLINE void table_fill(u32 t, u32 i, u64 v, u32 n) {
    if (UNLIKELY(vk_table_exit(VK_TABLE_FILL, t, i, v, n, 0))) vk_trap_table();
}
INLINE void table_copy(u32 dst, u32 src, u32 d, u32 s, u32 n) {
    if (UNLIKELY(vk_table_exit(VK_TABLE_COPY, dst, src, d, s, n))) vk_trap_table();
}
INLINE void table_init(u32 t, u32 segment, u32 d, u32 s, u32 n) {
    if (UNLIKELY(vk_table_exit(VK_TABLE_INIT, t, segment, d, s, n))) vk_trap_table();
}
INLINE u32 table_grow(u32 t, u64 v, u32 n) { return (u32)vk_table_exit(VK_TABLE_GROW, t, v, n, 0, 0); }
INLINE void memory_init(u32 segment, u32 d, u32 s, u32 n) {
    if (UNLIKELY(vk_table_exit(VK_MEMORY_INIT, segment, d, s, n, 0))) vk_trap_memory();
}
#define elem_drop(length) (AT(u32, length) = 0)
#define data_drop(length) (AT(u32, length) = 0)
