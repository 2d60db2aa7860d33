#include "vktest.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>

TEST(pipe_eof_and_epipe) {
    int p[2];
    char buf[8] = {0};
    RET(pipe(p));
    RET(write(p[1], "abc", 3));
    RET(close(p[1]));
    RET(read(p[0], buf, 8));
    RET(read(p[0], buf, 8));
    RET(pipe(p));
    signal(SIGPIPE, SIG_IGN);
    RET(close(p[0]));
    RET(write(p[1], "x", 1));
    ERR(write(p[0], "x", 1));
}

static int die_of_sigpipe(void *unused) {
    (void)unused;
    int p[2];
    pipe(p);
    close(p[0]);
    signal(SIGPIPE, SIG_DFL);
    write(p[1], "x", 1);
    return 7;
}

TEST(pipe_sigpipe_kills) { run_child(die_of_sigpipe, 0); }

TEST(pipe_nonblocking) {
    int p[2];
    RET(pipe2(p, O_NONBLOCK | O_CLOEXEC));
    char c, page[4096] = {0};
    RET(read(p[0], &c, 1));
    int n = 0;
    while (write(p[1], page, sizeof page) == sizeof page) n++;
    printf("  pages %d, then %s\n", n, errno_name(errno));
    RET(read(p[0], page, 1));
    RET(write(p[1], page, 2));
    RET(read(p[0], page, 4095));
    RET(write(p[1], page, 4096));
    RET(fcntl(p[0], F_GETPIPE_SZ));
    int avail;
    RET(ioctl(p[0], FIONREAD, &avail));
    SHOW(avail);
    ERR(pipe2(p, O_APPEND));
}

static int slow_writer(void *arg) {
    int fd = *(int *)arg;
    for (int i = 0; i < 100; i++) {
        char page[3000];
        memset(page, i, sizeof page);
        if (write(fd, page, sizeof page) != sizeof page) return 1;
    }
    return 0;
}

TEST(pipe_writes_are_atomic) {
    int p[2];
    RET(pipe(p));
    pid_t kid[3];
    for (int k = 0; k < 3; k++)
        if ((kid[k] = fork()) == 0) {
            close(p[0]);
            _exit(slow_writer(&p[1]));
        }
    close(p[1]);
    char page[3000];
    int blocks = 0;
    for (;;) {
        size_t have = 0;
        ssize_t n = 0;
        while (have < sizeof page && (n = read(p[0], page + have, sizeof page - have)) > 0) have += n;
        if (have == 0) break;
        CHECK(have == sizeof page);
        for (size_t i = 1; i < have; i++)
            if (page[i] != page[0]) {
                CHECK(!"mixed block");
                break;
            }
        blocks++;
    }
    SHOW(blocks);
    for (int k = 0; k < 3; k++) {
        int status;
        waitpid(kid[k], &status, 0);
        show_status(status);
    }
}

TEST(fifo_connects_two_processes) {
    RET(mkfifo("p", 0600));
    ERR(open("p", O_WRONLY | O_NONBLOCK));
    pid_t pid = fork();
    if (pid == 0) {
        int w = open("p", O_WRONLY);
        write(w, "through", 7);
        _exit(0);
    }
    int r = open("p", O_RDONLY);
    char buf[16] = {0};
    RET(read(r, buf, sizeof buf));
    printf("  [%s]\n", buf);
    RET(read(r, buf, sizeof buf));
    waitpid(pid, 0, 0);
    int n = open("p", O_RDONLY | O_NONBLOCK);
    CHECK(n >= 0);
    RET(read(n, buf, 1));
}

static void show_poll(struct pollfd *f, int n, int timeout) {
    int r = poll(f, n, timeout);
    printf("  poll %d:", r);
    for (int i = 0; i < n; i++) printf(" %#x", f[i].revents);
    printf("\n");
}

TEST(poll_events) {
    int p[2];
    RET(pipe(p));
    struct pollfd f[4] = {{p[0], POLLIN}, {p[1], POLLOUT}, {-1, POLLIN}, {99, POLLIN}};
    show_poll(f, 4, 0);
    write(p[1], "x", 1);
    show_poll(f, 2, -1);
    close(p[1]);
    f[1].fd = -1;
    show_poll(f, 1, -1);
    char c;
    read(p[0], &c, 1);
    show_poll(f, 1, -1);
    RET(pipe(p));
    close(p[0]);
    f[0] = (struct pollfd){p[1], POLLOUT};
    show_poll(f, 1, -1);
    int file = open("f", O_CREAT | O_RDWR, 0600);
    f[0] = (struct pollfd){file, POLLIN | POLLOUT | POLLPRI};
    show_poll(f, 1, -1);
    show_poll(0, 0, 10);
    struct timespec ts = {0, 1000000};
    RET(ppoll(0, 0, &ts, 0));
    ts.tv_nsec = -1;
    RET(ppoll(0, 0, &ts, 0));
}

TEST(poll_wakes_for_a_child) {
    int p[2];
    RET(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        write(p[1], "x", 1);
        _exit(0);
    }
    struct pollfd f = {p[0], POLLIN};
    show_poll(&f, 1, 10000);
    waitpid(pid, 0, 0);
}

TEST(select_events) {
    int p[2];
    RET(pipe(p));
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    struct timeval tv = {0, 1000};
    RET(select(p[1] + 1, &r, &w, 0, &tv));
    printf("  %d %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    RET(select(p[0] + 1, &r, 0, 0, &tv));
    FD_ZERO(&r);
    FD_SET(500, &r);
    tv = (struct timeval){0, 0};
    RET(select(501, &r, 0, 0, &tv));
    RET(select(-1, 0, 0, 0, &tv));
    struct timespec ts = {0, 1000};
    RET(pselect(0, 0, 0, 0, &ts, 0));
}

static void on_signal(int s) { (void)s; }

TEST(ppoll_unblocks_a_signal) {
    sigset_t set, old;
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &sa, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    struct timespec ts = {5, 0};
    RET(ppoll(0, 0, &ts, &old));
    sigprocmask(SIG_BLOCK, 0, &old);
    CHECK(sigismember(&old, SIGUSR1) == 1);
}
