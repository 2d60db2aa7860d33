// Many processes at once: how much memory they take, and how fast they come and go.
#define _GNU_SOURCE
#include "bench.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// idle starts count processes that are blocked in a read, says so, and ends them when its standard
// input ends.
int idle(int count) {
    char *argv[] = {getenv("BENCH_IDLE"), 0};
    int ends[2];
    char c;
    if (pipe(ends)) fail("pipe");
    for (int i = 0; i < count; i++) {
        pid_t pid = vfork();
        if (pid < 0) {
            fprintf(stderr, "bench: process %d: ", i);
            fail("vfork");
        }
        if (pid == 0) {
            if (dup2(ends[0], 0) != 0) _exit(126);
            close(ends[0]);
            close(ends[1]);
            execve(argv[0], argv, environ);
            _exit(127);
        }
    }
    printf("%d\n", count);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    close(ends[1]);
    for (int i = 0; i < count; i++) {
        int status;
        if (wait(&status) < 0 || status != 0) {
            fprintf(stderr, "bench: an idle process ended with %#x\n", status);
            return 1;
        }
    }
    return 0;
}

// spawn_loops runs as many loops of vfork, execve, exit and wait at once as there are processors on
// the measured machines (two), and gives nanoseconds for one process of all.
int64_t spawn_loops(void) {
    enum { LOOPS = 2, EACH = 200 };
    pid_t loops[LOOPS];
    int64_t start = now();
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = fork();
        if (loops[i] < 0) fail("fork");
        if (loops[i] == 0) {
            for (int k = 0; k < EACH; k++) spawn(getenv("BENCH_TRUE"));
            _exit(0);
        }
    }
    for (int i = 0; i < LOOPS; i++) await(loops[i]);
    return (now() - start) / (LOOPS * EACH);
}
