#include "vktest.h"
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/time.h>

static int exit_with(void *arg) { return *(int *)arg; }

TEST(fork_exit_status) {
    int codes[] = {0, 3, 255, 256, -1};
    for (int i = 0; i < 5; i++) run_child(exit_with, &codes[i]);
}

static int global = 1;

TEST(fork_copies_memory) {
    int local = 2, *heap = malloc(sizeof *heap);
    *heap = 3;
    pid_t pid = fork();
    if (pid == 0) {
        global += 10, local += 10, *heap += 10;
        _exit(global == 11 && local == 12 && *heap == 13 ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    show_status(status);
    CHECK(global == 1 && local == 2 && *heap == 3);
}

TEST(fork_shares_offsets) {
    write_file("f", "abcdef");
    int fd = open("f", O_RDONLY);
    char c;
    if (fork() == 0) {
        read(fd, &c, 1);
        _exit(0);
    }
    wait(0);
    read(fd, &c, 1);
    printf("  %c\n", c);
}

TEST(fork_deep_recursion) {
    // A fork far down the stack: both sides return through all frames.
    extern int deep_fork(int depth);
    int r = deep_fork(2000);
    if (r < 0) _exit(r == -1 ? 5 : 6);
    int status;
    waitpid(r, &status, 0);
    show_status(status);
}

__attribute__((noinline)) int deep_fork(int depth) {
    volatile int mark = depth;
    int r;
    if (depth == 0) {
        pid_t pid = fork();
        return pid == 0 ? -1 : pid;
    }
    r = deep_fork(depth - 1);
    return mark == depth ? r : -2;
}

TEST(fork_many_children) {
    int sum = 0;
    for (int i = 0; i < 50; i++)
        if (fork() == 0) _exit(i);
    int status, n = 0;
    while (wait(&status) > 0) sum += WEXITSTATUS(status), n++;
    printf("  %d children, sum %d, then %s\n", n, sum, errno_name(errno));
}

TEST(vfork_shares_memory) {
    volatile int shared = 1;
    pid_t pid = vfork();
    if (pid == 0) {
        shared = 2;
        _exit(9);
    }
    SHOW(shared);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
}

TEST(wait_rules) {
    int status;
    RET(wait(&status));
    RET(waitpid(-1, &status, WNOHANG));
    RET(waitpid(999999, &status, 0));
    RET(waitpid(-1, &status, 0x1000));
    int p[2];
    pipe(p);
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        close(p[1]);
        read(p[0], &c, 1);
        _exit(4);
    }
    RET(waitpid(pid, &status, WNOHANG));
    close(p[1]);
    struct rusage ru;
    CHECK(wait4(pid, &status, 0, &ru) == pid);
    show_status(status);
}

TEST(waitid_rules) {
    pid_t pid = fork();
    if (pid == 0) _exit(6);
    siginfo_t si;
    memset(&si, 0, sizeof si);
    RET(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
    printf("  code %d status %d signo %d\n", si.si_code == CLD_EXITED, si.si_status, si.si_signo);
    CHECK(si.si_pid == pid);
    RET(waitid(P_ALL, 0, &si, WEXITED));
    RET(waitid(P_ALL, 0, &si, WEXITED));
    RET(waitid(P_ALL, 0, &si, 0));
    pid = fork();
    if (pid == 0) {
        pause();
        _exit(1);
    }
    kill(pid, SIGKILL);
    RET(waitid(P_PID, pid, &si, WEXITED));
    printf("  killed %d by %d\n", si.si_code == CLD_KILLED, si.si_status);
}

TEST(stop_and_continue) {
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        for (;;) pause();
    }
    int status;
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    show_status(status);
    kill(pid, SIGCONT);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid);
    show_status(status);
    kill(pid, SIGTERM);
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
}

TEST(orphans_are_adopted) {
    int p[2];
    pipe(p);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            for (int i = 0; i < 1000 && getppid() == parent; i++) usleep(1000);
            char c = getppid() != parent;
            write(p[1], &c, 1);
            _exit(0);
        }
        _exit(0);
    }
    waitpid(pid, 0, 0);
    char c = 9;
    read(p[0], &c, 1);
    SHOW(c);
}

TEST(process_groups_and_sessions) {
    CHECK(getpgrp() == getpid()); // the runner made us a leader
    CHECK(getpgid(0) == getpid());
    RET(setsid());
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(getpgrp() == getppid());
        RET(setpgid(0, 0));
        CHECK(getpgrp() == getpid());
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, 0, 0);
    RET(getpgid(999999));
    RET(getsid(999999));
    RET(setpgid(999999, 0));
    RET(setpgid(0, -1));
    pid = fork();
    if (pid == 0) {
        CHECK(setsid() == getpid());
        CHECK(getsid(0) == getpid() && getpgrp() == getpid());
        RET(setpgid(0, 0));
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    show_status(status);
}

TEST(getpid_family) {
    CHECK(getpid() > 1);
    CHECK(getppid() > 0);
    CHECK(syscall(SYS_gettid) == getpid());
    pid_t me = getpid();
    if (fork() == 0) _exit(getppid() == me && getpid() != me ? 0 : 1);
    int status;
    wait(&status);
    show_status(status);
}

TEST(credentials) {
    if (geteuid() != 0) return;
    uid_t r, e, s;
    gid_t groups[8] = {5, 6};
    RET(setgroups(2, groups));
    RET(getgroups(0, 0));
    RET(getgroups(1, groups));
    RET(getgroups(8, groups));
    RET(setresgid(10, 11, 12));
    RET(getresgid(&r, &e, &s));
    printf("  %d %d %d\n", r, e, s);
    RET(setegid(12));
    RET(setregid(10, 12));
    RET(setresuid(1, 2, 3));
    RET(getresuid(&r, &e, &s));
    printf("  %d %d %d\n", r, e, s);
    RET(seteuid(3));
    RET(seteuid(0));
    RET(setuid(0));
    RET(setreuid(3, 1));
    RET(setgroups(0, groups));
    SHOW(getuid());
    SHOW(geteuid());
    SHOW(getgid());
    SHOW(getegid());
}

TEST(rlimits) {
    struct rlimit l;
    RET(getrlimit(RLIMIT_NOFILE, &l));
    l.rlim_cur = 20;
    RET(setrlimit(RLIMIT_NOFILE, &l));
    RET(getrlimit(RLIMIT_NOFILE, &l));
    SHOW(l.rlim_cur);
    ERR(dup2(0, 20));
    ERR(dup2(0, 19));
    RET(getrlimit(77, &l));
    l.rlim_cur = 30, l.rlim_max = 29;
    RET(setrlimit(RLIMIT_NOFILE, &l));
    RET(getrlimit(RLIMIT_STACK, &l));
    CHECK(l.rlim_cur >= 1 << 20);
    RET(prlimit(0, RLIMIT_CORE, 0, &l));
    write_file("f", "");
    signal(SIGXFSZ, SIG_IGN);
    l.rlim_cur = l.rlim_max = 10;
    RET(setrlimit(RLIMIT_FSIZE, &l));
    int fd = open("f", O_WRONLY);
    RET(write(fd, "0123456789abc", 13));
    RET(write(fd, "x", 1));
}

TEST(priority_and_usage) {
    if (geteuid() == 0) RET(setpriority(PRIO_PROCESS, 0, 0)); // whatever the runner was given
    RET(getpriority(PRIO_PROCESS, 0));
    RET(setpriority(PRIO_PROCESS, 0, 5));
    RET(getpriority(PRIO_PROCESS, 0));
    RET(nice(1));
    RET(getpriority(PRIO_PROCESS, 77777));
    struct rusage ru;
    RET(getrusage(RUSAGE_SELF, &ru));
    RET(getrusage(RUSAGE_CHILDREN, &ru));
    RET(getrusage(42, &ru));
    struct tms t;
    CHECK(times(&t) != -1);
}

// usage_of_busy_child is what a child used that kept a processor busy for 50 ms or more.
static struct rusage usage_of_busy_child(void) {
    pid_t pid = fork();
    if (pid == 0) {
        struct rusage own;
        do getrusage(RUSAGE_SELF, &own);
        while (own.ru_utime.tv_sec + own.ru_stime.tv_sec == 0 && own.ru_utime.tv_usec + own.ru_stime.tv_usec < 50000);
        _exit(0);
    }
    struct rusage ru;
    memset(&ru, 0x55, sizeof ru);
    int status;
    CHECK(wait4(pid, &status, 0, &ru) == pid && status == 0);
    return ru;
}

TEST(wait4_tells_usage) {
    struct rusage ru = usage_of_busy_child();
    CHECK(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec < 60);
    CHECK(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec > 0 || ru.ru_utime.tv_usec + ru.ru_stime.tv_usec >= 50000);
    CHECK(ru.ru_nvcsw >= 0 && ru.ru_nvcsw < 1000000);
}
