#include "vktest.h"
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void show_link(int fd) {
    char name[64], text[128] = {0};
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    CHECK(readlink(name, text, sizeof text - 1) > 0);
    printf("  [%s]\n", text);
}

static int ready(int fd, int timeout) {
    struct pollfd f = {fd, POLLIN};
    return poll(&f, 1, timeout) > 0 ? f.revents : 0;
}

static int set_timer(int fd, int flags, long ms, long interval_us) {
    struct itimerspec t = {{interval_us / 1000000, interval_us % 1000000 * 1000}, {ms / 1000, ms % 1000 * 1000000}};
    return timerfd_settime(fd, flags, &t, 0);
}

TEST(timerfd_arguments) {
    ERR(timerfd_create(99, 0));
    ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    ERR(timerfd_create(CLOCK_MONOTONIC, 1));
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    CHECK(fd >= 0);
    show_link(fd);
    RET(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    uint64_t n;
    RET(read(fd, &n, 8));
    RET(read(fd, &n, 7));
    RET(write(fd, &n, 8));
    RET(ready(fd, 0));
    struct itimerspec t = {{0, 0}, {0, 1000000000}}, old = {{7, 7}, {7, 7}};
    RET(timerfd_settime(fd, 0, &t, 0));
    t.it_value.tv_nsec = 1;
    RET(timerfd_settime(fd, 8, &t, 0));
    RET(timerfd_settime(0, 0, &t, 0));
    RET(timerfd_settime(99, 0, &t, 0));
    RET(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_sec + old.it_value.tv_nsec + old.it_interval.tv_sec);
    t = (struct itimerspec){{3, 0}, {100, 0}};
    RET(timerfd_settime(fd, 0, &t, 0));
    RET(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_sec == 99 || old.it_value.tv_sec == 100);
    SHOW(old.it_interval.tv_sec);
    t = (struct itimerspec){{0, 0}, {0, 0}};
    old = t;
    RET(timerfd_settime(fd, 0, &t, &old));
    SHOW(old.it_interval.tv_sec);
    RET(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_sec);
    SHOW(old.it_interval.tv_sec);
}

static void one_clock(int clock) {
    uint64_t n = 0;
    int fd = timerfd_create(clock, 0);
    CHECK(set_timer(fd, 0, 20, 0) == 0);
    CHECK(ready(fd, 0) == 0);
    RET(read(fd, &n, 8));
    SHOW(n);
    RET(ready(fd, 30));
    struct timespec now;
    clock_gettime(clock, &now);
    struct itimerspec t = {{0, 0}, now};
    t.it_value.tv_sec += 1000;
    RET(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, 0));
    RET(ready(fd, 0));
    t.it_value = (struct timespec){0, 1};
    t.it_interval = (struct timespec){1000000, 0};
    RET(timerfd_settime(fd, TFD_TIMER_ABSTIME | (clock == CLOCK_REALTIME ? TFD_TIMER_CANCEL_ON_SET : 0), &t, 0));
    RET(ready(fd, 1000));
    RET(read(fd, &n, 8));
    SHOW(n > 0);
    RET(ready(fd, 0));
    CHECK(set_timer(fd, 0, 10, 5000) == 0);
    usleep(40000);
    RET(read(fd, &n, 8));
    CHECK(n >= 3);
    RET(close(fd));
}

TEST(timerfd_clocks) {
    one_clock(CLOCK_REALTIME);
    one_clock(CLOCK_MONOTONIC);
    one_clock(CLOCK_BOOTTIME);
}

// An edge-triggered set hears of one expiry until it is read.
TEST(timerfd_edge_and_fork) {
    int ep = epoll_create1(0), fd = timerfd_create(CLOCK_MONOTONIC, 0), heard = 0;
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    RET(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    CHECK(set_timer(fd, 0, 5, 5000) == 0);
    while (heard < 3 && epoll_wait(ep, &e, 1, heard ? 30 : 3000) == 1) heard++;
    SHOW(heard);
    CHECK(set_timer(fd, 0, 20, 0) == 0);
    pid_t pid = fork();
    uint64_t n = 0;
    if (pid == 0) _exit(read(fd, &n, 8) == 8 ? n : 9);
    int status;
    waitpid(pid, &status, 0);
    show_status(status);
    RET(ready(fd, 0));
}

static sigset_t set_of(int a, int b) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, a);
    if (b) sigaddset(&s, b);
    return s;
}

static void show_signal(int fd) {
    struct signalfd_siginfo i[4];
    memset(i, 0x55, sizeof i);
    int n = read(fd, i, sizeof i);
    printf("  read %d", n < 0 ? n : (int)(n / sizeof *i));
    if (n < 0) printf(" %s", errno_name(errno));
    for (int k = 0; n > 0 && k < n / (int)sizeof *i; k++)
        printf(" %d code %d status %d int %d mine %d uid %d", i[k].ssi_signo, i[k].ssi_code, i[k].ssi_status,
               i[k].ssi_int, i[k].ssi_pid == (unsigned)getpid(), i[k].ssi_uid == getuid());
    printf("\n");
}

TEST(signalfd_reads) {
    sigset_t s = set_of(SIGUSR1, SIGCHLD), t = set_of(SIGRTMIN, 0);
    sigaddset(&s, SIGKILL);
    sigprocmask(SIG_BLOCK, &s, 0);
    sigprocmask(SIG_BLOCK, &t, 0);
    int fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd >= 0);
    show_link(fd);
    ERR(syscall(SYS_signalfd4, -1, &s, 4, 0));
    ERR(syscall(SYS_signalfd4, -1, &s, 8, 1));
    ERR(syscall(SYS_signalfd4, 0, &s, 8, 0));
    ERR(syscall(SYS_signalfd4, 99, &s, 8, 0));
    show_signal(fd);
    char small[100];
    RET(read(fd, small, sizeof small));
    RET(ready(fd, 0));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    RET(ready(fd, 0));
    show_signal(fd);
    RET(ready(fd, 0));
    if (fork() == 0) _exit(7);
    RET(ready(fd, 3000));
    show_signal(fd);
    wait(0);
    union sigval v = {.sival_int = 42};
    sigqueue(getpid(), SIGRTMIN, v);
    v.sival_int = 43;
    sigqueue(getpid(), SIGRTMIN, v);
    RET(ready(fd, 0));
    RET(signalfd(fd, &t, 0) == fd);
    RET(ready(fd, 0));
    show_signal(fd);
    raise(SIGUSR1);
    show_signal(fd);
    RET(signalfd(fd, &s, 0) == fd);
    show_signal(fd);
    RET(write(fd, small, 8));
}

TEST(signalfd_waits_and_fork) {
    sigset_t s = set_of(SIGUSR1, SIGALRM);
    sigprocmask(SIG_BLOCK, &s, 0);
    int fd = signalfd(-1, &s, 0), ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    RET(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    RET(epoll_wait(ep, &e, 1, 0));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        show_signal(fd); // its own
        fflush(stdout);
        _exit(0);
    }
    RET(epoll_wait(ep, &e, 1, -1));
    show_signal(fd);
    fflush(stdout);
    kill(pid, SIGALRM);
    waitpid(pid, 0, 0);
    RET(epoll_wait(ep, &e, 1, 0));
}

static int pidfd_open_(pid_t pid, int flags) { return syscall(SYS_pidfd_open, pid, flags); }
static int send_(int fd, int sig, siginfo_t *info, int flags) {
    return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

TEST(pidfd_open_poll_and_wait) {
    ERR(pidfd_open_(0, 0));
    ERR(pidfd_open_(-1, 0));
    ERR(pidfd_open_(getpid(), 1));
    ERR(pidfd_open_(30000, 0));
    int p[2];
    RET(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        read(p[0], &c, 1);
        _exit(5);
    }
    int fd = pidfd_open_(pid, 0), nb = pidfd_open_(pid, O_NONBLOCK);
    CHECK(fd >= 0);
    show_link(fd);
    RET(fcntl(fd, F_GETFD));
    RET(ready(fd, 0));
    char c;
    RET(read(fd, &c, 1));
    RET(send_(fd, 0, 0, 0));
    RET(send_(fd, 0, 0, 64));
    RET(send_(p[0], 0, 0, 0));
    RET(send_(99, 0, 0, 0));
    RET(send_(fd, 99, 0, 0));
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_USER};
    RET(send_(fd, SIGUSR2, &info, 0));
    RET(send_(fd, SIGUSR1, &info, 0));
    memset(&info, 0, sizeof info);
    RET(waitid(P_PIDFD, nb, &info, WEXITED));
    RET(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    RET(waitid(P_PIDFD, p[0], &info, WEXITED));
    RET(waitid(P_PIDFD, 99, &info, WEXITED));
    RET(waitid(P_PIDFD, -1, &info, WEXITED));
    write(p[1], "x", 1);
    RET(ready(fd, 3000));
    CHECK(pidfd_open_(pid, 0) >= 0); // a zombie still has a name
    RET(waitid(P_PIDFD, fd, &info, WEXITED));
    printf("  status %d code %d mine %d\n", info.si_status, info.si_code, info.si_pid == pid);
    RET(waitid(P_PIDFD, fd, &info, WEXITED));
    RET(send_(fd, 0, 0, 0));
    ERR(pidfd_open_(pid, 0));
    int self_fd = pidfd_open_(getpid(), 0);
    RET(waitid(P_PIDFD, self_fd, &info, WEXITED));
}

TEST(pidfd_signals) {
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) pause();
    }
    int fd = pidfd_open_(pid, 0), status;
    struct epoll_event e = {.events = EPOLLIN};
    int ep = epoll_create1(0);
    RET(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    RET(epoll_wait(ep, &e, 1, 0));
    RET(send_(fd, SIGTERM, 0, 0));
    RET(epoll_wait(ep, &e, 1, -1));
    waitpid(pid, &status, 0);
    show_status(status);
}

TEST(pidfd_clone) {
    int fd = -1, status, at = 0;
    pid_t pid = syscall(SYS_clone, 0x1000 | SIGCHLD, 0, &fd, 0, 0);
    if (pid == 0) {
        // the parent's alone
        _exit(fcntl(fd == -1 ? 3 : fd, F_GETFD) < 0 ? 3 : 4);
    }
    CHECK(pid > 0);
    CHECK(fd >= 0);
    RET(ready(fd, 3000));
    waitpid(pid, &status, 0);
    show_status(status);
    ERR(syscall(SYS_clone, 0x1000 | CLONE_PARENT_SETTID | SIGCHLD, 0, &at, 0, 0));
}

TEST(pidfd_getfd) {
    int p[2], q[2];
    RET(pipe(p));
    RET(pipe(q));
    pid_t pid = fork();
    if (pid == 0) {
        int r[2];
        char c;
        pipe(r);
        dup2(r[1], 77);
        write(r[1], "secret", 6);
        dup2(r[0], 78);
        write(p[1], "x", 1);
        read(q[0], &c, 1);
        _exit(0);
    }
    char c, text[16] = {0};
    read(p[0], &c, 1);
    int fd = pidfd_open_(pid, 0);
    int got = syscall(SYS_pidfd_getfd, fd, 78, 0);
    CHECK(got >= 0);
    RET(fcntl(got, F_GETFD));
    RET(read(got, text, 16));
    printf("  [%s]\n", text);
    ERR(syscall(SYS_pidfd_getfd, fd, 500, 0));
    ERR(syscall(SYS_pidfd_getfd, fd, 78, 1));
    ERR(syscall(SYS_pidfd_getfd, p[0], 78, 0));
    if (fork() == 0) {
        if (setgid(1000) || setuid(1000)) _exit(1);
        ERR(syscall(SYS_pidfd_getfd, fd, 78, 0));
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    write(q[1], "x", 1);
    waitpid(pid, 0, 0);
    ERR(syscall(SYS_pidfd_getfd, fd, 78, 0));
}
