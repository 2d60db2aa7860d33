// Entering guests, and the signals that make them leave.
#define _GNU_SOURCE
#include "run.h"
#include <errno.h>
#include <asm/prctl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

_Static_assert(offsetof(struct vk_save, rip) == VK_S_RIP, "rip");
_Static_assert(offsetof(struct vk_save, rflags) == VK_S_RFLAGS, "rflags");
_Static_assert(offsetof(struct vk_save, kick) == VK_S_KICK, "kick");
_Static_assert(offsetof(struct vk_save, fx) == VK_S_FX, "fx");
_Static_assert(sizeof(struct vk_save) <= 2048, "save area");

uint64_t vk_switch(uint64_t result, uint64_t full);
extern char vk_window_begin[], vk_window_end[], vk_held[], vk_out_trap[], vk_out_preempt[];

// The instance that this thread runs: its base, or 0. A signal handler reads it, so it must
// not be allocated lazily.
static __thread volatile uintptr_t vk_current __attribute__((tls_model("initial-exec")));
static __thread uint32_t vk_tid __attribute__((tls_model("initial-exec")));

static int no_fsgsbase;
static pid_t self;
static struct sigaction old[65];

static struct vk_save *save_of(uintptr_t base) { return (struct vk_save *)(base + VK_SAVE); }

static void set_gs(uintptr_t base) {
    if (__builtin_expect(no_fsgsbase, 0))
        syscall(SYS_arch_prctl, ARCH_SET_GS, base);
    else
        __asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
}

// vk_run enters the guest until it leaves. The exchange orders "this thread runs it" before
// the look at kick in vk_switch; a kicker does it the other way round (Instance.Kick).
uint64_t vk_run(uintptr_t base, uint64_t result, uint64_t full) {
    struct vk_save *s = save_of(base);
    if (__builtin_expect(vk_tid == 0, 0)) vk_tid = syscall(SYS_gettid);
    set_gs(base);
    vk_current = base;
    __atomic_exchange_n(&s->tid, vk_tid, __ATOMIC_SEQ_CST);
    uint64_t kind = vk_switch(result, full);
    __atomic_store_n(&s->tid, 0, __ATOMIC_RELEASE);
    vk_current = 0;
    return kind;
}

// gpr lists ucontext's register numbers in the order of vk_save.gpr.
static const int gpr[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                            REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

#define ARITHMETIC_FLAGS 0x8d5
#define FIXED_FLAG 0x2
#define HOST_UNSAFE_FLAGS (0x100 | 0x400 | 0x40000) // TF, DF, AC

// leave saves all registers of the interrupted guest and lets the handler return to out.
static void leave(struct vk_save *s, mcontext_t *m, char *out) {
    for (int i = 0; i < 16; i++) s->gpr[i] = m->gregs[gpr[i]];
    s->rip = m->gregs[REG_RIP];
    s->rflags = (m->gregs[REG_EFL] & ARITHMETIC_FLAGS) | FIXED_FLAG;
    memcpy(s->fx, m->fpregs, sizeof s->fx);
    m->gregs[REG_RIP] = (greg_t)out;
    m->gregs[REG_EFL] &= ~(greg_t)HOST_UNSAFE_FLAGS;
}

// in_guest tells whether the thread was in guest code on the guest's stack, which vk_enter
// finds empty. The last instructions of the exit stub, already on the host's stack, do not
// count.
static int in_guest(struct vk_save *s, mcontext_t *m) {
    uint64_t pc = m->gregs[REG_RIP], sp = m->gregs[REG_RSP];
    return pc >= s->text_lo && pc < s->text_hi && sp >= s->stack_lo && sp <= s->stack_hi;
}

static void chain(int sig, siginfo_t *info, void *context) {
    struct sigaction *o = &old[sig];
    if (o->sa_flags & SA_SIGINFO) {
        o->sa_sigaction(sig, info, context);
    } else if (o->sa_handler == SIG_DFL) {
        // A fault happens again and then has the default effect.
        sigaction(sig, o, NULL);
        if (info->si_code <= 0) syscall(SYS_tgkill, self, syscall(SYS_gettid), sig);
    } else if (o->sa_handler != SIG_IGN) {
        o->sa_handler(sig);
    }
}

static void on_fault(int sig, siginfo_t *info, void *context) {
    mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
    uintptr_t base = vk_current;
    // si_code is positive for a fault, not for a signal that somebody sent.
    if (base && info->si_code > 0 && in_guest(save_of(base), m)) {
        struct vk_save *s = save_of(base);
        s->signo = sig;
        s->addr = (uint64_t)info->si_addr;
        leave(s, m, vk_out_trap);
        return;
    }
    chain(sig, info, context);
}

// on_kick is a request to look at the kick word. A signal that comes late, when the thread
// runs another instance or none, finds nothing to do there.
static void on_kick(int sig, siginfo_t *info, void *context) {
    mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
    if (info->si_code != SI_TKILL || info->si_pid != self) {
        chain(sig, info, context);
        return;
    }
    uintptr_t base = vk_current;
    if (!base || !__atomic_load_n(&save_of(base)->kick, __ATOMIC_SEQ_CST)) return;
    char *pc = (char *)m->gregs[REG_RIP];
    if (in_guest(save_of(base), m))
        leave(save_of(base), m, vk_out_preempt);
    else if (pc >= vk_window_begin && pc < vk_window_end) {
        m->gregs[REG_RIP] = (greg_t)vk_held;
        m->gregs[REG_EFL] &= ~(greg_t)HOST_UNSAFE_FLAGS;
    }
}

// install puts our handler before the one that is there, with its flags and mask: the Go
// runtime's run on the alternate stack with everything blocked.
static int install(int sig, void (*handler)(int, siginfo_t *, void *)) {
    if (sigaction(sig, NULL, &old[sig])) return errno;
    struct sigaction a = old[sig];
    a.sa_sigaction = handler;
    a.sa_flags |= SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    a.sa_flags &= ~(SA_RESETHAND | SA_NODEFER);
    return sigaction(sig, &a, NULL) ? errno : 0;
}

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif

// vk_use_fsgsbase chooses how GS is set: by the instruction, if the host allows it, or by a
// system call.
void vk_use_fsgsbase(int on) { no_fsgsbase = !on || !(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE); }

// vk_init installs the handlers; it gives 0 or an errno. Call it once.
int vk_init(int kick_signal) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    self = getpid();
    vk_use_fsgsbase(1);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        int e = install(faults[i], on_fault);
        if (e) return e;
    }
    return install(kick_signal, on_kick);
}
