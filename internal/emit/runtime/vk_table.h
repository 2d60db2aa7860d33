/*
 * Tables and function references. A reference is a u64: the code's offset from vk_text below,
 * the type id above; 0 is null. A table is entries of 8 bytes at a constant offset; it is
 * padded to a power of two, of which mask is one less.
 */
#define FUNC_REF(f, id) ((u64)(id) << 32 | (u32)((u64)(f) - (u64)vk_text))
#define ref_is_null(r) ((u32) !(r))
#define ENTRY(table, i) AT(u64, (s64)(table) + 8 * (s64)(i))

/*
 * The address of what call_indirect calls. The index is masked after its check, so that a
 * mispredicted check reads no entry from elsewhere; the assembly hides the check from the
 * optimiser, which would else drop the mask.
 */
INLINE const u8 *vk_callee(s64 table, u32 size, u32 mask, u32 id, u32 i) {
    if (UNLIKELY(i >= size)) vk_trap_table();
    __asm__("" : "+r"(i));
    u64 entry = ENTRY(table, i & mask);
    if (UNLIKELY((u32)(entry >> 32) != id)) vk_trap_element(entry);
    return vk_text + (u32)entry;
}

INLINE u64 table_get(s64 table, u32 size, u32 i) {
    if (UNLIKELY(i >= size)) vk_trap_table();
    return ENTRY(table, i);
}
INLINE void table_set(s64 table, u32 size, u32 i, u64 v) {
    if (UNLIKELY(i >= size)) vk_trap_table();
    ENTRY(table, i) = v;
}

/* vk_bulk.c. length is the offset of a segment's or table's length word. */
u32 vk_table_grow(s64 table, s64 length, u32 cap, u64 v, u32 n);
void vk_table_fill(s64 table, u32 size, u32 i, u64 v, u32 n);
void vk_table_copy(s64 dst, u32 dst_size, s64 src, u32 src_size, u32 d, u32 s, u32 n);
#define table_grow vk_table_grow
#define table_fill vk_table_fill
#define table_copy vk_table_copy
#define elem_drop(length) (AT(u32, length) = 0)
