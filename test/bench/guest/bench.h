// The measured program: the same source runs natively and on vkernel.
#ifndef VK_BENCH_H
#define VK_BENCH_H
#include <stdint.h>

// kernel is one CPU-bound computation. run does one unit of work and gives a checksum,
// which must be the same on both sides.
struct kernel {
    const char *name;
    uint32_t (*run)(void);
};
extern const struct kernel kernels[];

// now gives CLOCK_MONOTONIC in nanoseconds.
int64_t now(void);

#endif
