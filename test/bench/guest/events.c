// What event descriptors cost.
#include "bench.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

// eventfd_pingpong: a count to a child and back.
int64_t eventfd_pingpong(void) {
    enum { N = 100 };
    static int to, from;
    uint64_t v = 1;
    if (to == 0) {
        if ((to = eventfd(0, 0)) < 0 || (from = eventfd(0, 0)) < 0) fail("eventfd");
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL); // it has both descriptors, and so would never see an end
            while (read(to, &v, sizeof v) == sizeof v && write(from, &v, sizeof v) == sizeof v) {}
            _exit(1);
        }
    }
    int64_t start = now();
    for (int i = 0; i < N; i++) {
        v = 1;
        if (write(to, &v, sizeof v) != sizeof v || read(from, &v, sizeof v) != sizeof v) fail("eventfd");
    }
    return (now() - start) / N;
}

// epoll_1000: one of a thousand descriptors of a set has an event: that is sent, waited for and taken.
int64_t epoll_1000(void) {
    enum { N = 200, MANY = 1000 };
    static int set, fds[MANY];
    static unsigned at;
    if (set == 0) {
        struct rlimit l = {MANY + 64, MANY + 64};
        getrlimit(RLIMIT_NOFILE, &l);
        l.rlim_cur = MANY + 64;
        if (setrlimit(RLIMIT_NOFILE, &l)) fail("setrlimit");
        if ((set = epoll_create1(0)) < 0) fail("epoll_create1");
        for (int i = 0; i < MANY; i++) {
            struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
            if ((fds[i] = eventfd(0, 0)) < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &e)) fail("epoll_ctl");
        }
    }
    int64_t start = now();
    for (int i = 0; i < N; i++) {
        uint64_t v = 1;
        struct epoll_event e;
        at = (at * 1103515245 + 12345) % MANY;
        if (write(fds[at], &v, sizeof v) != sizeof v || epoll_wait(set, &e, 1, -1) != 1 || e.data.u32 != at ||
            read(fds[at], &v, sizeof v) != sizeof v)
            fail("epoll");
    }
    return (now() - start) / N;
}
