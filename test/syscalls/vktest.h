// The same tests run on Linux and on vkernel and must print the same.
//
// A test is a function declared with TEST(name). It runs in a process of its own, in an
// empty directory, and prints what it saw with the macros below. Linux is the oracle: the
// output there is what is expected. CHECK states what must hold on both.
//
// Print nothing that differs between two runs on Linux: no pids, times, addresses.
#ifndef VKTEST_H
#define VKTEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct vktest {
    const char *name;
    const char *file;
    void (*run)(void);
    struct vktest *next;
};

void vktest_register(struct vktest *t);

// TEST(name) { ... } defines and registers a test. Name it after the call and the rule.
#define TEST(name_)                                                                                                    \
    static void test_##name_(void);                                                                                    \
    static struct vktest entry_##name_ = {#name_, __FILE__, test_##name_, 0};                                          \
    __attribute__((constructor)) static void register_##name_(void) { vktest_register(&entry_##name_); }               \
    static void test_##name_(void)

// errno_name gives "ENOENT" for ENOENT, and "0" for 0.
const char *errno_name(int e);

// RET(call) runs a call that returns -1 on error, prints its text and its result or error,
// and gives the result. Use it where the result is the same on every run (0, a count).
#define RET(call)                                                                                                      \
    ({                                                                                                                 \
        errno = 0;                                                                                                     \
        long r_ = (long)(call);                                                                                        \
        vktest_ret(#call, r_);                                                                                         \
        r_;                                                                                                            \
    })

// ERR(call) prints only whether the call failed and how; for results that may differ.
#define ERR(call)                                                                                                      \
    ({                                                                                                                 \
        errno = 0;                                                                                                     \
        long r_ = (long)(call);                                                                                        \
        vktest_err(#call, r_);                                                                                         \
        r_;                                                                                                            \
    })

// SHOW(expr) prints an integer expression.
#define SHOW(expr) printf("  %s: %lld\n", #expr, (long long)(expr))

// CHECK(cond) must hold on both kernels; a failure makes the test fail.
#define CHECK(cond) vktest_check((cond) != 0, #cond, __FILE__, __LINE__)

void vktest_ret(const char *text, long r);
void vktest_err(const char *text, long r);
void vktest_check(int ok, const char *text, const char *file, int line);

// write_file creates path with the given text; read_file gives a static buffer.
void write_file(const char *path, const char *text);
const char *read_file(const char *path);

// run_child forks, runs f in the child, which exits with f's result, and prints how it
// ended ("exit 3", "signal 11"). Gives the wait status.
int run_child(int (*f)(void *), void *arg);
void show_status(int status);

// self is the path of this program, for tests of execve: run as `self child WORD...`, it
// calls the child function registered under WORD.
extern const char *self;
#define CHILD(name_)                                                                                                   \
    static int child_##name_(int argc, char **argv);                                                                   \
    static struct vkchild centry_##name_ = {#name_, child_##name_, 0};                                                 \
    __attribute__((constructor)) static void cregister_##name_(void) { vkchild_register(&centry_##name_); }            \
    static int child_##name_(int argc, char **argv)
struct vkchild {
    const char *name;
    int (*run)(int argc, char **argv);
    struct vkchild *next;
};
void vkchild_register(struct vkchild *c);

#endif
