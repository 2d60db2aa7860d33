// Terminals: a pseudo terminal in one process, and job control on it.
#include "vktest.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static int open_pty(void) {
    int unlock = 0, n = -1;
    char name[32];
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (master < 0) return -1;
    CHECK(ioctl(master, TIOCSPTLCK, &unlock) == 0);
    CHECK(ioctl(master, TIOCGPTN, &n) == 0);
    snprintf(name, sizeof name, "/dev/pts/%d", n);
    slave = open(name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
    return slave;
}

static void show_read(const char *who, int fd) {
    char buf[256];
    long n = read(fd, buf, sizeof buf);
    printf("  %s %ld:", who, n);
    for (long i = 0; i < n; i++) printf(buf[i] >= ' ' && buf[i] < 127 ? "%c" : "\\%03o", (unsigned char)buf[i]);
    printf("\n");
}

// typed waits until Linux has processed what was typed, in a thread of its own.
static void typed(const char *s) {
    CHECK(write(master, s, strlen(s)) == (long)strlen(s));
    usleep(20000);
}

TEST(pty_line_editing) {
    CHECK(open_pty() >= 0);
    RET(isatty(slave));
    typed("abx\177c\r");
    show_read("slave", slave);
    show_read("master", master);
    RET(write(slave, "out\n", 4));
    show_read("master", master);
    typed("\004");
    show_read("slave", slave);
}

TEST(pty_raw_mode_and_timeouts) {
    CHECK(open_pty() >= 0);
    struct termios t;
    RET(tcgetattr(slave, &t));
    printf("  %x %x %x\n", t.c_iflag, t.c_oflag, t.c_lflag);
    cfmakeraw(&t);
    t.c_cc[VMIN] = 0, t.c_cc[VTIME] = 1;
    RET(tcsetattr(slave, TCSADRAIN, &t));
    show_read("slave", slave);
    typed("\003\r");
    show_read("slave", slave);
    t.c_cc[VMIN] = 5, t.c_cc[VTIME] = 1;
    RET(tcsetattr(slave, TCSAFLUSH, &t));
    typed("abc");
    show_read("slave", slave);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    struct pollfd f = {slave, POLLIN | POLLOUT, 0};
    RET(poll(&f, 1, 0));
    SHOW(f.revents);
    char c;
    RET(read(slave, &c, 1));
}

TEST(pty_ioctls) {
    CHECK(open_pty() >= 0);
    struct winsize w = {24, 80, 0, 0}, got = {0};
    RET(ioctl(master, TIOCSWINSZ, &w));
    RET(ioctl(slave, TIOCGWINSZ, &got));
    printf("  %d %d\n", got.ws_row, got.ws_col);
    int n = -1;
    typed("ab\n");
    RET(ioctl(slave, FIONREAD, &n));
    SHOW(n);
    RET(tcflush(slave, TCIFLUSH));
    RET(ioctl(slave, FIONREAD, &n));
    SHOW(n);
    RET(tcflush(slave, 9));
    RET(tcgetpgrp(slave));
    RET(tcsendbreak(slave, 0));
    RET(ioctl(slave, 0x5499, 0));
    RET(lseek(slave, 0, SEEK_SET));
}

TEST(pty_master_ends_with_the_slave) {
    char c;
    CHECK(open_pty() >= 0);
    RET(write(slave, "x", 1));
    close(slave);
    RET(read(master, &c, 1));
    RET(read(master, &c, 1));
    struct pollfd f = {master, POLLIN, 0};
    RET(poll(&f, 1, 0));
    SHOW(f.revents & POLLHUP);
}

TEST(pty_hangup) {
    char c;
    CHECK(open_pty() >= 0);
    signal(SIGHUP, SIG_IGN);
    close(master);
    RET(read(slave, &c, 1));
    RET(write(slave, "x", 1));
    struct termios t;
    RET(tcgetattr(slave, &t));
}

static volatile int interrupts;
static void on_int(int sig) { interrupts += sig; }

// session makes the slave the controlling terminal of a new session.
static void session(void) {
    CHECK(setsid() > 0);
    CHECK(ioctl(slave, TIOCSCTTY, 0) == 0);
}

static int controlling(void *arg) {
    (void)arg;
    session();
    int tty = ERR(open("/dev/tty", O_RDWR)) < 0 ? -1 : 0;
    CHECK(tcgetpgrp(slave) == getpid());
    CHECK(tcgetsid(slave) == getpid());
    signal(SIGINT, on_int);
    typed("abc\003def\n");
    SHOW(interrupts);
    show_read("slave", slave);
    RET(tcsetpgrp(slave, 999999));
    RET(tcsetpgrp(slave, getpid()));
    return tty;
}

TEST(tty_controlling_terminal) {
    CHECK(open_pty() >= 0);
    run_child(controlling, 0);
}

static int job_control(void *arg) {
    (void)arg;
    session();
    fflush(stdout);
    int pid = fork(), status;
    if (pid == 0) {
        char c;
        CHECK(setpgid(0, 0) == 0);
        read(slave, &c, 1);
        _exit(3);
    }
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    SHOW(WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
    RET(tcsetpgrp(slave, pid));
    kill(-pid, SIGCONT);
    typed("x\n");
    CHECK(waitpid(pid, &status, 0) == pid);
    SHOW(WEXITSTATUS(status));
    signal(SIGTTOU, SIG_IGN);
    RET(tcsetpgrp(slave, getpgrp()));
    signal(SIGTTIN, SIG_IGN);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        char c;
        CHECK(setpgid(0, 0) == 0);
        ERR(read(slave, &c, 1));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, 0, 0);
    return 0;
}

TEST(tty_job_control) {
    CHECK(open_pty() >= 0);
    run_child(job_control, 0);
}
