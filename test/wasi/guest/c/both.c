// A program of both ABIs: wasi-libc for files and output, and fork, wait and signals by
// imports of module wali. The child goes on with its parent's descriptors and their rights.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#define WALI(name) __attribute__((import_module("wali"), import_name(#name)))

WALI(SYS_fork) long long sys_fork(void);
WALI(SYS_wait4) long long sys_wait4(int pid, int *status, int options, void *usage);
WALI(SYS_kill) long long sys_kill(int pid, int sig);
WALI(SYS_getpid) long long sys_getpid(void);
WALI(SYS_rt_sigaction) long long sys_rt_sigaction(int sig, const void *new, void *old, int size);
WALI(SYS_alarm) long long sys_alarm(int seconds);
WALI(SYS_setitimer) long long sys_setitimer(int which, const void *new, void *old);

static volatile int got;
static void handler(int sig) { got = sig; }

struct __attribute__((packed)) action {
    int handler;
    long long flags;
    int restorer;
    long long mask;
};

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int fd = open("both.tmp", O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL, 0))
        return 1;
    int pid = sys_fork();
    if (pid == 0) {
        char c;
        write(fd, "child", 5);
        printf("child: read %s\n", read(fd, &c, 1) < 0 ? strerror(errno) : "ok");
        exit(3);
    }
    int status;
    sys_wait4(pid, &status, 0, NULL);
    printf("parent: child exited with %d, offset %ld\n", status >> 8, (long)lseek(fd, 0, SEEK_CUR));
    unlink("both.tmp");

    // A handler runs while a call of WASI sleeps; the call is done again and never says EINTR.
    struct action a = {(int)handler, 0, 0, 0};
    sys_rt_sigaction(14, &a, NULL, 8);
    long long timer[4] = {0, 0, 0, 10000}; // once, after 10 ms
    sys_setitimer(0, timer, NULL);
    printf("usleep: %d, ", usleep(50000));
    printf("signal %d\n", got);
    return 0;
}
