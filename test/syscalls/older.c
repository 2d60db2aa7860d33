#include "vktest.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

// libc makes newer calls of these: eventfd2, epoll_create1, epoll_pwait, inotify_init1, signalfd4.
TEST(older_event_calls) {
    int e = syscall(SYS_eventfd, 3), ep = syscall(SYS_epoll_create, 8), in = syscall(SYS_inotify_init);
    CHECK(e >= 0 && ep >= 0 && in >= 0);
    RET(fcntl(e, F_GETFD));
    RET(fcntl(ep, F_GETFL) & O_NONBLOCK);
    RET(fcntl(in, F_GETFD));
    ERR(syscall(SYS_epoll_create, 0));
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 7};
    RET(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
    RET(epoll_ctl(ep, EPOLL_CTL_ADD, in, &ev));
    ev.data.u32 = 0;
    RET(syscall(SYS_epoll_wait, ep, &ev, 1, 0));
    RET(ev.data.u32);
    ERR(syscall(SYS_epoll_wait, ep, &ev, 0, 0));
    unsigned long long mask = 1ull << (SIGUSR1 - 1);
    int s = syscall(SYS_signalfd, -1, &mask, 8);
    CHECK(s >= 0);
    RET(fcntl(s, F_GETFD));
    ERR(syscall(SYS_signalfd, -1, &mask, 4));
}
