/*
 * The ways into and out of compiled code. This object is linked first: vk_text, its start,
 * is the origin of all code offsets. GS is base (see package layout); a stack pointer that
 * is stored is taken up by the engine at once, which keeps it relative.
 */
#include "vk_layout.h"

.macro FUNCTION name
	.p2align 4, 0xcc
	.globl \name
	.hidden \name
	.type \name, @function
\name:
.endm

.macro END name
	.size \name, . - \name
.endm

	.text
	.p2align 12
	.globl vk_text
	.hidden vk_text
vk_text:
	ud2		/* offset 0 is no function: a null reference that is called traps */

/*
 * u64 vk_exit(u64 kind, u64 code): leave for the host; returns when it resumes. The engine
 * pops r15 r14 r13 r12 rbx rbp and returns, with the result in rax.
 */
FUNCTION vk_exit
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rdi, %gs:VK_EXIT_KIND
	movq %rsi, %gs:VK_EXIT_CODE
	movq %rsp, %gs:VK_GUEST_SP
	movq %gs:VK_HOST_SP, %rsp
	ret
END vk_exit

/*
 * u32 vk_setjmp(u32 buf, u32 savemask): a vk_exit that may return again. What it pushes and
 * its return address are the record that the engine keeps.
 */
FUNCTION vk_setjmp
	movl %edi, %eax
	movl %esi, %ecx
	movq %rax, %gs:VK_ARGS
	movq %rcx, %gs:VK_ARGS+8
	movl $VK_EXIT_SETJMP, %edi
	xorl %esi, %esi
	jmp vk_exit
END vk_setjmp

/*
 * Where an activation begins: rbp is the function's address, rbx r12 r13 r14 are its
 * arguments, the stack is aligned for the call.
 */
FUNCTION vk_enter
	movq %rbx, %rdi
	movq %r12, %rsi
	movq %r13, %rdx
	movq %r14, %rcx
	call *%rbp
	cmpl $0, %gs:VK_THROWN
	jne vk_trap_uncaught
	movq %rax, %gs:VK_ARGS
	movl $VK_EXIT_RETURN, %edi
	xorl %esi, %esi
	call vk_exit
	ud2
END vk_enter

/* Traps: the reason, then an illegal instruction. Called, so that the caller is on the stack. */
.macro TRAP name, code
FUNCTION vk_trap_\name
	movq $\code, %gs:VK_EXIT_CODE
	ud2
END vk_trap_\name
.endm

	TRAP unreachable, VK_TRAP_UNREACHABLE
	TRAP divide, VK_TRAP_DIVIDE
	TRAP overflow, VK_TRAP_OVERFLOW
	TRAP conversion, VK_TRAP_CONVERSION
	TRAP table, VK_TRAP_TABLE
	TRAP null, VK_TRAP_NULL
	TRAP type, VK_TRAP_TYPE
	TRAP memory, VK_TRAP_MEMORY
	TRAP unaligned, VK_TRAP_UNALIGNED
	TRAP unshared, VK_TRAP_UNSHARED
	TRAP uncaught, VK_TRAP_UNCAUGHT
	TRAP null_exception, VK_TRAP_NULL_EXCEPTION
	TRAP exceptions, VK_TRAP_EXCEPTIONS

/* void vk_trap_element(u64 entry): the entry that call_indirect found is not of its type. */
FUNCTION vk_trap_element
	testq %rdi, %rdi
	je vk_trap_null
	jmp vk_trap_type
END vk_trap_element

	.section .note.GNU-stack, "", @progbits
