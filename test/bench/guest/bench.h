// The measured program: the same source runs natively and on vkernel.
#ifndef VK_BENCH_H
#define VK_BENCH_H
#include <stdint.h>
#include <sys/types.h>

// kernel is one CPU-bound computation. run does one unit of work and gives a checksum,
// which must be the same on both sides.
struct kernel {
    const char *name;
    uint32_t (*run)(void);
};
extern const struct kernel kernels[];

// now gives CLOCK_MONOTONIC in nanoseconds.
int64_t now(void);

// fork_sample is one sample of a benchmark of fork.c, or -1.
int64_t fork_sample(const char *name);

// idle keeps count processes waiting; spawn_loops is a sample of spawn_2loops (many.c).
int idle(int count);
int64_t spawn_loops(void);

// fail ends the program with the reason of errno.
void fail(const char *what) __attribute__((noreturn));

// await waits for a child, which must end with 0; spawn starts a program and awaits it.
void await(pid_t pid);
void spawn(char *path);

extern char **environ;

#endif
