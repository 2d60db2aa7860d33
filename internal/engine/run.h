// What the C, the assembly and the Go of this package agree on. The offsets from base are
// those of package layout; a Go test compares.
#ifndef VK_RUN_H
#define VK_RUN_H

#define VK_HOST_SP (-8)
#define VK_GUEST_SP (-16)
#define VK_EXIT_KIND (-24)
#define VK_EXIT_CODE (-32)
#define VK_SAVE (-4096)

#define VK_EXIT_TRAP 6
#define VK_EXIT_PREEMPT 7
#define VK_EXIT_HELD 255 // a kick was pending: the guest was not entered

// Offsets in struct vk_save, for the assembly.
#define VK_S_RIP 128
#define VK_S_RFLAGS 136
#define VK_S_KICK 200
#define VK_S_FX 256

#ifndef __ASSEMBLER__
#include <stdint.h>

// The engine's words of an instance, at base + VK_SAVE. Registers in the order of their
// encoding (rax rcx rdx rbx rsp rbp rsi rdi r8..r15).
struct vk_save {
    uint64_t gpr[16];
    uint64_t rip, rflags;
    uint64_t signo, addr;        // of the last trap: signal, si_addr
    uint64_t text_lo, text_hi;   // the code that the instance runs
    uint64_t stack_lo, stack_hi; // where its stack pointer can be, guard included
    uint64_t stack_bottom;       // below it lies the guard
    uint32_t kick;               // 1: it shall leave
    uint32_t tid;                // the thread that runs it, or 0
    uint64_t pad[6];
    uint8_t fx[512] __attribute__((aligned(16))); // FXSAVE image
};

uint64_t vk_run(uintptr_t base, uint64_t result, uint64_t full);
int vk_init(int kick_signal);
void vk_use_fsgsbase(int on);
#endif
#endif
