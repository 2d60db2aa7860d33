// bench NAME COUNT runs one benchmark and prints COUNT samples, nanoseconds for one
// operation each, one a line.
#define _GNU_SOURCE
#include "bench.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void fail(const char *what) {
    perror(what);
    exit(1);
}

void await(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench: child ended with status %#x\n", status);
        exit(1);
    }
}

// spawn is vfork and execve: what a shell or posix_spawn does at best.
static void spawnv(char **argv) {
    pid_t pid = vfork();
    if (pid < 0) fail("vfork");
    if (pid == 0) {
        execve(argv[0], argv, environ);
        _exit(127);
    }
    await(pid);
}

void spawn(char *path) { spawnv((char *[]){path, 0}); }

static int64_t exec_exit_wait(void) {
    char *path = getenv("BENCH_TRUE");
    int64_t start = now();
    spawn(path);
    return now() - start;
}

// exec_glibc is the same with the C library that most static programs have, on the native side.
static int64_t exec_glibc(void) {
    char *path = getenv("BENCH_GLIBC");
    int64_t start = now();
    spawn(path);
    return now() - start;
}

// exec_5mb starts a program whose image is 5 MB, of which it touches a few pages.
static int64_t exec_5mb(void) {
    char *path = getenv("BENCH_LARGE");
    int64_t start = now();
    spawn(path);
    return now() - start;
}

static int64_t fork_exit_wait(void) {
    int64_t start = now();
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) _exit(0);
    await(pid);
    return now() - start;
}

static int64_t sh_pipeline(void) {
    static char *argv[] = {0, "-c", "ls | wc -l >/dev/null", 0};
    argv[0] = getenv("BENCH_SH");
    int64_t start = now();
    spawnv(argv);
    return now() - start;
}

// pipe_roundtrip: one byte to a child and back.
static int64_t pipe_roundtrip(void) {
    enum { N = 100 };
    static int to[2], from[2];
    static int started;
    char c = 0;
    if (!started) {
        started = 1;
        if (pipe(to) || pipe(from)) fail("pipe");
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        if (pid == 0) {
            close(to[1]);
            while (read(to[0], &c, 1) == 1 && write(from[1], &c, 1) == 1) {}
            _exit(0);
        }
        close(to[0]);
        close(from[1]);
    }
    int64_t start = now();
    for (int i = 0; i < N; i++)
        if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1) fail("pipe");
    return (now() - start) / N;
}

static int64_t bench_getpid(void) {
    enum { N = 10000 };
    int64_t start = now();
    for (int i = 0; i < N; i++) syscall(SYS_getpid);
    return (now() - start) / N;
}

// The rest of the calls that policies are measured with (policy.go).

static int64_t bench_getppid(void) {
    enum { N = 10000 };
    int64_t start = now();
    for (int i = 0; i < N; i++) syscall(SYS_getppid);
    return (now() - start) / N;
}

static int64_t bench_getpgid(void) {
    enum { N = 10000 };
    int64_t start = now();
    for (int i = 0; i < N; i++) syscall(SYS_getpgid, 0);
    return (now() - start) / N;
}

static int64_t open_close(void) {
    enum { N = 2000 };
    int64_t start = now();
    for (int i = 0; i < N; i++) {
        int fd = open("/dev/null", O_RDONLY);
        if (fd < 0) fail("open /dev/null");
        close(fd);
    }
    return (now() - start) / N;
}

static char block[4096];

// memfile gives a file of 1 MiB in memory: $BENCH_DIR is tmpfs, or the memory layer.
static int memfile(void) {
    static int fd = -1;
    char path[512];
    if (fd >= 0) return fd;
    snprintf(path, sizeof path, "%s/bench.XXXXXX", getenv("BENCH_DIR"));
    fd = mkstemp(path);
    if (fd < 0) fail(path);
    unlink(path);
    for (int i = 0; i < 256; i++)
        if (write(fd, block, sizeof block) != sizeof block) fail("write");
    return fd;
}

static int64_t memfile_read_4k(void) {
    enum { N = 1000 };
    int fd = memfile();
    int64_t start = now();
    for (int i = 0; i < N; i++)
        if (pread(fd, block, sizeof block, (off_t)(i & 255) * 4096) != sizeof block) fail("pread");
    return (now() - start) / N;
}

static int64_t memfile_write_4k(void) {
    enum { N = 1000 };
    int fd = memfile();
    int64_t start = now();
    for (int i = 0; i < N; i++)
        if (pwrite(fd, block, sizeof block, (off_t)(i & 255) * 4096) != sizeof block) fail("pwrite");
    return (now() - start) / N;
}

static const struct {
    const char *name;
    int64_t (*sample)(void);
} benches[] = {
    {"exec_exit_wait", exec_exit_wait},
    {"exec_glibc", exec_glibc},
    {"exec_5mb", exec_5mb},
    {"spawn_2loops", spawn_loops},
    {"fork_exit_wait", fork_exit_wait},
    {"sh_pipeline", sh_pipeline},
    {"pipe_roundtrip", pipe_roundtrip},
    {"unix_pingpong", unix_pingpong},
    {"tcp_pingpong", tcp_pingpong},
    {"tcp_connect", tcp_connect},
    {"tcp_64k", tcp_64k},
    {"eventfd_pingpong", eventfd_pingpong},
    {"epoll_1000", epoll_1000},
    {"getpid", bench_getpid},
    {"memfile_read_4k", memfile_read_4k},
    {"memfile_write_4k", memfile_write_4k},
    {"getppid", bench_getppid},
    {"getpgid", bench_getpgid},
    {"open_close", open_close},
};

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench NAME COUNT\n");
        return 2;
    }
    int count = atoi(argv[2]);
    if (!strcmp(argv[1], "idle")) return idle(count);
    if (!strcmp(argv[1], "mapped")) return mapped(count);
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        if (strcmp(argv[1], benches[i].name)) continue;
        benches[i].sample();
        for (int n = 0; n < count; n++) printf("%lld\n", (long long)benches[i].sample());
        return 0;
    }
    if (fork_sample(argv[1]) >= 0) {
        fork_sample(argv[1]); // the first copies what the next ones share
        for (int n = 0; n < count; n++) printf("%lld\n", (long long)fork_sample(argv[1]));
        return 0;
    }
    fprintf(stderr, "bench: no benchmark %s\n", argv[1]);
    return 2;
}
