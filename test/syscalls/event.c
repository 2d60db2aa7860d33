#include "vktest.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static void show_link(int fd) {
    char name[64], text[128] = {0};
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    CHECK(readlink(name, text, sizeof text - 1) > 0);
    printf("  [%s]\n", text);
}

static void show_poll1(int fd) {
    struct pollfd f = {fd, POLLIN | POLLOUT};
    int r = poll(&f, 1, 0);
    printf("  poll %d %#x\n", r, f.revents);
}

TEST(eventfd_counts) {
    uint64_t v;
    int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(fd >= 0);
    show_link(fd);
    show_poll1(fd);
    RET(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    RET(fcntl(fd, F_GETFD));
    RET(read(fd, &v, 8));
    SHOW(v);
    RET(read(fd, &v, 8));
    show_poll1(fd);
    v = UINT64_MAX;
    RET(write(fd, &v, 8));
    v = UINT64_MAX - 1;
    RET(write(fd, &v, 8));
    show_poll1(fd);
    v = 1;
    RET(write(fd, &v, 8));
    v = 0;
    RET(write(fd, &v, 8));
    RET(read(fd, &v, 7));
    RET(write(fd, &v, 7));
    uint64_t two[2] = {5, 6};
    RET(read(fd, two, 16));
    CHECK(two[0] == UINT64_MAX - 1);
    SHOW(two[1]);
    two[0] = 5;
    RET(write(fd, two, 16));
    RET(read(fd, &v, 8));
    SHOW(v);
    ERR(lseek(fd, 0, SEEK_SET));
    ERR(pread(fd, &v, 8, 0));
    ERR(ftruncate(fd, 0));
    struct stat st;
    RET(fstat(fd, &st));
    printf("  mode %o size %d links %d\n", st.st_mode, (int)st.st_size, (int)st.st_nlink);
    ERR(open("/proc/self/fd/100", O_RDWR));
    ERR(syscall(SYS_eventfd2, 0, 0x10));
}

TEST(eventfd_semaphore_and_fork) {
    uint64_t v = 0;
    int fd = eventfd(2, EFD_SEMAPHORE);
    RET(read(fd, &v, 8));
    SHOW(v);
    RET(read(fd, &v, 8));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        v = 3;
        write(fd, &v, 8);
        _exit(0);
    }
    RET(read(fd, &v, 8));
    SHOW(v);
    waitpid(pid, 0, 0);
    int copy = dup(fd);
    close(fd);
    RET(eventfd_read(copy, &v));
    RET(eventfd_write(copy, 1));
    RET(fcntl(copy, F_SETFL, O_NONBLOCK));
    RET(read(copy, &v, 8));
    RET(read(copy, &v, 8));
    RET(read(copy, &v, 8));
}

static void add(int ep, int fd, uint32_t events, uint64_t data) {
    struct epoll_event e = {.events = events, .data.u64 = data};
    printf("  add %#x: %s\n", events, errno_name(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) ? errno : 0));
}

static void mod(int ep, int fd, uint32_t events, uint64_t data) {
    struct epoll_event e = {.events = events, .data.u64 = data};
    printf("  mod %#x: %s\n", events, errno_name(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e) ? errno : 0));
}

static int by_data(const void *a, const void *b) {
    uint64_t x = ((struct epoll_event *)a)->data.u64, y = ((struct epoll_event *)b)->data.u64;
    return x < y ? -1 : x > y;
}

static void show_wait(int ep, int timeout) {
    struct epoll_event ev[8];
    int n = epoll_wait(ep, ev, 8, timeout);
    printf("  wait %d", n);
    if (n < 0) printf(" %s", errno_name(errno));
    if (n > 0) qsort(ev, n, sizeof *ev, by_data);
    for (int i = 0; i < n; i++) printf(" %llu:%#x", (unsigned long long)ev[i].data.u64, ev[i].events);
    printf("\n");
}

TEST(epoll_arguments) {
    ERR(epoll_create(0));
    ERR(epoll_create1(1));
    int ep = epoll_create1(EPOLL_CLOEXEC);
    CHECK(ep >= 0);
    show_link(ep);
    int p[2];
    RET(pipe(p));
    int file = open("f", O_CREAT | O_RDWR, 0600), dir = open(".", O_RDONLY), null = open("/dev/null", O_RDWR);
    add(ep, file, EPOLLIN, 1);
    add(ep, dir, EPOLLIN, 1);
    add(ep, null, EPOLLIN, 1);
    add(ep, 99, EPOLLIN, 1);
    add(99, p[0], EPOLLIN, 1);
    add(file, p[0], EPOLLIN, 1);
    add(ep, ep, EPOLLIN, 1);
    add(ep, p[0], EPOLLIN, 1);
    add(ep, p[0], EPOLLIN, 1);
    mod(ep, p[1], EPOLLIN, 1);
    RET(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], 0));
    RET(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
    RET(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
    RET(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], 0));
    struct epoll_event e = {0};
    RET(epoll_ctl(ep, 9, p[0], &e));
    RET(epoll_wait(ep, &e, 0, 0));
    RET(epoll_wait(ep, &e, -1, 0));
    RET(epoll_wait(p[0], &e, 1, 0));
    RET(epoll_wait(99, &e, 1, 0));
    char c;
    ERR(read(ep, &c, 1));
    ERR(write(ep, &c, 1));
    add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1);
    add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1);
    mod(ep, p[0], EPOLLIN, 1);
    mod(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1);
    RET(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
}

TEST(epoll_level_edge_oneshot) {
    int ep = epoll_create1(0), p[2], q[2];
    RET(pipe(p));
    RET(pipe(q));
    char buf[16];
    add(ep, p[0], EPOLLIN, 10);
    add(ep, p[1], EPOLLOUT, 11);
    show_wait(ep, 0);
    RET(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], 0));
    show_wait(ep, 0);
    write(p[1], "ab", 2);
    show_wait(ep, -1);
    show_wait(ep, 0);
    read(p[0], buf, 16);
    show_wait(ep, 0);
    mod(ep, p[0], EPOLLIN | EPOLLET, 12);
    write(p[1], "a", 1);
    show_wait(ep, -1);
    show_wait(ep, 0);
    write(p[1], "b", 1);
    show_wait(ep, 0);
    show_wait(ep, 0);
    mod(ep, p[0], EPOLLIN | EPOLLET, 13);
    show_wait(ep, 0);
    mod(ep, p[0], EPOLLIN | EPOLLONESHOT, 14);
    show_wait(ep, 0);
    write(p[1], "c", 1);
    show_wait(ep, 0);
    mod(ep, p[0], EPOLLIN | EPOLLONESHOT, 15);
    show_wait(ep, 0);
    mod(ep, p[0], 0, 16);
    show_wait(ep, 0);
    close(p[1]);
    show_wait(ep, 0);
    add(ep, q[0], EPOLLIN | EPOLLRDNORM, 20);
    write(q[1], "x", 1);
    show_wait(ep, 0);
    close(q[0]);
    show_wait(ep, 0);
    add(ep, q[1], EPOLLOUT | EPOLLET, 21);
    show_wait(ep, 0);
    show_wait(ep, 0);
}

TEST(epoll_closed_descriptors) {
    int ep = epoll_create1(0), p[2];
    RET(pipe(p));
    add(ep, p[0], EPOLLIN, 1);
    int copy = dup(p[0]);
    write(p[1], "x", 1);
    close(p[0]);
    show_wait(ep, 0); // the description lives
    ERR(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
    close(copy);
    show_wait(ep, 0);
    int r[2];
    RET(pipe(r));
    SHOW(r[0] == p[0]);
    add(ep, r[0], EPOLLIN, 2);
    int d2 = dup(r[0]);
    add(ep, d2, EPOLLIN, 3);
    write(r[1], "x", 1);
    show_wait(ep, 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(r[0]); // the parent's stays
        show_wait(ep, 0);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, 0, 0);
    show_wait(ep, 0);
    close(ep);
    show_poll1(r[0]);
}

TEST(epoll_nested) {
    int p[2], e[8];
    RET(pipe(p));
    for (int i = 0; i < 8; i++) e[i] = epoll_create1(0);
    add(e[0], p[0], EPOLLIN, 1);
    for (int i = 1; i < 8; i++) add(e[i], e[i - 1], EPOLLIN, i);
    show_poll1(e[0]);
    show_poll1(e[3]);
    write(p[1], "x", 1);
    show_poll1(e[0]);
    show_poll1(e[3]);
    show_wait(e[3], -1);
    show_wait(e[2], 0);
    add(e[0], e[3], EPOLLIN, 1);
    add(e[0], e[1], EPOLLIN, 1);
    add(e[0], e[0], EPOLLIN, 1);
    char c;
    read(p[0], &c, 1);
    show_wait(e[3], 0);
    show_poll1(e[0]);
    close(e[1]);
    write(p[1], "x", 1);
    show_wait(e[3], 0);
    show_wait(e[0], 0);
}

static void on_usr1(int sig) { (void)sig; }

TEST(epoll_waits_and_signals) {
    int ep = epoll_create1(0), fd = eventfd(0, 0);
    add(ep, fd, EPOLLIN, 7);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    show_wait(ep, 30);
    clock_gettime(CLOCK_MONOTONIC, &b);
    long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    CHECK(ms >= 29);
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        eventfd_write(fd, 1);
        _exit(0);
    }
    show_wait(ep, -1);
    waitpid(pid, 0, 0);
    uint64_t v;
    read(fd, &v, 8);
    struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, 0);
    pid = fork();
    if (pid == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    show_wait(ep, -1);
    waitpid(pid, 0, 0);
    sigset_t block, none;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, 0);
    raise(SIGUSR1);
    struct epoll_event e;
    RET(epoll_pwait(ep, &e, 1, -1, &none));
    RET(epoll_pwait(ep, &e, 1, 0, &block));
    struct timespec ts = {0, 1000000};
    RET(syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, 0, 8));
    ts.tv_nsec = 2000000000;
    RET(syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, 0, 8));
    eventfd_write(fd, 1);
    RET(syscall(SYS_epoll_pwait2, ep, &e, 1, 0, &none, 8));
    RET(syscall(SYS_epoll_pwait2, ep, &e, 1, 0, &none, 4));
}

// Each of many that are ready gets its turn although only one event is taken at a time.
TEST(epoll_is_fair) {
    int ep = epoll_create1(0), seen[8] = {0};
    for (int i = 0; i < 8; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), &e) == 0);
    }
    for (int i = 0; i < 24; i++) {
        struct epoll_event e;
        CHECK(epoll_wait(ep, &e, 1, 0) == 1);
        seen[e.data.u32]++;
    }
    for (int i = 0; i < 8; i++) printf(" %d", seen[i]);
    printf("\n");
}

TEST(epoll_faults) {
    int ep = epoll_create1(0);
    add(ep, eventfd(1, 0), EPOLLIN, 1);
    ERR(epoll_wait(ep, (struct epoll_event *)16, 1, 0));
    show_wait(ep, 0);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, 0, (struct epoll_event *)16));
}
