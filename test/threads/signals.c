// Signals to threads and to processes that have several.
#include "threads.h"
#include <sys/resource.h>
#include <sys/syscall.h>

static atomic_int count;
static _Atomic pthread_t taker;
static void handler(int sig) {
    (void)sig;
    taker = pthread_self();
    atomic_fetch_add(&count, 1);
}

static void catch (int sig, int flags) {
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigaction(sig, &sa, 0);
}

static sigset_t one(int sig) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, sig);
    return s;
}

static sem_t ready;
static atomic_int stop;
static void *spin(void *p) {
    sem_post(&ready);
    while (!atomic_load(&stop)) {}
    return p;
}
static void *doze(void *p) {
    sem_post(&ready);
    while (!atomic_load(&stop)) sleep_ms(1);
    return p;
}

TEST(pthread_kill_reaches_that_thread) {
    pthread_t t[4];
    catch (SIGUSR1, SA_RESTART);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, i % 2 ? spin : doze, 0);
    for (int i = 0; i < 4; i++) sem_wait(&ready);
    for (int i = 0; i < 40; i++) {
        int before = atomic_load(&count);
        OK(pthread_kill(t[i % 4], SIGUSR1));
        while (atomic_load(&count) == before) sched_yield();
        CHECK(pthread_equal(taker, t[i % 4]));
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
    SHOW(atomic_load(&count));
    OK(pthread_kill(pthread_self(), 0));
    NAME(pthread_kill(pthread_self(), 99));
}

static void *one_takes(void *p) {
    sigset_t s = one(SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &s, 0);
    sem_post(&ready);
    while (!atomic_load(&stop)) sleep_ms(1);
    return p;
}

// A signal to the process goes to the one thread that does not block it; if all do, to the
// first that no longer does.
TEST(process_signals_find_a_thread) {
    pthread_t t[3], willing;
    sigset_t s = one(SIGUSR1), pending;
    catch (SIGUSR1, SA_RESTART);
    pthread_sigmask(SIG_BLOCK, &s, 0);
    for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, doze, 0);
    pthread_create(&willing, 0, one_takes, 0);
    for (int i = 0; i < 4; i++) sem_wait(&ready);
    for (int i = 0; i < 20; i++) {
        int before = atomic_load(&count);
        kill(getpid(), SIGUSR1);
        while (atomic_load(&count) == before) sched_yield();
        CHECK(pthread_equal(taker, willing));
    }
    atomic_store(&stop, 1);
    pthread_join(willing, 0);
    for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
    kill(getpid(), SIGUSR1);
    sigpending(&pending);
    SHOW(sigismember(&pending, SIGUSR1));
    pthread_sigmask(SIG_UNBLOCK, &s, 0);
    SHOW(atomic_load(&count));
    CHECK(pthread_equal(taker, pthread_self()));
}

static void *wait_for_it(void *p) {
    sigset_t s = one(SIGUSR2);
    int sig = 0;
    sem_post(&ready);
    for (int i = 0; i < 10; i++) {
        OK(sigwait(&s, &sig));
        CHECK(sig == SIGUSR2);
        atomic_fetch_add(&count, 1);
    }
    return p;
}

TEST(sigwait_in_a_thread) {
    pthread_t t;
    sigset_t s = one(SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &s, 0);
    pthread_create(&t, 0, wait_for_it, 0);
    sem_wait(&ready);
    for (int i = 0; i < 10; i++) {
        if (i % 2)
            kill(getpid(), SIGUSR2);
        else
            pthread_kill(t, SIGUSR2);
        while (atomic_load(&count) == i) sched_yield();
    }
    pthread_join(t, 0);
    SHOW(atomic_load(&count));
}

static void *show_mask(void *p) {
    sigset_t s, other = one(SIGHUP);
    pthread_sigmask(SIG_BLOCK, 0, &s);
    SHOW(sigismember(&s, SIGUSR1));
    SHOW(sigismember(&s, SIGHUP));
    pthread_sigmask(SIG_SETMASK, &other, 0);
    stack_t alt;
    sigaltstack(0, &alt);
    SHOW(alt.ss_flags == SS_DISABLE);
    return p;
}

TEST(mask_is_inherited_and_then_its_own) {
    static char space[16384];
    stack_t alt = {.ss_sp = space, .ss_size = sizeof space};
    sigset_t s = one(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &s, 0);
    sigaltstack(&alt, 0);
    run_threads(1, show_mask);
    pthread_sigmask(SIG_BLOCK, 0, &s);
    SHOW(sigismember(&s, SIGUSR1));
    SHOW(sigismember(&s, SIGHUP));
}

static atomic_int *beats;
static void *beat(void *p) {
    for (;;) atomic_fetch_add(&beats[(uintptr_t)p], 1);
    return p;
}

static int beating(void *arg) {
    (void)arg;
    pthread_t t;
    for (int i = 1; i < 4; i++) pthread_create(&t, 0, beat, (void *)(uintptr_t)i);
    beat(0);
    return 0;
}

// SIGSTOP stops all threads, SIGCONT continues them, SIGKILL ends them, stopped or not.
TEST(stop_continue_and_kill_the_whole_process) {
    int status, before[4], moved;
    beats = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0) _exit(beating(0));
    for (int i = 0; i < 4; i++)
        while (!atomic_load(&beats[i])) sched_yield();
    for (int round = 0; round < 5; round++) {
        CHECK(kill(pid, SIGSTOP) == 0);
        CHECK(waitpid(pid, &status, WUNTRACED) == pid);
        if (round == 0) show_status(status);
        for (int i = 0; i < 4; i++) before[i] = atomic_load(&beats[i]);
        sleep_ms(5);
        for (int i = 0; i < 4; i++) CHECK(atomic_load(&beats[i]) == before[i]);
        CHECK(kill(pid, SIGCONT) == 0);
        CHECK(waitpid(pid, &status, WCONTINUED) == pid);
        if (round == 0) show_status(status);
        do {
            moved = 0;
            for (int i = 0; i < 4; i++) moved += atomic_load(&beats[i]) != before[i];
        } while (moved < 4);
    }
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
}

static void *fault(void *p) {
    sleep_ms(3);
    switch ((uintptr_t)p) {
    case 0: *(volatile int *)8 = 1; break;
    case 1: __builtin_trap();
    case 2: abort();
    }
    return p;
}

static int fault_in_a_thread(void *arg) {
    pthread_t t;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    pthread_create(&t, 0, spin, 0);
    pthread_create(&t, 0, doze, 0);
    pthread_create(&t, 0, fault, arg);
    pthread_join(t, 0);
    return 1;
}

TEST(fault_in_one_thread_ends_the_process) {
    for (uintptr_t i = 0; i < 3; i++) run_child(fault_in_a_thread, (void *)i);
}

static pthread_t fault_taker;
static void on_fault(int sig, siginfo_t *si, void *u) {
    (void)sig, (void)u;
    fault_taker = pthread_self();
    CHECK(si->si_addr == (void *)8);
    pthread_exit((void *)77);
}

TEST(fault_is_handled_by_its_thread) {
    pthread_t t;
    void *r;
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, 0);
    OK(pthread_create(&t, 0, fault, 0));
    OK(pthread_join(t, &r));
    CHECK(pthread_equal(t, fault_taker));
    SHOW((long)(uintptr_t)r);
}

static void expired(union sigval v) {
    atomic_fetch_add(&count, v.sival_int);
    sem_post(&ready);
}

TEST(timers_run_functions_in_threads) {
    timer_t t;
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = expired, .sigev_value.sival_int = 7};
    struct itimerspec its = {{0, 2000000}, {0, 1000000}};
    sem_init(&ready, 0, 0);
    RET(timer_create(CLOCK_MONOTONIC, &ev, &t));
    RET(timer_settime(t, 0, &its, 0));
    for (int i = 0; i < 5; i++) sem_wait(&ready);
    RET(timer_delete(t));
    CHECK(atomic_load(&count) >= 35 && atomic_load(&count) % 7 == 0);
    int left = atomic_load(&count);
    sleep_ms(10);
    CHECK(atomic_load(&count) <= left + 7);
}

TEST(tgkill_and_tkill) {
    pthread_t t;
    catch (SIGUSR1, SA_RESTART);
    pthread_create(&t, 0, doze, 0);
    sem_wait(&ready);
    RET(syscall(SYS_tgkill, getpid(), getpid(), 0));
    RET(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1));
    RET(syscall(SYS_tgkill, 1, gettid(), SIGUSR1));
    RET(syscall(SYS_tkill, gettid(), SIGUSR1));
    RET(syscall(SYS_tgkill, -1, 5, SIGUSR1));
    RET(syscall(SYS_tkill, -1, SIGUSR1));
    SHOW(atomic_load(&count));
    siginfo_t si = {.si_code = SI_QUEUE};
    RET(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &si));
    SHOW(atomic_load(&count));
    atomic_store(&stop, 1);
    pthread_join(t, 0);
}
