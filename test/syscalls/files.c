// Calls on files and descriptors that the other files leave out: openat2, splice, the old
// getdents, locks that wait, and what has no effect but must answer.
#include "vktest.h"
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>

struct how {
    uint64_t flags, mode, resolve;
};

static long openat2_(int dir, const char *name, struct how h, long size) {
    char buf[64] = {0};
    memcpy(buf, &h, sizeof h);
    return syscall(SYS_openat2, (long)dir, name, buf, size);
}

TEST(openat2_resolve) {
    mkdir("d", 0755);
    write_file("d/f", "x");
    write_file("out", "y");
    symlink("f", "d/in");
    symlink("../out", "d/leads-out");
    symlink("/d/f", "d/absolute");
    int d = open("d", O_RDONLY | O_DIRECTORY);
    ERR(openat2_(d, "f", (struct how){O_RDONLY, 0, 0x08}, 24));
    ERR(openat2_(d, "in", (struct how){O_RDONLY, 0, 0x08}, 24));
    ERR(openat2_(d, "leads-out", (struct how){O_RDONLY, 0, 0x08}, 24));
    ERR(openat2_(d, "../out", (struct how){O_RDONLY, 0, 0x08}, 24));
    ERR(openat2_(d, "absolute", (struct how){O_RDONLY, 0, 0x08}, 24));
    ERR(openat2_(d, "leads-out", (struct how){O_RDONLY, 0, 0x10}, 24));
    ERR(openat2_(d, "/f", (struct how){O_RDONLY, 0, 0x10}, 24));
    ERR(openat2_(d, "in", (struct how){O_RDONLY, 0, 0x04}, 24));
    ERR(openat2_(d, "f", (struct how){O_RDONLY, 0, 0x04}, 24));
    ERR(openat2_(AT_FDCWD, "/proc/self/fd/0", (struct how){O_RDONLY, 0, 0x02}, 24));
    ERR(openat2_(d, "new", (struct how){O_CREAT | O_WRONLY, 0600, 0x08}, 24));
    ERR(openat2_(d, "f", (struct how){O_RDONLY, 0600, 0}, 24));
    ERR(openat2_(d, "f", (struct how){O_RDONLY, 0, 0x100}, 24));
    ERR(openat2_(d, "f", (struct how){1ull << 40, 0, 0}, 24));
    ERR(openat2_(d, "f", (struct how){O_RDONLY, 0, 0}, 16));
    ERR(openat2_(d, "f", (struct how){O_RDONLY, 0, 0}, 40));
    ERR(openat2_(d, "f", (struct how){O_RDONLY, 0, 0x18}, 24));
}

TEST(splice_moves_bytes) {
    int p[2], q[2];
    char buf[32] = {0};
    write_file("f", "hello, world");
    int in = open("f", O_RDONLY), out = open("g", O_RDWR | O_CREAT, 0644);
    RET(pipe(p));
    RET(pipe(q));
    int64_t off = 7;
    RET(syscall(SYS_splice, (long)in, &off, (long)p[1], 0L, 100L, 0L));
    SHOW(off);
    RET(syscall(SYS_splice, (long)p[0], 0L, (long)q[1], 0L, 3L, 0L));
    RET(read(q[0], buf, sizeof buf));
    RET(syscall(SYS_splice, (long)p[0], 0L, (long)out, 0L, 100L, 0L));
    printf("  [%s] [%s]\n", buf, read_file("g"));
    RET(syscall(SYS_splice, (long)in, 0L, (long)out, 0L, 5L, 0L));
    RET(syscall(SYS_splice, (long)p[0], &off, (long)out, 0L, 5L, 0L));
    RET(syscall(SYS_splice, (long)p[0], 0L, 99L, 0L, 5L, 0L));
    close(p[1]);
    RET(syscall(SYS_splice, (long)p[0], 0L, (long)out, 0L, 5L, 0L));
}

TEST(getdents_old_layout) {
    unsigned char buf[512];
    mkdir("d", 0755);
    write_file("d/file", "");
    int d = open("d", O_RDONLY);
    long n = syscall(SYS_getdents, (long)d, buf, (long)sizeof buf);
    CHECK(n > 0);
    int seen = 0;
    for (long at = 0; at < n;) {
        unsigned len = buf[at + 16] | buf[at + 17] << 8;
        if (strcmp((char *)buf + at + 18, "file") == 0) {
            seen++;
            SHOW(buf[at + len - 1]);
        }
        at += len;
    }
    SHOW(seen);
    RET(syscall(SYS_getdents, (long)d, buf, (long)sizeof buf));
    lseek(d, 0, SEEK_SET);
    RET(syscall(SYS_getdents, (long)d, (char *)8 - 16, 100L));
}

TEST(xattrs_on_descriptors_and_links) {
    char buf[16];
    write_file("f", "");
    int fd = open("f", O_RDWR);
    symlink("none", "dangling");
    CHECK(lgetxattr("dangling", "user.x", buf, sizeof buf) < 0);
    ERR(getxattr("dangling", "user.x", buf, sizeof buf));
    CHECK(fgetxattr(fd, "user.none", buf, sizeof buf) < 0);
    CHECK(flistxattr(fd, 0, 0) >= 0);
    CHECK(llistxattr("dangling", 0, 0) >= 0);
    CHECK(fremovexattr(fd, "user.none") < 0);
    CHECK(removexattr("f", "user.none") < 0);
    CHECK(lremovexattr("dangling", "user.none") < 0);
    ERR(setxattr("absent", "user.x", "", 0, 0));
    ERR(lsetxattr("absent", "user.x", "", 0, 0));
    ERR(fsetxattr(99, "user.x", "", 0, 0));
}

static int pipe_end[2];

static int lock_and_wait(void) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open("f", O_RDWR);
    CHECK(fcntl(fd, F_SETLK, &l) == 0);
    CHECK(write(pipe_end[1], "x", 1) == 1);
    usleep(50000);
    return 0; // the lock goes with the process
}

TEST(setlkw_waits_for_the_holder) {
    write_file("f", "0123456789");
    CHECK(pipe(pipe_end) == 0);
    int pid = fork();
    if (pid == 0) _exit(lock_and_wait());
    char c;
    RET(read(pipe_end[0], &c, 1));
    int fd = open("f", O_RDWR);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 2};
    RET(fcntl(fd, F_SETLK, &l));
    RET(fcntl(fd, F_SETLKW, &l));
    waitpid(pid, 0, 0);
    struct flock o = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1};
    int other = open("f", O_RDONLY);
    RET(fcntl(other, 37 /* F_OFD_SETLK */, &o));
    l.l_type = F_UNLCK;
    RET(fcntl(fd, F_SETLK, &l));
    RET(fcntl(other, 37, &o));
    o.l_type = F_WRLCK;
    RET(fcntl(other, 37, &o));
    l.l_type = F_WRLCK, l.l_start = -1, l.l_whence = SEEK_END;
    RET(fcntl(fd, F_GETLK, &l));
    SHOW(l.l_type);
    l.l_type = F_WRLCK, l.l_start = 0, l.l_len = 0, l.l_whence = SEEK_SET;
    RET(fcntl(fd, F_GETLK, &l));
    printf("  type %d start %lld len %lld pid %d\n", l.l_type, (long long)l.l_start, (long long)l.l_len, l.l_pid);
}

static void on_alarm(int sig) { (void)sig; }

TEST(flock_wait_is_interrupted) {
    write_file("f", "");
    int a = open("f", O_RDONLY), b = open("f", O_RDONLY);
    struct sigaction sa = {.sa_handler = on_alarm};
    struct itimerval it = {.it_value = {0, 30000}};
    sigaction(SIGALRM, &sa, 0);
    RET(flock(a, LOCK_EX));
    setitimer(ITIMER_REAL, &it, 0);
    RET(flock(b, LOCK_EX));
    close(a);
    RET(flock(b, LOCK_EX));
}

TEST(pselect_swaps_the_mask) {
    struct sigaction sa = {.sa_handler = on_alarm};
    sigset_t block, empty;
    struct timespec ts = {5, 0};
    sigaction(SIGUSR1, &sa, 0);
    sigemptyset(&block), sigemptyset(&empty);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, 0);
    raise(SIGUSR1);
    RET(pselect(0, 0, 0, 0, &ts, &empty));
    sigprocmask(SIG_SETMASK, 0, &empty);
    SHOW(sigismember(&empty, SIGUSR1));
}

TEST(calls_without_effect_answer) {
    int p[2];
    write_file("f", "x");
    int fd = open("f", O_RDWR);
    RET(pipe(p));
    RET(syscall(SYS_sync_file_range, (long)fd, 0LL, 1LL, 2L));
    RET(syscall(SYS_sync_file_range, (long)fd, -1LL, 1LL, 2L));
    RET(posix_fadvise(fd, 0, 0, 77));
    RET(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
    RET(readahead(p[0], 0, 1));
    RET(fsync(p[0]));
    RET(syscall(SYS_faccessat2, (long)AT_FDCWD, "f", (long)R_OK, 0L));
    RET(syscall(SYS_faccessat2, (long)AT_FDCWD, "f", (long)R_OK, 0x8000L));
    CHECK(syscall(452L /* fchmodat2, since Linux 6.6 */, (long)AT_FDCWD, "f", 0600L, 0L) == 0 || errno == ENOSYS);
    struct timeval tv[2] = {{5, 0}, {6, 7}};
    struct stat st;
    RET(futimesat(AT_FDCWD, "f", tv));
    stat("f", &st);
    printf("  %lld %lld.%ld\n", (long long)st.st_atime, (long long)st.st_mtime, st.st_mtim.tv_nsec);
    tv[0].tv_usec = 1000000;
    RET(futimesat(AT_FDCWD, "f", tv));
    close(fd);
    ERR(creat("g", 0600));
}

TEST(mount_is_refused_to_users) {
    if (geteuid() == 0) CHECK(setuid(1000) == 0);
    RET(mount("none", "/mnt", "tmpfs", 0, 0));
    RET(umount2("/mnt", 0));
}

TEST(fifo_polls_like_linux) {
    RET(mkfifo("p", 0600));
    int r = open("p", O_RDONLY | O_NONBLOCK);
    struct pollfd f = {r, POLLIN, 0};
    RET(poll(&f, 1, 0));
    int w = open("p", O_WRONLY | O_NONBLOCK);
    RET(poll(&f, 1, 0));
    close(w);
    RET(poll(&f, 1, 0));
    SHOW(f.revents);
    int again = open("p", O_RDONLY | O_NONBLOCK);
    f.fd = again;
    RET(poll(&f, 1, 0));
    SHOW(f.revents);
}

TEST(pipe_size_changes) {
    int p[2];
    static char buf[1 << 17];
    RET(pipe2(p, O_NONBLOCK));
    RET(fcntl(p[0], F_SETPIPE_SZ, 5000));
    RET(write(p[1], buf, sizeof buf));
    RET(fcntl(p[0], F_SETPIPE_SZ, 4096));
    RET(fcntl(p[1], F_SETPIPE_SZ, 1 << 17));
    RET(write(p[1], buf, sizeof buf));
    RET(read(p[0], buf, sizeof buf));
    int fd = open("/dev/null", O_RDONLY);
    RET(fcntl(fd, F_GETPIPE_SZ));
}

TEST(large_write_waits_for_the_reader) {
    int p[2];
    static char buf[300000];
    RET(pipe(p));
    int pid = fork();
    if (pid == 0) {
        close(p[0]);
        memset(buf, 'x', sizeof buf);
        _exit(write(p[1], buf, sizeof buf) == sizeof buf ? 0 : 1);
    }
    close(p[1]);
    long n, total = 0;
    while ((n = read(p[0], buf, 7000)) > 0) total += n;
    SHOW(total);
    int status;
    waitpid(pid, &status, 0);
    SHOW(WEXITSTATUS(status));
}

TEST(write_ends_early_when_the_reader_goes) {
    int p[2];
    static char buf[300000];
    RET(pipe(p));
    signal(SIGPIPE, SIG_IGN);
    int pid = fork();
    if (pid == 0) {
        close(p[1]);
        _exit(read(p[0], buf, 4096) == 4096 ? 0 : 1);
    }
    close(p[0]);
    long n = write(p[1], buf, sizeof buf);
    CHECK(n > 4096 && n < (long)sizeof buf);
    RET(write(p[1], buf, 1));
    waitpid(pid, 0, 0);
}
