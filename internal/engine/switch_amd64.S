// The stack switch between host and guest. See doc.go for the model.
#include "run.h"

	.text
	.globl vk_switch, vk_window_begin, vk_window_end
	.globl vk_held, vk_out_trap, vk_out_preempt
	.hidden vk_switch, vk_window_begin, vk_window_end
	.hidden vk_held, vk_out_trap, vk_out_preempt

// uint64_t vk_switch(result rdi, full rsi): GS is set. Enters the guest; returns why it left.
//
// From the check of the kick to the jump into the guest nothing is consumed: neither the
// frame on the guest's stack nor the saved registers. So a kick that comes in this window
// simply drops the entry (vk_held), and no kick is lost between check and entry.
	.type vk_switch, @function
	.p2align 5
vk_switch:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	lea vk_left(%rip), %rax
	push %rax                       // the guest's exit stub returns here
	mov %rsp, %gs:VK_HOST_SP
vk_window_begin:
	cmpl $0, %gs:VK_SAVE+VK_S_KICK
	jne vk_held
	test %esi, %esi
	jne 1f
	mov %rdi, %rax
	mov %gs:VK_GUEST_SP, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	pop %rcx                        // a ret would be mispredicted, and all that follow it
	jmp *%rcx
1:	fxrstor64 %gs:VK_SAVE+VK_S_FX
	pushq %gs:VK_SAVE+VK_S_RFLAGS
	popfq
	mov %gs:VK_SAVE+0, %rax
	mov %gs:VK_SAVE+8, %rcx
	mov %gs:VK_SAVE+16, %rdx
	mov %gs:VK_SAVE+24, %rbx
	mov %gs:VK_SAVE+32, %rsp
	mov %gs:VK_SAVE+40, %rbp
	mov %gs:VK_SAVE+48, %rsi
	mov %gs:VK_SAVE+56, %rdi
	mov %gs:VK_SAVE+64, %r8
	mov %gs:VK_SAVE+72, %r9
	mov %gs:VK_SAVE+80, %r10
	mov %gs:VK_SAVE+88, %r11
	mov %gs:VK_SAVE+96, %r12
	mov %gs:VK_SAVE+104, %r13
	mov %gs:VK_SAVE+112, %r14
	mov %gs:VK_SAVE+120, %r15
	jmp *%gs:VK_SAVE+VK_S_RIP
vk_window_end:

// The exit stub of the guest has loaded HostSP and returned.
vk_left:
	mov %gs:VK_EXIT_KIND, %rax
	jmp vk_pop

// The signal handler sends an interrupted guest here, with any stack pointer.
vk_out_trap:
	mov $VK_EXIT_TRAP, %eax
	jmp vk_host_stack
vk_out_preempt:
	mov $VK_EXIT_PREEMPT, %eax
	jmp vk_host_stack
vk_held:
	mov $VK_EXIT_HELD, %eax
vk_host_stack:
	mov %gs:VK_HOST_SP, %rsp
	lea 8(%rsp), %rsp               // drop the return address vk_left
vk_pop:
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size vk_switch, .-vk_switch
	.section .note.GNU-stack,"",@progbits
