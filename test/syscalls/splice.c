#include "vktest.h"
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

static void show_read(int fd, int size) {
    char buf[64] = {0};
    int n = read(fd, buf, size);
    printf("  read %d [%s]%s\n", n, buf, n < 0 ? errno_name(errno) : "");
}

TEST(splice_file_and_pipe) {
    int p[2];
    write_file("f", "hello world");
    RET(pipe2(p, O_NONBLOCK));
    int f = open("f", O_RDWR), g = open("g", O_RDWR | O_CREAT, 0600);
    RET(splice(f, 0, p[1], 0, 5, 0));
    RET(lseek(f, 0, SEEK_CUR));
    off_t off = 6;
    RET(splice(f, &off, p[1], 0, 100, 0));
    SHOW(off);
    RET(lseek(f, 0, SEEK_CUR));
    RET(splice(f, &off, p[1], 0, 100, 0));
    off = 2;
    RET(splice(p[0], 0, g, &off, 7, 0));
    SHOW(off);
    RET(lseek(g, 0, SEEK_CUR));
    RET(splice(p[0], 0, g, 0, 100, 0));
    RET(splice(p[0], 0, g, 0, 100, 0));
    RET(lseek(g, 0, SEEK_SET));
    show_read(g, 60);
    RET(splice(p[0], &off, g, 0, 100, 0));
    RET(splice(f, 0, g, 0, 100, 0));
    RET(splice(p[0], 0, p[1], 0, 100, 0));
    RET(splice(p[1], 0, g, 0, 100, 0));
    RET(splice(f, 0, p[0], 0, 100, 0));
    RET(splice(f, 0, p[1], 0, 0, 0));
    RET(splice(f, 0, p[1], 0, 1, 0x100));
    off = -1;
    lseek(f, 0, SEEK_SET);
    RET(splice(f, &off, p[1], 0, 1, 0));
    int h = open("g", O_WRONLY | O_APPEND);
    write(p[1], "x", 1);
    RET(splice(p[0], 0, h, 0, 1, 0));
}

// What the destination does not take stays in the source.
TEST(splice_between_pipes) {
    int p[2], q[2];
    char page[4096];
    memset(page, 'a', sizeof page);
    RET(pipe2(p, 0));
    RET(pipe2(q, O_NONBLOCK));
    RET(fcntl(q[1], F_SETPIPE_SZ, 4096));
    write(p[1], "abcdef", 6);
    RET(splice(p[0], 0, q[1], 0, 4, 0));
    show_read(q[0], 60);
    show_read(p[0], 1);
    write(q[1], page, sizeof page);
    RET(splice(p[0], 0, q[1], 0, 4, SPLICE_F_NONBLOCK));
    show_read(p[0], 60);
    RET(splice(p[0], 0, q[1], 0, 4, SPLICE_F_NONBLOCK));
    while (read(q[0], page, sizeof page) > 0) {}
    RET(splice(p[0], 0, q[1], 0, 4, SPLICE_F_NONBLOCK));
    close(p[1]);
    RET(splice(p[0], 0, q[1], 0, 4, 0));
    signal(SIGPIPE, SIG_IGN);
    RET(pipe(p));
    write(p[1], "x", 1);
    close(q[0]);
    RET(splice(p[0], 0, q[1], 0, 4, 0));
    show_read(p[0], 4);
}

TEST(splice_waits) {
    int p[2], q[2];
    RET(pipe(p));
    RET(pipe(q));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        write(p[1], "later", 5);
        _exit(0);
    }
    RET(splice(p[0], 0, q[1], 0, 100, 0));
    show_read(q[0], 60);
    waitpid(pid, 0, 0);
    // a file longer than the room there is: what fits
    char *big = calloc(1, 100000);
    int f = open("f", O_RDWR | O_CREAT, 0600);
    write(f, big, 100000);
    lseek(f, 0, SEEK_SET);
    RET(splice(f, 0, p[1], 0, 100000, 0));
    RET(lseek(f, 0, SEEK_CUR));
}

TEST(tee_copies) {
    int p[2], q[2];
    RET(pipe(p));
    RET(pipe(q));
    write(p[1], "hello", 5);
    RET(tee(p[0], q[1], 3, 0));
    RET(tee(p[0], q[1], 100, 0));
    show_read(q[0], 60);
    show_read(p[0], 60);
    RET(tee(p[0], q[1], 3, SPLICE_F_NONBLOCK));
    RET(tee(p[0], q[1], 0, 0));
    RET(tee(p[0], p[1], 3, 0));
    RET(tee(p[0], 99, 3, 0));
    RET(tee(p[1], q[1], 3, 0));
    RET(tee(open("f", O_CREAT | O_RDWR, 0600), q[1], 3, 0));
    RET(tee(p[0], q[1], 1, 0x100));
    close(p[1]);
    RET(tee(p[0], q[1], 3, 0));
}

TEST(vmsplice_copies) {
    int p[2];
    char a[4] = "ab", b[8] = "cdef", c[4] = {0}, d[8] = {0};
    struct iovec w[2] = {{a, 2}, {b, 4}}, r[2] = {{c, 3}, {d, 7}};
    RET(pipe2(p, O_NONBLOCK));
    RET(vmsplice(p[1], w, 2, 0));
    RET(vmsplice(p[0], r, 2, 0));
    printf("  [%s] [%s]\n", c, d);
    RET(vmsplice(p[0], r, 2, SPLICE_F_NONBLOCK));
    RET(vmsplice(open("f", O_CREAT | O_RDWR, 0600), w, 2, 0));
    RET(vmsplice(99, w, 2, 0));
    RET(vmsplice(p[1], w, 2, 0x100));
    RET(vmsplice(p[1], w, 2000, 0));
}

static int memfd(const char *name, unsigned flags) { return syscall(SYS_memfd_create, name, flags); }

TEST(memfd_seals) {
    int plain = memfd("plain", 0);
    RET(fcntl(plain, F_GET_SEALS));
    RET(fcntl(plain, F_ADD_SEALS, 2));
    int fd = memfd("sealed", MFD_ALLOW_SEALING), p[2];
    RET(fcntl(fd, F_GET_SEALS));
    RET(pipe(p));
    RET(fcntl(p[0], F_GET_SEALS));
    RET(fcntl(p[0], F_ADD_SEALS, 1));
    RET(fcntl(fd, F_ADD_SEALS, 64));
    RET(ftruncate(fd, 10000));
    RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    RET(ftruncate(fd, 9999));
    RET(ftruncate(fd, 10001));
    RET(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    RET(ftruncate(fd, 10002));
    RET(ftruncate(fd, 10001));
    char buf[8192] = {0};
    RET(pwrite(fd, buf, 8, 9990));
    RET(pwrite(fd, buf, 8, 10000));
    RET(pwrite(fd, buf, 8, 20000));
    RET(pwrite(fd, buf, 8192, 4096));
    RET(fallocate(fd, 0, 0, 20000));
    RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(m != MAP_FAILED);
    RET(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    RET(fcntl(fd, F_ADD_SEALS, 16)); // F_SEAL_FUTURE_WRITE
    m[0] = 'x';
    RET(pread(fd, buf, 1, 0));
    SHOW(buf[0]);
    RET(pwrite(fd, buf, 1, 0));
    ERR((long)mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    RET(munmap(m, 4096));
    RET(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    RET(fcntl(fd, F_GET_SEALS));
    ERR((long)mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    m = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(m != MAP_FAILED);
    SHOW(m[0]);
    RET(mprotect(m, 4096, PROT_READ | PROT_WRITE));
    m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(m != MAP_FAILED);
    m[0] = 'y';
    RET(write(fd, buf, 1));
    RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int again = open(name, O_RDONLY);
    CHECK(again >= 0);
    RET(fcntl(again, F_GET_SEALS));
    RET(fcntl(again, F_ADD_SEALS, F_SEAL_SEAL));
    ERR(open(name, O_RDWR | O_TRUNC));
    RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    RET(fcntl(fd, F_GET_SEALS));
    int noexec = memfd("noexec", MFD_NOEXEC_SEAL);
    RET(fcntl(noexec, F_GET_SEALS));
    RET(fchmod(noexec, 0700));
    RET(fchmod(noexec, 0600));
    ERR(memfd("x", 0x100));
}
