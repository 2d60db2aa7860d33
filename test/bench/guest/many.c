// Many processes at once: how much memory they take, and how fast they come and go.
#define _GNU_SOURCE
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// start_reader starts a program whose standard input is the pipe's end, and which may write to ready.
static void start_reader(char **argv, int ends[2], int ready[2]) {
    pid_t pid = vfork();
    if (pid < 0) fail("vfork");
    if (pid == 0) {
        if (dup2(ends[0], 0) != 0) _exit(126);
        if (ready && dup2(ready[1], 1) != 1) _exit(126);
        close(ends[0]);
        close(ends[1]);
        if (ready) {
            close(ready[0]);
            close(ready[1]);
        }
        execve(argv[0], argv, environ);
        _exit(127);
    }
}

// keep starts count processes of a program that end with their standard input, waits for a byte of each if they
// say when they are ready, says so, and ends them when its own standard input ends.
static int keep(int count, char **argv, int *ready) {
    int ends[2];
    char c;
    if (pipe(ends)) fail("pipe");
    for (int i = 0; i < count; i++) {
        start_reader(argv, ends, ready);
        if (ready && read(ready[0], &c, 1) != 1) fail("wait for a process");
    }
    printf("%d\n", count);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    close(ends[1]);
    for (int i = 0; i < count; i++) {
        int status;
        if (wait(&status) < 0 || status != 0) {
            fprintf(stderr, "bench: a process that waited ended with %#x\n", status);
            return 1;
        }
    }
    return 0;
}

int idle(int count) {
    char *argv[] = {getenv("BENCH_IDLE"), 0};
    return keep(count, argv, 0);
}

// mapped has count processes map one file of 200 MB in memory, and read all of it.
int mapped(int count) {
    static char block[1 << 20];
    char path[256];
    int ready[2];
    snprintf(path, sizeof path, "%s/mapped", getenv("BENCH_DIR"));
    char *argv[] = {getenv("BENCH_MAPPED"), path, 0};
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || pipe(ready)) fail(path);
    for (int k = 0; k < 200; k++) {
        memset(block, k, sizeof block);
        if (write(fd, block, sizeof block) != sizeof block) fail(path);
    }
    close(fd);
    int status = keep(count, argv, ready);
    unlink(path);
    return status;
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
