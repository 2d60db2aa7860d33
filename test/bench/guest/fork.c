// What a fork costs a parent of a given size, and what starting a program costs it.
#define _GNU_SOURCE
#include "bench.h"
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static unsigned char *memory; // of the parent, all of it written to
static size_t size;

// grow makes the parent as large as the benchmark's name says.
static void grow(size_t megabytes) {
    size = megabytes << 20;
    if (memory) return;
    memory = malloc(size);
    if (!memory) fail("malloc");
    memset(memory, 1, size);
}

static void fork_and_wait(void) {
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) _exit(0);
    await(pid);
}

static int64_t timed(void (*work)(void)) {
    int64_t start = now();
    work();
    return now() - start;
}

// every_tenth rewrites one page in ten, the same ones each time.
static void every_tenth(void) {
    for (size_t at = 0; at < size; at += 10 * PAGE) memory[at]++;
    fork_and_wait();
}

// moving rewrites a tenth of the memory, another one each time.
static void moving(void) {
    static unsigned round;
    size_t part = size / 10, at = round++ % 10 * part;
    memset(memory + at, (int)round, part);
    fork_and_wait();
}

static void fork_exec(void) {
    char *argv[] = {getenv("BENCH_TRUE"), 0};
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
        execve(argv[0], argv, environ);
        _exit(127);
    }
    await(pid);
}

static void vfork_exec(void) { spawn(getenv("BENCH_TRUE")); }

// fork_sample takes one sample of fork_<size>m, fork_<size>m_dirty10 (what rewriting costs because
// of the fork counts), fork_<size>m_moving10, fork_exec_<size>m and vfork_exec_<size>m; -1 if name is none of
// these.
int64_t fork_sample(const char *name) {
    static const struct {
        const char *prefix, *suffix;
        void (*work)(void);
    } all[] = {
        {"fork_exec_", "m", fork_exec},  {"vfork_exec_", "m", vfork_exec}, {"fork_", "m_dirty10", every_tenth},
        {"fork_", "m_moving10", moving}, {"fork_", "m", fork_and_wait},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t n = strlen(all[i].prefix);
        if (strncmp(name, all[i].prefix, n)) continue;
        char *end;
        unsigned long megabytes = strtoul(name + n, &end, 10);
        if (megabytes == 0 || strcmp(end, all[i].suffix)) continue;
        grow(megabytes);
        return timed(all[i].work);
    }
    return -1;
}
