// The measured program: the same source runs on all sides.
#ifndef VK_CPU_H
#define VK_CPU_H
#include <stdint.h>

// kernel is one CPU-bound computation. run does one unit of work and gives a checksum,
// which must be the same on all sides.
struct kernel {
    const char *name;
    uint32_t (*run)(void);
};
extern const struct kernel kernels[], more[];

#endif
