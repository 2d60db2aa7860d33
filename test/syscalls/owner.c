#include "vktest.h"
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>

// Signals that tell of descriptors: O_ASYNC with F_SETOWN and F_SETSIG, and F_NOTIFY.

static void block(int sig) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGIO);
    sigaddset(&s, SIGURG);
    sigaddset(&s, sig);
    sigprocmask(SIG_BLOCK, &s, 0);
}

// show prints the signals that are there, or come in a while if there shall be some. fd is what is expected.
static void show(const char *what, int some, int fd) {
    sigset_t s;
    sigfillset(&s);
    sigdelset(&s, SIGALRM);
    printf("  %s:", what);
    for (;;) {
        siginfo_t i;
        struct timespec none = {0, 0}, while_ = {10, 0};
        int sig = sigtimedwait(&s, &i, some ? &while_ : &none);
        some = 0;
        if (sig < 0) break;
        if (i.si_code == SI_KERNEL)
            printf(" %s", sig == SIGIO ? "SIGIO" : "other");
        else
            printf(" %d code %d band %lx fd %s", sig - SIGRTMIN, i.si_code, (long)i.si_band,
                   i.si_fd == fd ? "right" : "wrong");
    }
    printf("\n");
}

TEST(owner_arguments) {
    int p[2];
    CHECK(pipe(p) == 0);
    RET(fcntl(p[0], F_GETOWN));
    RET(fcntl(p[0], F_GETSIG));
    RET(fcntl(p[0], F_SETSIG, 65));
    RET(fcntl(p[0], F_SETSIG, -1));
    RET(fcntl(p[0], F_SETSIG, SIGUSR1));
    RET(fcntl(p[0], F_GETSIG));
    RET(fcntl(p[0], F_SETOWN, 999999));
    RET(fcntl(p[0], F_SETOWN, -999999));
    RET(fcntl(p[0], F_SETOWN, getpid()));
    CHECK(fcntl(p[0], F_GETOWN) == getpid());
    int d = dup(p[0]);
    CHECK(fcntl(d, F_GETOWN) == getpid());
    RET(fcntl(p[1], F_GETOWN));
    setpgid(0, 0);
    RET(fcntl(p[0], F_SETOWN, -getpgrp()));
    CHECK(fcntl(p[0], F_GETOWN) == -getpgrp());
    RET(fcntl(p[0], F_SETOWN, 0));
    RET(fcntl(p[0], F_GETOWN));
    struct f_owner_ex o = {F_OWNER_TID, (int)syscall(SYS_gettid)};
    RET(fcntl(p[0], F_SETOWN_EX, &o));
    o.type = o.pid = 77;
    RET(fcntl(p[0], F_GETOWN_EX, &o));
    CHECK(o.type == F_OWNER_TID && o.pid == syscall(SYS_gettid));
    o.type = 3;
    RET(fcntl(p[0], F_SETOWN_EX, &o));
    o = (struct f_owner_ex){F_OWNER_PID, -1};
    RET(fcntl(p[0], F_SETOWN_EX, &o));
    RET(fcntl(p[0], F_SETOWN_EX, (void *)16));
    RET(fcntl(p[0], F_GETOWN_EX, (void *)16));
    pid_t child = fork();
    if (child == 0) _exit(0);
    RET(fcntl(p[0], F_SETOWN, child));
    waitpid(child, 0, 0);
    RET(fcntl(p[0], F_GETOWN));
    RET(fcntl(99, F_SETOWN, getpid()));
}

TEST(async_flag) {
    int p[2], f = open("f", O_RDWR | O_CREAT, 0600), on = 1;
    CHECK(pipe(p) == 0 && f >= 0);
    RET(fcntl(f, F_SETFL, O_ASYNC));
    RET(fcntl(f, F_GETFL) & O_ASYNC);
    RET(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
    RET(fcntl(p[0], F_GETFL) & (O_ASYNC | O_NONBLOCK));
    RET(fcntl(p[0], F_SETFL, 0));
    RET(fcntl(p[0], F_GETFL) & (O_ASYNC | O_NONBLOCK));
    RET(ioctl(p[0], FIOASYNC, &on));
    RET(fcntl(p[0], F_GETFL) & O_ASYNC);
    on = 0;
    RET(ioctl(p[0], FIOASYNC, &on));
    RET(fcntl(p[0], F_GETFL) & O_ASYNC);
    RET(ioctl(p[0], FIOASYNC, (void *)16));
}

TEST(async_pipe) {
    int p[2];
    char c = 'x';
    block(SIGRTMIN);
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    write(p[1], &c, 1);
    show("nobody", 0, 0);
    fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK);
    write(p[1], &c, 1);
    show("no owner", 0, 0);
    fcntl(p[0], F_SETOWN, getpid());
    write(p[1], &c, 1);
    show("written", 0, 0);
    read(p[0], &c, 1);
    show("read", 0, 0);
    fcntl(p[0], F_SETSIG, SIGRTMIN);
    write(p[1], &c, 1);
    show("with a descriptor", 0, p[0]);
    int d = dup(p[0]);
    close(p[0]);
    write(p[1], &c, 1);
    show("by the number of then", 0, p[0]);
    fcntl(d, F_SETFL, O_NONBLOCK);
    write(p[1], &c, 1);
    show("off", 0, p[0]);
    fcntl(d, F_SETFL, O_NONBLOCK | O_ASYNC);
    write(p[1], &c, 1);
    show("by the new number", 0, d);
    close(d);
    show("closed", 0, d);
}

TEST(async_pipe_writer) {
    int p[2];
    static char buf[4096];
    block(SIGRTMIN);
    signal(SIGPIPE, SIG_IGN);
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    fcntl(p[1], F_SETOWN, getpid());
    fcntl(p[1], F_SETSIG, SIGRTMIN);
    fcntl(p[1], F_SETFL, O_ASYNC | O_NONBLOCK);
    while (write(p[1], buf, sizeof buf) > 0) {}
    show("full", 0, p[1]);
    read(p[0], buf, sizeof buf);
    show("room", 0, p[1]);
}

TEST(async_end_of_pipe) {
    int p[2];
    block(SIGRTMIN);
    CHECK(pipe(p) == 0);
    fcntl(p[0], F_SETOWN, getpid());
    fcntl(p[0], F_SETSIG, SIGRTMIN);
    fcntl(p[0], F_SETFL, O_ASYNC);
    close(p[1]);
    show("end", 0, p[0]);
}

TEST(async_group_and_thread) {
    int p[2];
    char c = 'x';
    block(SIGRTMIN);
    setpgid(0, 0);
    CHECK(pipe(p) == 0);
    fcntl(p[0], F_SETOWN, -getpgrp());
    fcntl(p[0], F_SETSIG, SIGRTMIN + 1);
    block(SIGRTMIN + 1);
    fcntl(p[0], F_SETFL, O_ASYNC);
    pid_t child = fork();
    if (child == 0) {
        show("child", 1, p[0]);
        fflush(stdout);
        _exit(0);
    }
    write(p[1], &c, 1);
    waitpid(child, 0, 0);
    show("parent", 1, p[0]);
    struct f_owner_ex o = {F_OWNER_TID, (int)syscall(SYS_gettid)};
    fcntl(p[0], F_SETOWN_EX, &o);
    write(p[1], &c, 1);
    show("thread", 0, p[0]);
}

TEST(async_child_owns) {
    int p[2];
    char c = 'x';
    block(SIGRTMIN);
    CHECK(pipe(p) == 0);
    fcntl(p[0], F_SETFL, O_ASYNC);
    pid_t child = fork();
    if (child == 0) {
        show("child", 1, p[0]);
        fflush(stdout);
        _exit(0);
    }
    fcntl(p[0], F_SETOWN, child);
    write(p[1], &c, 1);
    waitpid(child, 0, 0);
    show("parent", 0, p[0]);
    write(p[1], &c, 1);
    show("the owner is gone", 0, p[0]);
}

TEST(async_socket) {
    int s[2];
    char c = 'x';
    block(SIGRTMIN);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    fcntl(s[0], F_SETOWN, getpid());
    fcntl(s[0], F_SETFL, O_ASYNC);
    write(s[1], &c, 1);
    show("written", 0, s[0]);
    read(s[0], &c, 1);
    show("read", 0, s[0]);
    close(s[1]);
    show("end", 0, s[0]);
}

TEST(async_terminal) {
    int m, s;
    block(SIGRTMIN);
    CHECK(openpty(&m, &s, 0, 0, 0) == 0);
    fcntl(s, F_SETOWN, getpid());
    fcntl(s, F_SETFL, O_ASYNC);
    write(m, "line\n", 5);
    show("line", 1, s);
}

TEST(notify_directory) {
    block(SIGRTMIN);
    block(SIGRTMIN + 1);
    mkdir("d", 0700);
    int f = open("f", O_RDWR | O_CREAT, 0600), d = open("d", O_RDONLY);
    RET(fcntl(f, F_NOTIFY, DN_CREATE));
    RET(fcntl(d, F_NOTIFY, DN_MULTISHOT));
    RET(fcntl(d, F_NOTIFY, 0));
    RET(fcntl(99, F_NOTIFY, DN_CREATE));
    RET(fcntl(d, F_NOTIFY, DN_CREATE));
    CHECK(fcntl(d, F_GETOWN) == getpid());
    close(open("d/a", O_RDWR | O_CREAT, 0600));
    show("created", 0, d);
    close(open("d/b", O_RDWR | O_CREAT, 0600));
    show("only once", 0, d);
    fcntl(d, F_SETSIG, SIGRTMIN + 1);
    RET(fcntl(d, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
    close(open("d/c", O_RDWR | O_CREAT, 0600));
    show("created", 0, d);
    close(open("d/e", O_RDWR | O_CREAT, 0600));
    show("again", 0, d);
    unlink("d/a");
    show("not asked for", 0, d);
    RET(fcntl(d, F_NOTIFY, DN_DELETE | DN_MULTISHOT));
    unlink("d/b");
    show("deleted", 0, d);
    close(open("d/g", O_RDWR | O_CREAT, 0600));
    show("still created", 0, d);
    RET(fcntl(d, F_NOTIFY, 0));
    unlink("d/c");
    show("off", 0, d);
    RET(fcntl(d, F_NOTIFY, DN_ATTRIB | DN_MULTISHOT));
    chmod("d/e", 0640);
    show("attributes", 0, d);
    close(d);
    chmod("d/e", 0600);
    show("closed", 0, d);
}
