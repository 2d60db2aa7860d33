// cpu kernel NAME COUNT runs one computation and prints COUNT samples, nanoseconds each, one
// a line; a line starting with # is a checksum to compare.
// cpu program COUNT PATH ARGUMENT... runs a program as often, its output into a pipe, and
// prints in the same form; the checksum is a digest of what the program wrote.
#include "cpu.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void check(int ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

static const struct kernel *find(const struct kernel *k, const char *name) {
    for (; k->name; k++)
        if (!strcmp(k->name, name)) return k;
    return 0;
}

static int run_kernel(const char *name, int count) {
    const struct kernel *k = find(kernels, name);
    if (!k) k = find(more, name);
    if (!k) return fprintf(stderr, "cpu: no kernel %s\n", name), 2;
    printf("# %u\n", k->run()); // warms up, too
    while (count-- > 0) {
        int64_t start = now();
        k->run();
        printf("%lld\n", (long long)(now() - start));
    }
    return 0;
}

static uint64_t sum, size; // FNV-1a, 64 bits

static void digest(const unsigned char *p, ssize_t n) {
    for (ssize_t i = 0; i < n; i++) sum = (sum ^ p[i]) * 1099511628211u;
    size += (uint64_t)n;
}

// output keeps what a program writes until its time has been taken.
static unsigned char *output;
static size_t capacity;

static int64_t run_program(char **argv) {
    int ends[2], status;
    size_t used = 0;
    ssize_t n;
    check(!pipe(ends), "pipe");
    int64_t start = now();
    pid_t pid = vfork();
    check(pid >= 0, "vfork");
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execv(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    do {
        if (capacity - used < 1 << 16) check((output = realloc(output, capacity += 1 << 22)) != 0, "realloc");
        n = read(ends[0], output + used, capacity - used);
        check(n >= 0, "read");
        used += (size_t)n;
    } while (n > 0);
    check(waitpid(pid, &status, 0) == pid, "waitpid");
    int64_t end = now();
    close(ends[0]);
    if (status) fprintf(stderr, "cpu: %s ended with status %#x\n", argv[0], status), exit(1);
    sum = 14695981039346656037u, size = 0;
    digest(output, (ssize_t)used);
    return end - start;
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "kernel")) return run_kernel(argv[2], atoi(argv[3]));
    if (argc < 4 || strcmp(argv[1], "program"))
        return fprintf(stderr, "usage: cpu kernel NAME COUNT\n       cpu program COUNT PATH ARGUMENT...\n"), 2;
    capacity = 1 << 22;
    check((output = malloc(capacity)) != 0, "malloc");
    for (int i = atoi(argv[2]); i > 0; i--) printf("%lld\n", (long long)run_program(argv + 3));
    printf("#%016llx %llu\n", (unsigned long long)sum, (unsigned long long)size);
    return 0;
}
