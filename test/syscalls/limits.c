// Limits of memory, processes, files and stack: what is refused, and how.
#include "vktest.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static void limit(int what, rlim_t soft) {
    struct rlimit l;
    CHECK(getrlimit(what, &l) == 0);
    l.rlim_cur = soft;
    CHECK(setrlimit(what, &l) == 0);
}

static int map(size_t n, int prot, int flags) {
    void *p = mmap(0, n, prot, flags | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : 0;
}

TEST(rlimit_as_refuses) {
    limit(RLIMIT_AS, 200 << 20);
    ERR(map(256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE));
    ERR(map(256 << 20, PROT_NONE, MAP_PRIVATE));
    ERR(map(64 << 20, PROT_READ, MAP_PRIVATE));
    ERR(map(64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED));
    ERR(map(128 << 20, PROT_READ | PROT_WRITE, MAP_SHARED));
    char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(mremap(p, 4096, 256 << 20, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    char *brk = (char *)syscall(SYS_brk, 0L);
    CHECK((char *)syscall(SYS_brk, (long)(brk + (256 << 20))) == brk);
    void *(*volatile allocate)(size_t) = malloc;
    errno = 0;
    CHECK(allocate(256 << 20) == 0);
    printf("  malloc: %s\n", errno_name(errno));
    limit(RLIMIT_AS, RLIM_INFINITY);
    ERR(map(256 << 20, PROT_NONE, MAP_PRIVATE));
}

TEST(rlimit_data_refuses_what_is_private_and_writable) {
    limit(RLIMIT_DATA, 100 << 20);
    ERR(map(128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE));
    ERR(map(128 << 20, PROT_READ, MAP_PRIVATE));
    ERR(map(128 << 20, PROT_READ | PROT_WRITE, MAP_SHARED));
    char *brk = (char *)syscall(SYS_brk, 0L);
    CHECK((char *)syscall(SYS_brk, (long)(brk + (128 << 20))) == brk);
    char *p = mmap(0, 128 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    RET(mprotect(p, 4096, PROT_READ | PROT_WRITE));
    ERR(mprotect(p, 128 << 20, PROT_READ | PROT_WRITE));
}

static int grow_until_refused(void *arg) {
    (void)arg;
    size_t got = 0;
    void *(*volatile allocate)(size_t) = malloc;
    for (void *p; (p = allocate(1 << 20)); got += 1 << 20) memset(p, 1, 1 << 20);
    CHECK(errno == ENOMEM);
    return got > (20 << 20) && got < (40 << 20) ? 0 : 1;
}

TEST(a_heap_ends_at_its_limit) {
    limit(RLIMIT_DATA, 40 << 20);
    run_child(grow_until_refused, 0); // a child has the same limits
}

TEST(rlimit_nproc_refuses_forks) {
    CHECK(setgid(12345) == 0 && setuid(12345) == 0);
    limit(RLIMIT_NPROC, 3);
    pid_t kids[3];
    int n = 0;
    for (int i = 0; i < 3; i++) {
        errno = 0;
        kids[n] = fork();
        if (kids[n] == 0) {
            pause();
            _exit(0);
        }
        printf("  fork %d: %s\n", i, kids[n] > 0 ? "ok" : errno_name(errno));
        if (kids[n] > 0) n++;
    }
    for (int i = 0; i < n; i++) {
        kill(kids[i], SIGKILL);
        CHECK(waitpid(kids[i], 0, 0) == kids[i]);
    }
    ERR(fork() == 0 ? (_exit(0), 0) : 0);
}

TEST(rlimit_nofile_refuses_descriptors) {
    limit(RLIMIT_NOFILE, 8);
    int fd, last = -1;
    errno = 0;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0) last = fd;
    printf("  %s after %d\n", errno_name(errno), last);
    int p[2];
    RET(pipe(p));
    RET(dup(0));
    RET(dup2(0, 8));
    RET(dup2(0, 7));
    RET(fcntl(0, F_DUPFD, 8));
}

static int write_beyond(void *arg) {
    int fd = open("f", O_CREAT | O_WRONLY | O_TRUNC, 0644);
    char buf[1000] = {0};
    if (*(int *)arg) signal(SIGXFSZ, SIG_IGN);
    limit(RLIMIT_FSIZE, 2500);
    for (int i = 0; i < 4; i++) RET(write(fd, buf, sizeof buf));
    RET(ftruncate(fd, 2501));
    fflush(stdout);
    return 0;
}

TEST(rlimit_fsize_is_sigxfsz_or_efbig) {
    int ignore = 0;
    run_child(write_beyond, &ignore);
    ignore = 1;
    run_child(write_beyond, &ignore);
}

static __attribute__((noinline)) int deep(volatile int *p, int n) {
    if (n == 0) return *p;
    int r = deep(p, n - 1);
    return r + *p + n % 3;
}

CHILD(recurse) {
    volatile int one = 1;
    return deep(&one, atoi(argv[1])) == 0 || argc < 2;
}

static int recurse_in_new_program(void *n) {
    execl(self, self, "child", "recurse", (char *)n, (char *)0);
    return 99;
}

TEST(rlimit_stack_ends_a_recursion) {
    run_child(recurse_in_new_program, "40000");
    limit(RLIMIT_STACK, 512 << 10);
    run_child(recurse_in_new_program, "1000");
    run_child(recurse_in_new_program, "40000");
}

TEST(limits_have_no_effect_below_what_is_used) {
    limit(RLIMIT_AS, 4096);
    limit(RLIMIT_DATA, 4096);
    ERR(map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE));
    ERR(map(4096, PROT_READ, MAP_SHARED));
    limit(RLIMIT_AS, RLIM_INFINITY);
    ERR(map(4096, PROT_READ, MAP_SHARED));
}
