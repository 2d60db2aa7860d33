#include "threads.h"

void sleep_ms(int ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) < 0 && errno == EINTR) {}
}

struct timespec in_ms(clockid_t clock, int ms) {
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

void run_threads(int n, void *(*f)(void *)) {
    pthread_t t[256];
    for (int i = 0; i < n; i++) OK(pthread_create(&t[i], 0, f, (void *)(uintptr_t)i));
    for (int i = 0; i < n; i++) OK(pthread_join(t[i], 0));
}

void wait_single(void) {
    for (int i = 0; i < 1000 && !strstr(read_file("/proc/self/status"), "\nThreads:\t1\n"); i++) sleep_ms(1);
}
