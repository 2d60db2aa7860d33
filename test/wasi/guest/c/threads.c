// wasi-threads: an imported shared memory, wasi.thread-spawn, and the export that a thread
// starts in. There is no libc: this is what one would be made of.

#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("wasi", "thread-spawn") int spawn(void *arg);
IMPORT("wasi_snapshot_preview1", "fd_write") int fd_write(int fd, const void *vec, int n, int *done);
IMPORT("wasi_snapshot_preview1", "proc_exit") _Noreturn void proc_exit(int code);

enum { THREADS = 16, ROUNDS = 10000, STACK = 4096 };

// What a thread is given: start.S reads the first member.
struct start {
    char *stack;
    int number;
};

static struct start starts[THREADS];
static _Alignas(16) char stacks[THREADS][STACK];
static _Atomic int ended, locked;
static int ids[THREADS];
static int64_t sum; // guarded by locked

static void lock(void) {
    while (__sync_val_compare_and_swap((int *)&locked, 0, 1))
        __builtin_wasm_memory_atomic_wait32((int *)&locked, 1, -1);
}

static void unlock(void) {
    __sync_lock_test_and_set((int *)&locked, 0);
    __builtin_wasm_memory_atomic_notify((int *)&locked, 1);
}

void run(int tid, struct start *s) {
    for (int i = 0; i < ROUNDS; i++) {
        lock();
        sum += s->number;
        unlock();
    }
    ids[s->number] = tid;
    __sync_fetch_and_add((int *)&ended, 1);
    __builtin_wasm_memory_atomic_notify((int *)&ended, 1);
}

static void say(const char *text) {
    int n = 0, done;
    while (text[n]) n++;
    struct {
        const char *base;
        int len;
    } vec = {text, n};
    fd_write(1, &vec, 1, &done);
}

void _start(void) {
    for (int i = 0; i < THREADS; i++) {
        starts[i] = (struct start){stacks[i] + STACK, i};
        if (spawn(&starts[i]) <= 0) say("cannot spawn\n"), proc_exit(1);
    }
    for (int n; (n = ended) < THREADS;) __builtin_wasm_memory_atomic_wait32((int *)&ended, n, -1);
    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < i; k++)
            if (ids[i] <= 0 || ids[i] == ids[k]) say("ids are not unique\n"), proc_exit(1);
    if (sum != (int64_t)ROUNDS * THREADS * (THREADS - 1) / 2) say("wrong sum\n"), proc_exit(1);
    say("16 threads\n");
    proc_exit(7);
}
