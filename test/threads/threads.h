// What the tests of threads have in common.
#ifndef THREADS_H
#define THREADS_H
#include "../syscalls/vktest.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

// OK(call) holds that a call that gives an error number gives none.
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        int ok_ = (call);                                                                                              \
        if (ok_) errno = ok_;                                                                                          \
        vktest_check(ok_ == 0, #call, __FILE__, __LINE__);                                                             \
    } while (0)

// NAME(call) prints the name of the error that a call gives as its value.
#define NAME(call) printf("  %s: %s\n", #call, errno_name(call))

void sleep_ms(int ms);

// in_ms gives the moment so many milliseconds from now on a clock.
struct timespec in_ms(clockid_t clock, int ms);

// run_threads runs n threads of f, which get 0 to n-1, and waits for them.
void run_threads(int n, void *(*f)(void *));

// wait_single waits until the threads that have been joined have left the kernel, too.
void wait_single(void);

#endif
