// CPU time: clocks, usage, timers that run on it, and its limit.
#include "vktest.h"
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static int64_t clock_ns(clockid_t c) {
    struct timespec t;
    if (clock_gettime(c, &t)) return -1;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static volatile unsigned sink;

static void compute(int n) {
    for (int i = 0; i < n; i++) sink = sink * 1664525 + 1013904223;
}

// spin uses ms of CPU time.
static void spin(int ms) {
    int64_t end = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + (int64_t)ms * 1000000;
    while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < end) compute(20000);
}

static void nap(int ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t)) {}
}

static int64_t us(struct timeval t) { return (int64_t)t.tv_sec * 1000000 + t.tv_usec; }

TEST(cpu_time_stands_while_one_sleeps) {
    int64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID), thread = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    nap(60);
    CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process < 20000000);
    CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread < 20000000);
    spin(30);
    CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process >= 30000000);
    CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread >= 30000000);
}

TEST(getrusage_user_and_system) {
    struct rusage a, b, thread;
    RET(getrusage(RUSAGE_SELF, &a));
    spin(60);
    RET(getrusage(RUSAGE_SELF, &b));
    CHECK(us(b.ru_utime) - us(a.ru_utime) >= 20000);
    RET(getrusage(RUSAGE_THREAD, &thread));
    CHECK(us(thread.ru_utime) + us(thread.ru_stime) >= 60000);
    int fd = open("/dev/zero", O_RDONLY);
    static char buf[65536];
    for (int64_t end = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 200000000; clock_ns(CLOCK_PROCESS_CPUTIME_ID) < end;)
        for (int i = 0; i < 20; i++) CHECK(read(fd, buf, sizeof buf) == sizeof buf);
    RET(getrusage(RUSAGE_SELF, &a));
    CHECK(us(a.ru_stime) - us(b.ru_stime) >= 5000);
    CHECK(us(a.ru_utime) >= us(b.ru_utime));
    struct tms t;
    CHECK(times(&t) != -1);
    CHECK(t.tms_utime + t.tms_stime >= 10 && t.tms_cutime + t.tms_cstime <= 1);
}

static int burn(void *ms) {
    spin(*(int *)ms);
    return 0;
}

TEST(children_count_when_waited_for) {
    struct rusage ru;
    int ms = 50;
    run_child(burn, &ms);
    RET(getrusage(RUSAGE_CHILDREN, &ru));
    int64_t first = us(ru.ru_utime) + us(ru.ru_stime);
    CHECK(first >= 50000);
    struct tms t;
    CHECK(times(&t) != -1);
    CHECK(t.tms_cutime + t.tms_cstime >= 4);
    pid_t pid = fork();
    if (pid == 0) {
        burn(&ms);
        run_child(burn, &ms); // a grandchild
        _exit(0);
    }
    CHECK(wait4(pid, 0, 0, &ru) == pid);
    CHECK(us(ru.ru_utime) + us(ru.ru_stime) >= 100000);
    getrusage(RUSAGE_CHILDREN, &ru);
    CHECK(us(ru.ru_utime) + us(ru.ru_stime) >= first + 100000);
}

static volatile int fired;
static void on_fire(int s) {
    (void)s;
    fired++;
}

static void interval(int which, int sig) {
    struct itimerval it = {{0, 10000}, {0, 20000}}, old;
    signal(sig, on_fire);
    fired = 0;
    RET(setitimer(which, &it, 0));
    nap(100);
    SHOW(fired);
    RET(getitimer(which, &old));
    SHOW(old.it_interval.tv_usec);
    CHECK(us(old.it_value) > 0 && us(old.it_value) <= 30000);
    int64_t begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    while (fired < 5) compute(1000);
    CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin >= 30000000);
    it = (struct itimerval){{0, 0}, {0, 0}};
    RET(setitimer(which, &it, 0));
    fired = 0;
    spin(30);
    SHOW(fired);
}

TEST(itimer_virtual_runs_on_cpu_time) { interval(ITIMER_VIRTUAL, SIGVTALRM); }
TEST(itimer_prof_runs_on_cpu_time) { interval(ITIMER_PROF, SIGPROF); }

static void timer_on(clockid_t clock) {
    timer_t t;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    signal(SIGUSR1, on_fire);
    RET(timer_create(clock, &ev, &t));
    struct itimerspec its = {{0, 0}, {0, 30000000}};
    fired = 0;
    RET(timer_settime(t, 0, &its, 0));
    nap(80);
    SHOW(fired);
    int64_t begin = clock_ns(clock);
    while (!fired) compute(1000);
    CHECK(clock_ns(clock) - begin >= 15000000);
    RET(timer_gettime(t, &its));
    CHECK(its.it_value.tv_sec == 0 && its.it_value.tv_nsec == 0);
    its.it_value.tv_nsec = clock_ns(clock) % 1000000000 + 20000000;
    its.it_value.tv_sec = clock_ns(clock) / 1000000000;
    if (its.it_value.tv_nsec >= 1000000000) its.it_value.tv_sec++, its.it_value.tv_nsec -= 1000000000;
    fired = 0;
    RET(timer_settime(t, TIMER_ABSTIME, &its, 0));
    while (!fired) compute(1000);
    SHOW(fired);
    RET(timer_delete(t));
}

TEST(timer_on_the_clock_of_the_process) { timer_on(CLOCK_PROCESS_CPUTIME_ID); }
TEST(timer_on_the_clock_of_the_thread) { timer_on(CLOCK_THREAD_CPUTIME_ID); }

TEST(clock_getcpuclockid_rules) {
    clockid_t own, kid;
    SHOW(clock_getcpuclockid(0, &own));
    spin(10);
    CHECK(clock_ns(own) >= 10000000);
    pid_t pid = fork();
    if (pid == 0) {
        spin(30);
        pause();
        _exit(0);
    }
    SHOW(clock_getcpuclockid(pid, &kid));
    while (clock_ns(kid) < 30000000) nap(5);
    nap(30);
    int64_t a = clock_ns(kid);
    nap(50);
    CHECK(clock_ns(kid) - a < 20000000);
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, 0, 0) == pid);
    SHOW(clock_getcpuclockid(pid, &kid));
    struct timespec ts = {0, 1000};
    SHOW(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, 0));
}

static int sleep_on_own_clock(void *arg) {
    (void)arg;
    struct timespec ts = {10, 0}, rest = {0, 0};
    signal(SIGALRM, on_fire);
    struct itimerval it = {{0, 0}, {0, 50000}};
    setitimer(ITIMER_REAL, &it, 0);
    SHOW(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, &rest));
    CHECK(rest.tv_sec == 9);
    ts.tv_sec = 0, ts.tv_nsec = 0;
    SHOW(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, 0));
    return 0;
}

TEST(clock_nanosleep_on_cpu_time) { run_child(sleep_on_own_clock, 0); }

static volatile int over;
static void on_limit(int s) {
    (void)s;
    over++;
}

static int use_up(void *handle) {
    struct rlimit l = {1, *(int *)handle ? 2 : RLIM_INFINITY}, now;
    if (*(int *)handle) signal(SIGXCPU, on_limit);
    CHECK(setrlimit(RLIMIT_CPU, &l) == 0);
    while (!over) compute(1000);
    CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= 500000000);
    CHECK(getrlimit(RLIMIT_CPU, &now) == 0);
    printf("  after SIGXCPU the soft limit is %d\n", (int)now.rlim_cur);
    fflush(stdout);
    for (;;) compute(1000);
}

TEST(rlimit_cpu_soft_is_sigxcpu) {
    int handle = 0;
    run_child(use_up, &handle);
}

TEST(rlimit_cpu_hard_is_sigkill) {
    int handle = 1;
    struct rusage ru;
    run_child(use_up, &handle);
    getrusage(RUSAGE_CHILDREN, &ru);
    CHECK(us(ru.ru_utime) + us(ru.ru_stime) >= 1200000);
}

static int inherits(void *arg) {
    (void)arg;
    for (;;) compute(1000);
}

TEST(rlimit_cpu_is_inherited) {
    struct rlimit l = {1, 1};
    CHECK(setrlimit(RLIMIT_CPU, &l) == 0);
    run_child(inherits, 0);
}

static void show_nice(void) {
    long prio = 0, nice = 0;
    char *p = strrchr(strcpy((char[4096]){0}, read_file("/proc/self/stat")), ')');
    sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %ld %ld", &prio, &nice);
    printf("  priority %ld nice %ld\n", prio, nice);
}

TEST(nice_is_shown) {
    setpriority(PRIO_PROCESS, 0, 0);
    show_nice();
    RET(setpriority(PRIO_PROCESS, 0, 7));
    RET(getpriority(PRIO_PROCESS, 0));
    show_nice();
    RET(nice(100));
    show_nice();
}

// A process of low priority gets less: both compete for one processor on Linux, and on
// vkernel for its slots with enough others to fill them.
TEST(nice_has_weight) {
    enum { each = 4 };
    pid_t kids[2 * each];
    setpriority(PRIO_PROCESS, 0, 0);
    for (int i = 0; i < 2 * each; i++)
        if (!(kids[i] = fork())) {
            if (i >= each) setpriority(PRIO_PROCESS, 0, 15);
            for (;;) compute(1000);
        }
    nap(1000);
    int64_t used[2] = {0, 0};
    for (int i = 0; i < 2 * each; i++) kill(kids[i], SIGKILL);
    for (int i = 0; i < 2 * each; i++) {
        struct rusage ru;
        CHECK(wait4(kids[i], 0, 0, &ru) == kids[i]);
        used[i >= each] += us(ru.ru_utime) + us(ru.ru_stime);
    }
    CHECK(used[0] > 2 * used[1]);
}
