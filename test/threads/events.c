// Descriptors of events between threads: epoll sets that change under their waiters, signals that
// are read, timers.
#include "threads.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

enum { WORKERS = 64, ROUNDS = 60, SHARED = 16 };

static int set, shared[SHARED];

// churn adds, changes, removes and closes descriptors of its own and of all, and waits.
static void *churn(void *p) {
    unsigned seed = (unsigned)(long)p * 2654435761u + 1;
    struct epoll_event ev[8], e;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1664525 + 1013904223;
        int fd = shared[seed >> 16 & (SHARED - 1)];
        e = (struct epoll_event){.events = EPOLLIN | (seed & 1 ? EPOLLET : 0) | (seed & 2 ? EPOLLONESHOT : 0)};
        switch (seed >> 24 & 7) {
        case 0:
        case 1: epoll_ctl(set, EPOLL_CTL_ADD, fd, &e); break;
        case 2: epoll_ctl(set, EPOLL_CTL_MOD, fd, &e); break;
        case 3: epoll_ctl(set, EPOLL_CTL_DEL, fd, 0); break;
        case 4: eventfd_write(fd, 1); break;
        case 5: {
            int own = eventfd(1, EFD_NONBLOCK);
            epoll_ctl(set, EPOLL_CTL_ADD, own, &e);
            close(own);
            break;
        }
        case 6: {
            uint64_t v;
            read(fd, &v, 8);
            break;
        }
        default: epoll_wait(set, ev, 8, 1);
        }
    }
    return 0;
}

TEST(epoll_of_64_threads) {
    pthread_t t[WORKERS];
    set = epoll_create1(0);
    for (int i = 0; i < SHARED; i++) shared[i] = eventfd(0, EFD_NONBLOCK);
    for (long i = 0; i < WORKERS; i++) OK(pthread_create(&t[i], 0, churn, (void *)i));
    for (int i = 0; i < WORKERS; i++) OK(pthread_join(t[i], 0));
    // what is closed is gone, and the set works still
    for (int i = 0; i < SHARED; i++) close(shared[i]);
    struct epoll_event e = {.events = EPOLLIN};
    RET(epoll_wait(set, &e, 1, 0));
    int fd = eventfd(1, 0);
    RET(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
    RET(epoll_wait(set, &e, 1, -1));
}

static int served[8], posts = 400, done_fd;

// serve takes one event at a time until done_fd is ready, which stays so.
static void *serve(void *p) {
    for (;;) {
        struct epoll_event e;
        if (epoll_wait(set, &e, 1, -1) != 1) return "wait failed";
        if (e.data.fd == done_fd) return 0;
        uint64_t v;
        if (read(e.data.fd, &v, 8) == 8) served[(long)p]++;
    }
}

// Each event is served once, by whichever of the waiters.
TEST(epoll_of_many_waiters) {
    pthread_t t[8];
    set = epoll_create1(0);
    int work = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
    done_fd = eventfd(0, EFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = work};
    RET(epoll_ctl(set, EPOLL_CTL_ADD, work, &e));
    for (long i = 0; i < 8; i++) OK(pthread_create(&t[i], 0, serve, (void *)i));
    for (int i = 0; i < posts; i++) eventfd_write(work, 1);
    struct pollfd p = {work, POLLIN};
    while (poll(&p, 1, 0) > 0) usleep(1000);
    e = (struct epoll_event){.events = EPOLLIN, .data.fd = done_fd};
    RET(epoll_ctl(set, EPOLL_CTL_ADD, done_fd, &e));
    eventfd_write(done_fd, 1);
    int total = 0;
    for (int i = 0; i < 8; i++) {
        void *r;
        OK(pthread_join(t[i], &r));
        CHECK(r == 0);
        total += served[i];
    }
    SHOW(total);
}

static void *wait_forever(void *p) {
    struct epoll_event e;
    *(int *)p = epoll_wait(set, &e, 1, -1);
    return 0;
}

// A descriptor that is added, or becomes ready, under a waiter wakes it; closing others does not.
TEST(epoll_changes_under_a_waiter) {
    pthread_t t;
    int got = 0, gone = eventfd(0, 0), fd = eventfd(1, 0);
    set = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    RET(epoll_ctl(set, EPOLL_CTL_ADD, gone, &e));
    OK(pthread_create(&t, 0, wait_forever, &got));
    usleep(20000);
    close(gone);
    RET(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
    OK(pthread_join(t, 0));
    SHOW(got);
}

static void *read_own(void *p) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    pthread_kill(pthread_self(), SIGUSR1);
    struct signalfd_siginfo i;
    *(int *)p = read(signalfd(-1, &s, SFD_NONBLOCK), &i, sizeof i) == sizeof i ? (int)i.ssi_signo : -errno;
    return 0;
}

// A reader sees its own signals and its process's, not another thread's.
TEST(signalfd_of_threads) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &s, 0);
    int fd = signalfd(-1, &s, SFD_NONBLOCK), got = 0;
    struct signalfd_siginfo i;
    pthread_kill(pthread_self(), SIGUSR1);
    pthread_t t;
    OK(pthread_create(&t, 0, read_own, &got));
    OK(pthread_join(t, 0));
    SHOW(got);
    RET(read(fd, &i, sizeof i));
    SHOW(i.ssi_code == SI_TKILL);
    RET(read(fd, &i, sizeof i));
}

static void *read_timer(void *p) {
    uint64_t n = 0;
    return read(*(int *)p, &n, 8) == 8 ? (void *)(long)n : 0;
}

// One expiry is read by one.
TEST(timerfd_of_threads) {
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    pthread_t t[4];
    for (int i = 0; i < 4; i++) OK(pthread_create(&t[i], 0, read_timer, &fd));
    struct itimerspec s = {{0, 2000000}, {0, 1000000}};
    RET(timerfd_settime(fd, 0, &s, 0));
    int all = 0;
    for (int i = 0; i < 4; i++) {
        void *n;
        OK(pthread_join(t[i], &n));
        all += n != 0;
    }
    SHOW(all);
}
