// The guest of the engine's tests, written by hand in the vocabulary of emitted C. Functions
// named x_* are export thunks, h_* stand in the function table.
#include "vk.h"

#define SYSCALL(n) (vk_exit(VK_EXIT_SYSCALL, n))
#define SP AT(u32, -4112) // __stack_pointer
#define COUNTER AT(u64, -4128)
#define NOINLINE __attribute__((noinline))

void x_add(void) { RESULT(u64, 0) = ARG(u64, 0) + ARG(u64, 1); }

// x_calls makes n system calls and adds up their results.
void x_calls(void) {
    u64 sum = 0;
    for (u64 n = ARG(u64, 0), k = 0; k < n; k++) {
        ARG(u64, 0) = k;
        ARG(u64, 1) = ~k;
        sum += SYSCALL(0);
    }
    RESULT(u64, 0) = sum;
}

static NOINLINE u64 deep(u64 n) {
    u64 below = n ? deep(n - 1) : SYSCALL(1);
    __asm__ volatile("" : "+r"(below)); // keep the frame
    return below * 3 + n;
}

// x_deep makes a system call from a depth of n frames.
void x_deep(void) { RESULT(u64, 0) = deep(ARG(u64, 0)); }

// x_load and x_store access an address, with an offset that may reach above 4 GiB.
void x_load(void) { RESULT(u64, 0) = *(volatile u8 SEG *)(ARG(u64, 0) + ARG(u64, 1)); }
void x_store(void) { *(volatile u8 SEG *)(ARG(u64, 0) + ARG(u64, 2)) = ARG(u64, 1); }

void x_trap(void) {
    switch (ARG(u64, 0)) {
    case 1: vk_trap_unreachable();
    case 2: vk_trap_divide();
    case 3: vk_trap_overflow();
    case 4: vk_trap_conversion();
    case 5: vk_trap_table();
    case 8: vk_trap_memory();
    case 9: vk_trap_unaligned();
    case 20: __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" ::: "eax", "ecx", "edx");
    case 21: __asm__ volatile("int3");
    }
}

static NOINLINE u64 endless(u64 n) {
    u64 r = endless(n + 1);
    __asm__ volatile("" : "+r"(r));
    return r + n;
}
void x_overflow(void) {
    COUNTER = 0;
    RESULT(u64, 0) = endless(0);
}

// x_bigframe overflows the stack by one large frame.
void x_bigframe(void) {
    __asm__ volatile("sub $0x1000000, %%rsp; movq $1, (%%rsp); add $0x1000000, %%rsp" ::: "memory");
}

// x_spin counts in all registers at once, and in the red zone and xmm registers, and compares
// them: a lost register or flag counts in COUNTER's upper half. Memory byte 1024 ends it.
void x_spin(void);
__asm__(
    ".text\n.p2align 4\n.hidden x_spin\n.globl x_spin\nx_spin:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "xor %eax,%eax; mov %rax,%rcx; mov %rax,%rdx; mov %rax,%rbx; mov %rax,%rbp; mov %rax,%rsi; mov %rax,%rdi\n"
    "mov %rax,%r8; mov %rax,%r9; mov %rax,%r10; mov %rax,%r11; mov %rax,%r12; mov %rax,%r13; mov %rax,%r14; mov "
    "%rax,%r15\n"
    "pxor %xmm0,%xmm0; pxor %xmm15,%xmm15\n"
    "1: inc %rax; inc %rcx; inc %rdx; inc %rbx; inc %rbp; inc %rsi; inc %rdi; inc %r8; inc %r9; inc %r10; inc %r11\n"
    "inc %r12; inc %r13; inc %r14; inc %r15\n"
    "mov %rax,-8(%rsp); mov %rax,-128(%rsp); movq %rax,%xmm0; movq %rax,%xmm15; stc\n"
    ".irp r,rcx,rdx,rbx,rbp,rsi,rdi,r8,r9,r10,r11,r12,r13,r14,r15\n jnc 2f; cmp %\\r,%rax; jne 2f; stc\n.endr\n"
    "cmp -8(%rsp),%rax; jne 2f; cmp -128(%rsp),%rax; jne 2f\n"
    "movq %xmm0,%rcx; cmp %rcx,%rax; jne 2f; movq %xmm15,%rcx; cmp %rcx,%rax; jne 2f\n"
    "mov %rax,%gs:-4128; cmpb $0,%gs:1024; je 1b\n"
    "movq $0,%gs:-2048; jmp 3f\n"
    "2: movq $1,%gs:-2048\n"
    "3: pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

// x_vectors has a value of its own in each xmm register and keeps all arithmetic flags over a
// stretch of code that leaves them alone, many times; result 1: something was lost. Memory byte 1024 ends it.
void x_vectors(void);
__asm__(".text\n.p2align 4\n.hidden x_vectors\n.globl x_vectors\nx_vectors:\n"
        "xor %esi,%esi\n"
        "1: inc %rsi\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        " lea \\n(,%rsi,8),%rcx; movq %rcx,%xmm\\n; not %rcx; pinsrq $1,%rcx,%xmm\\n\n.endr\n"
        "mov %esi,%eax; and $0xd5,%eax; or $2,%eax; mov %eax,%edi; shl $8,%eax\n" // SF ZF AF PF CF by turns
        "mov $0x7f,%dl; add %sil,%dl; seto %r8b; sahf; mov $400,%ecx\n"
        "2: lea -1(%rcx),%rcx; jrcxz 3f; jmp 2b\n"
        "3: lahf; movzbl %ah,%eax; cmp %edi,%eax; jne 9f\n"
        "mov $0x7f,%dl; add %sil,%dl; mov $400,%ecx\n"
        "4: lea -1(%rcx),%rcx; jrcxz 5f; jmp 4b\n"
        "5: seto %r9b; cmp %r8b,%r9b; jne 9f\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        " lea \\n(,%rsi,8),%rcx; movq %xmm\\n,%rdx; cmp %rcx,%rdx; jne 9f\n"
        " not %rcx; pextrq $1,%xmm\\n,%rdx; cmp %rcx,%rdx; jne 9f\n.endr\n"
        "mov %rsi,%gs:-4128; cmpb $0,%gs:1024; je 1b\n"
        "movq $0,%gs:-2048; ret\n"
        "9: movq $1,%gs:-2048; ret\n");

// Function table: a handler with one argument makes a call with it; one with three sums them.
u64 h_one(u32 signo) {
    ARG(u64, 0) = signo;
    return SYSCALL(2);
}
u64 h_three(u32 a, u32 b, u32 c) {
    RESULT(u64, 1) = 7; // spoils what an interrupted function may have there
    ARG(u64, 0) = a + b + c;
    return SYSCALL(2);
}
void h_overflow(u32 a) { deep(a); }
void h_jump(u32 buf) {
    ARG(u64, 0) = buf;
    ARG(u64, 1) = 5;
    vk_exit(VK_EXIT_LONGJMP, 0);
}
u32 h_bad(f64 x) { return (u32)x; }

// jump is wali.longjmp.
static NOINLINE void jump(u32 buf, u32 value) {
    ARG(u64, 0) = buf;
    ARG(u64, 1) = value;
    vk_exit(VK_EXIT_LONGJMP, 0);
}

// x_setjmp: a frame that calls setjmp keeps the count of records, as emitted code does.
static NOINLINE u64 try_jump(u32 buf, u32 depth) {
    u32 records = AT(u32, VK_RECORDS);
    u64 r = VK_SETJMP(buf);
    if (r == 0) {
        SP -= 64;
        if (depth)
            r = 100 + try_jump(buf + 16, depth - 1);
        else
            jump(buf, 42);
    }
    AT(u32, VK_RECORDS) = records;
    return r;
}
void x_setjmp(void) { RESULT(u64, 0) = try_jump(ARG(u32, 0), ARG(u32, 1)); }

// x_stale jumps to a buffer whose frame has returned.
static NOINLINE void leave_record(u32 buf) {
    u32 records = AT(u32, VK_RECORDS);
    VK_SETJMP(buf);
    __asm__ volatile("" ::: "memory");
    AT(u32, VK_RECORDS) = records;
}
void x_stale(void) {
    u32 buf = ARG(u32, 0);
    leave_record(buf);
    jump(buf, 1);
    RESULT(u64, 0) = 99;
}

// x_jump jumps to whatever number is in the buffer.
void x_jump(void) { jump(ARG(u32, 0), 1); }

// x_jumps jumps n times to one record, and makes n records of one buffer.
void x_jumps(void) {
    u32 buf = ARG(u32, 0), records = AT(u32, VK_RECORDS);
    u64 n = ARG(u64, 1);
    COUNTER = 0;
    if (VK_SETJMP(buf) < n) jump(buf, ++COUNTER);
    AT(u32, VK_RECORDS) = records;
    RESULT(u64, 0) = COUNTER;
}

// x_records sets n records in one frame, each in a buffer of its own.
void x_records(void) {
    u32 records = AT(u32, VK_RECORDS);
    volatile u32 buf = ARG(u32, 0), n = ARG(u32, 1);
    for (volatile u32 k = 0; k < n; k++) VK_SETJMP(buf + 8 * k);
    SYSCALL(3);
    AT(u32, VK_RECORDS) = records;
}

// x_nested sets a record and makes a system call; handlers may jump to it.
void x_nested(void) {
    u32 buf = ARG(u32, 0), records = AT(u32, VK_RECORDS);
    u64 r = VK_SETJMP(buf);
    if (r == 0) SYSCALL(4);
    AT(u32, VK_RECORDS) = records;
    RESULT(u64, 0) = r;
}

void x_grow(void) { RESULT(u64, 0) = memory_grow(ARG(u32, 0)); }
void x_count(void) { RESULT(u64, 0) = ++COUNTER; }
