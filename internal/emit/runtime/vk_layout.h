/* The numbers of package layout, for C and assembly. A test compares them. */
#ifndef VK_LAYOUT_H
#define VK_LAYOUT_H

/* Offsets from base. */
#define VK_HOST_SP -8
#define VK_GUEST_SP -16
#define VK_EXIT_KIND -24
#define VK_EXIT_CODE -32
#define VK_PAGES -40
#define VK_RECORDS -48
#define VK_THROWN -56
#define VK_ARGS -512
#define VK_RESULTS -2048

/* Exit kinds. */
#define VK_EXIT_SYSCALL 1
#define VK_EXIT_RETURN 2
#define VK_EXIT_GROW 3
#define VK_EXIT_SETJMP 4
#define VK_EXIT_LONGJMP 5
#define VK_EXIT_WAIT 8
#define VK_EXIT_NOTIFY 9
#define VK_EXIT_SAVE 10
#define VK_EXIT_LOAD 11
#define VK_EXIT_TABLE 12

/* Operations of VK_EXIT_TABLE. */
#define VK_TABLE_SET 1
#define VK_TABLE_FILL 2
#define VK_TABLE_COPY 3
#define VK_TABLE_INIT 4
#define VK_TABLE_GROW 5
#define VK_MEMORY_INIT 6

/* Trap codes. */
#define VK_TRAP_UNREACHABLE 1
#define VK_TRAP_DIVIDE 2
#define VK_TRAP_OVERFLOW 3
#define VK_TRAP_CONVERSION 4
#define VK_TRAP_TABLE 5
#define VK_TRAP_NULL 6
#define VK_TRAP_TYPE 7
#define VK_TRAP_MEMORY 8
#define VK_TRAP_UNALIGNED 9
#define VK_TRAP_UNSHARED 10
#define VK_TRAP_UNCAUGHT 11
#define VK_TRAP_NULL_EXCEPTION 12
#define VK_TRAP_EXCEPTIONS 13

#endif
