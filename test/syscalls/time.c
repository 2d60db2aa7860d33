#include "vktest.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

TEST(clock_gettime_rules) {
    struct timespec a, b;
    RET(clock_gettime(CLOCK_REALTIME, &a));
    CHECK(a.tv_sec > 1700000000);
    RET(clock_gettime(CLOCK_MONOTONIC, &a));
    RET(clock_gettime(CLOCK_MONOTONIC, &b));
    CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
    RET(clock_gettime(CLOCK_BOOTTIME, &a));
    RET(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a));
    RET(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a));
    RET(clock_gettime(CLOCK_REALTIME_COARSE, &a));
    RET(clock_gettime(99, &a));
    RET(clock_getres(CLOCK_MONOTONIC, &a));
    CHECK(a.tv_sec == 0 && a.tv_nsec > 0);
    RET(clock_getres(99, &a));
    struct timeval tv;
    RET(gettimeofday(&tv, 0));
    CHECK(tv.tv_sec > 1700000000);
    CHECK(time(0) > 1700000000);
}

TEST(nanosleep_rules) {
    struct timespec a, b, ts = {0, 20000000};
    clock_gettime(CLOCK_MONOTONIC, &a);
    RET(nanosleep(&ts, 0));
    clock_gettime(CLOCK_MONOTONIC, &b);
    int64_t ns = (int64_t)(b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
    CHECK(ns >= 20000000 && ns < 5000000000);
    ts.tv_nsec = 1000000000;
    RET(nanosleep(&ts, 0));
    ts.tv_sec = -1, ts.tv_nsec = 0;
    RET(nanosleep(&ts, 0));
    clock_gettime(CLOCK_MONOTONIC, &a);
    a.tv_nsec += 10000000;
    if (a.tv_nsec >= 1000000000) a.tv_sec++, a.tv_nsec -= 1000000000;
    RET(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, 0));
    ts.tv_sec = 0, ts.tv_nsec = 1000;
    RET(clock_nanosleep(CLOCK_REALTIME, 0, &ts, 0));
    RET(clock_nanosleep(99, 0, &ts, 0));
}

static volatile int fired;
static void on_timer(int s, siginfo_t *si, void *uc) {
    (void)s, (void)uc;
    fired++;
    if (fired == 1) printf("  code %d value %d\n", si->si_code == SI_TIMER, si->si_value.sival_int);
}

TEST(timer_create_delivers_signals) {
    struct sigaction sa = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &sa, 0);
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    ev.sigev_value.sival_int = 77;
    timer_t t;
    RET(timer_create(CLOCK_MONOTONIC, &ev, &t));
    struct itimerspec its = {{0, 5000000}, {0, 5000000}}, old;
    RET(timer_settime(t, 0, &its, 0));
    while (fired < 3) pause();
    RET(timer_gettime(t, &old));
    SHOW(old.it_interval.tv_nsec);
    RET(timer_getoverrun(t) >= 0);
    RET(timer_delete(t));
    RET(timer_delete(t));
    RET(timer_create(99, &ev, &t));
}
