// The measured program: the same source runs natively and on vkernel.
#ifndef VK_BENCH_H
#define VK_BENCH_H
#include <stdint.h>
#include <sys/types.h>

// now gives CLOCK_MONOTONIC in nanoseconds.
int64_t now(void);

// fork_sample is one sample of a benchmark of fork.c, or -1.
int64_t fork_sample(const char *name);

// idle keeps count processes waiting, and mapped so many that have one large file mapped; spawn_loops is a sample of
// spawn_2loops (many.c).
int idle(int count);
int mapped(int count);
int64_t spawn_loops(void);

// Samples of sockets.c.
int64_t unix_pingpong(void);
int64_t tcp_pingpong(void);
int64_t tcp_connect(void);
int64_t tcp_64k(void);

// Samples of events.c.
int64_t eventfd_pingpong(void);
int64_t epoll_1000(void);

// fail ends the program with the reason of errno.
void fail(const char *what) __attribute__((noreturn));

// await waits for a child, which must end with 0; spawn starts a program and awaits it.
void await(pid_t pid);
void spawn(char *path);

extern char **environ;

#endif
