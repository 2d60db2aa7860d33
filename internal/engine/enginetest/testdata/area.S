// The image of the instance area (two pages) and of memory (two pages at 64 KiB).
#include "vk_layout.h"
	.section .vk.area, "a", @progbits
	.p2align 12
	.globl vk_area
vk_area:
	.zero 4096 - 16 - 16 - 64 - 8
	.long 6, 0                      // size of the table, at -4096-104
	.long h_one - 0x200000, 1        // the table, at -4096-96
	.long h_three - 0x200000, 2
	.long h_bad - 0x200000, 3
	.long 0, 0
	.long h_overflow - 0x200000, 4
	.long h_jump - 0x200000, 4
	.long 0, 0
	.long 0, 0
	.quad 0, 0                      // COUNTER, at -4128
	.long 65536, 0, 0, 0            // __stack_pointer, at -4112
	.zero 4096 + VK_PAGES
	.long 4
	.zero -VK_PAGES - 4
	.section .vk.image, "a", @progbits
	.p2align 12
	.globl vk_image
vk_image:
	.ascii "the memory image"
	.zero 8192 - 16
	.section .note.GNU-stack, "", @progbits
