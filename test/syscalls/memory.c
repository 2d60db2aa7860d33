#include "vktest.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

TEST(mmap_anonymous) {
    char *p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK(p[0] == 0 && p[(1 << 20) - 1] == 0);
    memset(p, 7, 1 << 20);
    RET(munmap(p + 4096, 8192));
    RET(munmap(p, 1 << 20));
    RET(munmap(p, 0));
    RET(munmap(p + 1, 4096));
    ERR(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    ERR(mmap(0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    ERR(mmap(0, 4096, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED ? -1 : 0);
}

TEST(mmap_file_private) {
    char page[4096];
    memset(page, 'a', sizeof page);
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    write(fd, page, sizeof page);
    write(fd, "bcd", 3);
    char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED);
    printf("  %c %c %d\n", p[0], p[4096], p[4099]);
    p[0] = 'X';
    char c;
    RET(pread(fd, &c, 1, 0));
    printf("  %c\n", c);
    char *q = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
    printf("  %c\n", q[0]);
    ERR(mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 100) == MAP_FAILED ? -1 : 0);
    int w = open("f", O_WRONLY);
    ERR(mmap(0, 4096, PROT_READ, MAP_PRIVATE, w, 0) == MAP_FAILED ? -1 : 0);
    int d = open(".", O_RDONLY);
    ERR(mmap(0, 4096, PROT_READ, MAP_PRIVATE, d, 0) == MAP_FAILED ? -1 : 0);
    close(fd);
    printf("  %c\n", p[1]);
}

TEST(mmap_fixed_replaces) {
    char *p = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, 16384);
    char *q = mmap(p + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(q == p + 4096);
    printf("  %d %d %d\n", p[0], p[4096], p[8192]);
    errno = 0;
    q = mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0);
    printf("  noreplace %s\n", q == MAP_FAILED ? errno_name(errno) : "mapped");
    ERR(mmap(p + 1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
}

static int read_at(void *p) { return *(volatile char *)p; }
static int write_at(void *p) { return *(volatile char *)p = 1; }

TEST(mprotect_and_faults) {
    char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    RET(mprotect(p, 4096, PROT_READ));
    run_child(read_at, p);
    run_child(write_at, p);
    run_child(write_at, p + 4096);
    RET(mprotect(p, 4096, PROT_NONE));
    run_child(read_at, p);
    int fd = open("/dev/zero", O_RDONLY);
    RET(read(fd, p, 1));
    RET(mprotect(p, 4096, PROT_READ | PROT_WRITE));
    RET(read(fd, p, 1));
    RET(mprotect(p + 1, 4096, PROT_READ));
    RET(munmap(p, 8192));
    run_child(read_at, p);
    RET(mprotect(p, 4096, PROT_READ));
}

TEST(mmap_shared_anonymous_after_fork) {
    int *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    *p = 1;
    pid_t pid = fork();
    if (pid == 0) {
        *p = 2;
        _exit(0);
    }
    waitpid(pid, 0, 0);
    SHOW(*p);
}

TEST(mremap_rules) {
    char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = 1, p[8191] = 2;
    char *q = mremap(p, 8192, 1 << 20, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q[0] == 1 && q[8191] == 2 && q[8192] == 0);
    q = mremap(q, 1 << 20, 4096, 0);
    CHECK(q != MAP_FAILED && q[0] == 1);
    ERR(mremap(q, 0, 4096, 0) == MAP_FAILED ? -1 : 0);
    ERR(mremap(q + 1, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
}

TEST(madvise_dontneed_zeroes) {
    char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, 8192);
    RET(madvise(p, 4096, MADV_DONTNEED));
    printf("  %d %d\n", p[0], p[4096]);
    RET(madvise(p + 1, 4096, MADV_DONTNEED));
    RET(madvise(p, 4096, 12345));
    RET(msync(p, 4096, MS_SYNC));
    RET(mlock(p, 4096));
    RET(munlock(p, 4096));
    unsigned char vec[2];
    RET(mincore(p, 8192, vec));
}

TEST(brk_grows_and_shrinks) {
    char *start = (char *)syscall(SYS_brk, 0L);
    char *end = (char *)syscall(SYS_brk, (long)(start + 100000));
    CHECK(end == start + 100000);
    start[99999] = 5;
    CHECK((char *)syscall(SYS_brk, (long)start) == start);
    CHECK((char *)syscall(SYS_brk, (long)(start + 100000)) == start + 100000);
    SHOW(start[99999]);
}

TEST(malloc_large_and_small) {
    long sum = 0;
    for (int round = 0; round < 50; round++) {
        void *p[100];
        for (int i = 0; i < 100; i++) {
            size_t n = (size_t)(i * 997 + round) % 200000 + 1;
            p[i] = malloc(n);
            CHECK(p[i] != 0);
            memset(p[i], i, n);
            sum += ((char *)p[i])[n - 1];
        }
        for (int i = 0; i < 100; i++) free(p[i]);
    }
    SHOW(sum);
    errno = 0;
    volatile size_t huge = (size_t)-4096 * 16;
    void *(*volatile allocate)(size_t) = malloc; // compilers assume that malloc leaves errno alone
    void *none = allocate(huge - 1);
    printf("  %s\n", errno_name(errno));
    CHECK(none == 0);
}

TEST(address_space_limit) {
    struct rlimit l = {64 << 20, 64 << 20};
    RET(setrlimit(RLIMIT_AS, &l));
    ERR(mmap(0, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}
