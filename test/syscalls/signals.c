#include "vktest.h"
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static volatile int count, last;
static void handler(int s) { count++, last = s; }

TEST(signal_handler_runs) {
    CHECK(signal(SIGUSR1, handler) == SIG_DFL);
    CHECK(signal(SIGUSR1, handler) == handler);
    raise(SIGUSR1);
    SHOW(count);
    SHOW(last);
    kill(getpid(), SIGUSR1);
    SHOW(count);
    RET(kill(getpid(), 0));
    RET(kill(999999, 0));
    RET(kill(getpid(), 99));
    RET(kill(getpid(), -1));
    struct sigaction sa = {.sa_handler = handler};
    RET(sigaction(SIGKILL, &sa, 0));
    RET(sigaction(SIGSTOP, &sa, 0));
    RET(sigaction(0, &sa, 0));
    RET(sigaction(65, &sa, 0));
}

static int die_by(void *arg) {
    raise(*(int *)arg);
    return 0;
}

TEST(signal_default_actions) {
    int sigs[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGABRT, SIGFPE,   SIGKILL, SIGUSR1, SIGSEGV,
                  SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGURG,  SIGWINCH, SIGCONT, SIGXCPU, SIGVTALRM,
                  SIGPROF, SIGIO,   SIGSYS,  SIGTRAP, SIGBUS,  34,       64};
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
        printf("  %d:", sigs[i]);
        signal(sigs[i], SIG_DFL); // whoever started the test may ignore it, as nohup does
        run_child(die_by, &sigs[i]);
    }
}

TEST(signal_mask_and_pending) {
    sigset_t set, old;
    signal(SIGUSR1, handler);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    RET(sigprocmask(SIG_BLOCK, &set, &old));
    raise(SIGUSR1);
    raise(SIGUSR1);
    SHOW(count);
    RET(sigpending(&old));
    RET(sigismember(&old, SIGUSR1));
    RET(sigprocmask(SIG_UNBLOCK, &set, 0));
    SHOW(count); // twice raised, once delivered
    RET(sigprocmask(77, &set, 0));
    sigaddset(&set, SIGKILL);
    RET(sigprocmask(SIG_SETMASK, &set, 0));
    RET(sigprocmask(SIG_SETMASK, 0, &old));
    RET(sigismember(&old, SIGKILL));
}

static void nested(int s) {
    static int raised, depth, deepest;
    depth++;
    if (depth > deepest) deepest = depth;
    if (++raised % 3 != 0) raise(s);
    depth--;
    count++;
    if (depth == 0 && raised % 3 == 0) {
        SHOW(deepest);
        deepest = 0;
    }
}

TEST(signal_is_blocked_in_its_handler) {
    struct sigaction sa = {.sa_handler = nested};
    sigaction(SIGUSR1, &sa, 0);
    raise(SIGUSR1);
    SHOW(count);
    sa.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &sa, 0);
    raise(SIGUSR1);
    SHOW(count);
    sa.sa_handler = handler;
    sa.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR1, &sa, 0);
    raise(SIGUSR1);
    sigaction(SIGUSR1, 0, &sa);
    CHECK(sa.sa_handler == SIG_DFL);
}

static void info(int s, siginfo_t *si, void *uc) {
    (void)uc;
    printf("  signo %d code %d value %d self %d\n", si->si_signo, si->si_code,
           s == SIGRTMIN ? si->si_value.sival_int : 0, si->si_pid == getpid());
}

TEST(signal_siginfo) {
    struct sigaction sa = {.sa_sigaction = info, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &sa, 0);
    sigaction(SIGRTMIN, &sa, 0);
    kill(getpid(), SIGUSR1);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, 0);
    union sigval v;
    for (int i = 0; i < 3; i++) {
        v.sival_int = 100 + i;
        RET(sigqueue(getpid(), SIGRTMIN, v));
    }
    sigprocmask(SIG_UNBLOCK, &set, 0); // real-time signals queue, in order
}

static void on_child(int s, siginfo_t *si, void *uc) {
    (void)s, (void)uc;
    printf("  child code %d status %d\n", si->si_code, si->si_status);
    count++;
}

TEST(sigchld_tells_how) {
    struct sigaction sa = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
    sigaction(SIGCHLD, &sa, 0);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    fflush(stdout);
    if (fork() == 0) _exit(7);
    while (!count) sigsuspend(&old);
    wait(0);
    count = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        for (;;) pause();
    kill(pid, SIGTERM);
    while (!count) sigsuspend(&old);
    wait(0);
}

TEST(sigchld_ignored_reaps) {
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0) _exit(0);
    int status;
    RET(wait(&status));
}

TEST(sigsuspend_waits) {
    sigset_t set, empty;
    signal(SIGUSR1, handler);
    sigemptyset(&empty);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGUSR1);
    RET(sigsuspend(&empty));
    SHOW(count);
    sigprocmask(SIG_BLOCK, 0, &set);
    RET(sigismember(&set, SIGUSR1));
}

TEST(sigtimedwait_takes) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    struct timespec ts = {0, 1000000};
    siginfo_t si;
    RET(sigtimedwait(&set, &si, &ts));
    raise(SIGUSR1);
    RET(sigtimedwait(&set, &si, &ts));
    SHOW(si.si_signo);
    ts.tv_nsec = -1;
    RET(sigtimedwait(&set, &si, &ts));
}

static void interrupt_after(int ms, int flags) {
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGALRM, &sa, 0);
    struct itimerval t = {{0, 0}, {0, ms * 1000}};
    setitimer(ITIMER_REAL, &t, 0);
}

TEST(signal_interrupts_read) {
    int p[2];
    char c;
    pipe(p);
    interrupt_after(20, 0);
    RET(read(p[0], &c, 1));
    SHOW(count);
    if (fork() == 0) {
        usleep(80000);
        write(p[1], "x", 1);
        _exit(0);
    }
    interrupt_after(20, SA_RESTART);
    RET(read(p[0], &c, 1)); // restarted, so it gets the byte
    SHOW(count);
    wait(0);
}

TEST(signal_interrupts_sleep) {
    interrupt_after(20, SA_RESTART);
    struct timespec ts = {10, 0}, left = {0, 0};
    RET(nanosleep(&ts, &left));
    CHECK(left.tv_sec == 9);
    interrupt_after(20, 0);
    RET(pause());
    interrupt_after(20, 0);
    int status;
    if (fork() == 0) {
        signal(SIGALRM, SIG_DFL);
        usleep(100000);
        _exit(0);
    }
    RET(wait(&status));
    RET(wait(&status) > 0);
}

TEST(alarm_and_itimers) {
    signal(SIGALRM, handler);
    RET(alarm(100));
    RET(alarm(0));
    struct itimerval t = {{0, 5000}, {0, 5000}}, old;
    RET(setitimer(ITIMER_REAL, &t, 0));
    while (count < 3) pause();
    RET(getitimer(ITIMER_REAL, &old));
    SHOW(old.it_interval.tv_usec);
    t = (struct itimerval){{0, 0}, {0, 0}};
    RET(setitimer(ITIMER_REAL, &t, &old));
    RET(setitimer(9, &t, &old));
}

TEST(kill_process_group) {
    RET(setpgid(0, 0));
    signal(SIGUSR1, SIG_IGN);
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        if ((pids[i] = fork()) == 0) {
            signal(SIGTERM, SIG_DFL);
            for (;;) pause();
        }
    signal(SIGTERM, SIG_IGN);
    usleep(20000);
    RET(kill(0, SIGTERM));
    for (int i = 0; i < 3; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        show_status(status);
    }
    RET(kill(-getpgrp(), 0));
    RET(kill(-888888, 0));
    RET(syscall(SYS_tgkill, getpid(), getpid(), 0));
    RET(syscall(SYS_tkill, getpid(), SIGUSR1));
}

static int null_store(void *unused) {
    (void)unused;
    *(volatile int *)(uintptr_t)-4096 = 1;
    return 0;
}
static int divide(void *arg) {
    volatile int zero = 0;
    return *(int *)arg / zero;
}
static int trap(void *unused) {
    (void)unused;
    __builtin_trap();
}
static volatile int sink;
static int recurse(int n) {
    volatile char buf[512];
    buf[0] = (char)n;
    int r = recurse(n + 1) + buf[0];
    sink = r;
    return r;
}
static int overflow(void *unused) {
    (void)unused;
    struct rlimit l = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &l);
    return recurse(0);
}

TEST(fault_signals) {
    int one = 1;
    run_child(null_store, 0);
    run_child(divide, &one);
    run_child(trap, 0);
    run_child(overflow, 0);
}

static sigjmp_buf env;
static void escape(int s) { siglongjmp(env, s); }

TEST(fault_handler_can_escape) {
    signal(SIGSEGV, escape);
    for (int i = 0; i < 3; i++) {
        int s = sigsetjmp(env, 1);
        if (s == 0) *(volatile int *)(uintptr_t)-4096 = 1;
        printf("  caught %d\n", s);
    }
    signal(SIGFPE, escape);
    volatile int zero = 0;
    int s = sigsetjmp(env, 1);
    if (s == 0) zero = 1 / zero;
    printf("  caught %d\n", s);
}

TEST(siglongjmp_restores_the_mask) {
    sigset_t set;
    signal(SIGUSR1, escape);
    int s = sigsetjmp(env, 1);
    if (s == 0) raise(SIGUSR1);
    sigprocmask(SIG_BLOCK, 0, &set);
    printf("  %d blocked %d\n", s, sigismember(&set, SIGUSR1));
    s = sigsetjmp(env, 0);
    if (s == 0) raise(SIGUSR1);
    sigprocmask(SIG_BLOCK, 0, &set);
    printf("  %d blocked %d\n", s, sigismember(&set, SIGUSR1));
}

static jmp_buf jb;
static __attribute__((noinline)) void deep(int n) {
    volatile char pad[64];
    pad[0] = (char)n;
    if (n == 0) longjmp(jb, 42);
    deep(n - 1);
    sink = pad[0];
}

TEST(setjmp_longjmp) {
    volatile int rounds = 0;
    int r = setjmp(jb);
    if (rounds < 5) {
        rounds++;
        if (r && r != 42) CHECK(0);
        deep(rounds * 10);
    }
    SHOW(rounds);
    SHOW(r);
    if (setjmp(jb) == 0) longjmp(jb, 0);
    SHOW(setjmp(jb));
    int sum = 0;
    for (volatile int i = 0; i < 100000; i++)
        if (setjmp(jb) == 0)
            longjmp(jb, 1);
        else
            sum++;
    SHOW(sum);
}

static volatile int spinning = 1;
static void stop_spinning(int s) { (void)s, spinning = 0; }

TEST(signal_interrupts_a_loop) {
    signal(SIGALRM, stop_spinning);
    struct itimerval t = {{0, 0}, {0, 20000}};
    setitimer(ITIMER_REAL, &t, 0);
    unsigned long n = 0;
    while (spinning) n++;
    CHECK(n > 0);
    printf("  left the loop\n");
}

static int spin(void *unused) {
    (void)unused;
    alarm(1);
    for (volatile int i = 1; i;) {}
    return 0;
}

TEST(alarm_kills_a_loop) { run_child(spin, 0); }

TEST(sigaltstack_is_reported) {
    stack_t ss = {0}, old;
    RET(sigaltstack(0, &old));
    SHOW(old.ss_flags == SS_DISABLE);
    ss.ss_sp = malloc(SIGSTKSZ);
    ss.ss_size = SIGSTKSZ;
    RET(sigaltstack(&ss, 0));
    RET(sigaltstack(0, &old));
    SHOW(old.ss_size == ss.ss_size && old.ss_sp == ss.ss_sp);
    ss.ss_flags = SS_DISABLE;
    RET(sigaltstack(&ss, 0));
    ss.ss_flags = 12345;
    RET(sigaltstack(&ss, 0));
}
