// What may be executed, and what may be done to it meanwhile. Contents that are executed here are listed in
// the bundle: this program, and the scripts of the folder scripts.
#include "vktest.h"
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

extern char **environ;

static char *argv_x[] = {"x", 0};

// copy_self makes a copy of this program.
static void copy_self(const char *to, int mode) {
    static char buf[65536];
    int in = open(self, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t n;
    CHECK(in >= 0 && out >= 0);
    while ((n = read(in, buf, sizeof buf)) > 0) CHECK(write(out, buf, n) == n);
    close(in), close(out);
    CHECK(chmod(to, mode) == 0);
}

static void script(const char *name, const char *text) {
    write_file(name, text);
    CHECK(chmod(name, 0755) == 0);
}

CHILD(wait_for_input) {
    (void)argc, (void)argv;
    char c;
    return read(0, &c, 1) < 0;
}

// start runs a program that waits until the returned descriptor is closed.
static int start(const char *file, pid_t *pid) {
    int p[2];
    CHECK(pipe2(p, O_CLOEXEC) == 0);
    char *argv[] = {"waits", "child", "wait_for_input", 0};
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, p[0], 0);
    RET(posix_spawn(pid, file, &fa, 0, argv, environ)); // it returns after the exec
    close(p[0]);
    return p[1];
}

TEST(execve_text_file_busy) {
    copy_self("copy", 0755);
    int fd = open("copy", O_WRONLY);
    RET(execve("copy", argv_x, environ));
    close(fd);
    fd = open("copy", O_RDWR);
    RET(execve("./copy", argv_x, environ));
    close(fd);
    RET(link("copy", "hard"));
    RET(symlink("copy", "soft"));
    pid_t pid;
    int running = start("./copy", &pid);
    RET(open("copy", O_WRONLY));
    RET(open("hard", O_RDWR));
    RET(open("soft", O_WRONLY | O_APPEND));
    RET(open("copy", O_RDONLY | O_TRUNC));
    RET(truncate("copy", 10));
    ERR(open("copy", O_RDONLY));
    RET(chmod("copy", 0700));
    RET(rename("copy", "other"));
    RET(open("other", O_WRONLY));
    char exe[64];
    snprintf(exe, sizeof exe, "/proc/%d/exe", pid);
    ERR(open(exe, O_WRONLY));
    close(running);
    CHECK(waitpid(pid, 0, 0) == pid);
    ERR(open("other", O_WRONLY));
    RET(truncate("other", 10));
}

static int exec_busy(void *unused) {
    (void)unused;
    int fd = open("copy", O_RDWR | O_CLOEXEC);
    (void)fd;
    execve("copy", argv_x, environ);
    return errno == ETXTBSY ? 0 : 90;
}

TEST(execve_busy_by_its_own_descriptor) {
    copy_self("copy", 0755);
    run_child(exec_busy, 0);
}

CHILD(exit_code) { return argc > 1 ? atoi(argv[1]) : 99; }

static int exec_memfd(void *flags) {
    int fd = syscall(SYS_memfd_create, "program", *(int *)flags), in = open(self, O_RDONLY);
    static char buf[65536];
    ssize_t n;
    if (fd < 0) {
        printf("  memfd_create: %s\n", errno_name(errno));
        return 91;
    }
    while ((n = read(in, buf, sizeof buf)) > 0)
        if (write(fd, buf, n) != n) return 92;
    char *argv[] = {"memory", "child", "exit_code", "5", 0};
    syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH); // although it is open for writing
    printf("  %s\n", errno_name(errno));
    return 90;
}

static int exec_memfd_by_name(void *unused) {
    (void)unused;
    int fd = syscall(SYS_memfd_create, "program", 0), in = open(self, O_RDONLY);
    static char buf[65536], name[64];
    ssize_t n;
    while ((n = read(in, buf, sizeof buf)) > 0)
        if (write(fd, buf, n) != n) return 92;
    char *argv[] = {"memory", "child", "exit_code", "6", 0};
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    execve(name, argv, environ);
    return 90;
}

TEST(execveat_of_a_memfd) {
    int cloexec = 1, noexec = 8;
    run_child(exec_memfd, &cloexec);
    run_child(exec_memfd, &noexec);
    run_child(exec_memfd_by_name, 0);
}

static int exec_deleted(void *unused) {
    (void)unused;
    int fd = open("copy", O_RDONLY | O_CLOEXEC);
    unlink("copy");
    char *argv[] = {"gone", "child", "exit_code", "4", 0};
    fexecve(fd, argv, environ);
    return 90;
}

TEST(fexecve_of_a_file_without_a_name) {
    copy_self("copy", 0755);
    run_child(exec_deleted, 0);
}

TEST(execve_what_is_no_program) {
    RET(mkdir("dir", 0755));
    RET(mkfifo("fifo", 0755));
    RET(execve("dir", argv_x, environ));
    RET(execve("fifo", argv_x, environ)); // at once, although nobody writes
    RET(execve("/dev/null", argv_x, environ));
    RET(execve("/proc/self/status", argv_x, environ));
    int fd = open("dir", O_RDONLY);
    RET(syscall(SYS_execveat, fd, "", argv_x, environ, AT_EMPTY_PATH));
    RET(syscall(SYS_execveat, fd, "none", argv_x, environ, 0));
    RET(syscall(SYS_execveat, -1, "", argv_x, environ, AT_EMPTY_PATH));
    RET(syscall(SYS_execveat, fd, "", argv_x, environ, 0));
    RET(syscall(SYS_execveat, AT_FDCWD, "dir", argv_x, environ, 0x40000));
    copy_self("copy", 0644);
    RET(execve("copy", argv_x, environ));
    RET(symlink("copy", "link"));
    RET(chmod("copy", 0755));
    RET(syscall(SYS_execveat, AT_FDCWD, "link", argv_x, environ, AT_SYMLINK_NOFOLLOW));
}

static int exec_as_user(void *mode) {
    chmod("copy", *(int *)mode);
    if (setgid(1000) || setuid(1000)) return 91;
    char *argv[] = {"x", "child", "exit_code", "3", 0};
    execve("copy", argv, environ);
    printf("  %o: %s\n", *(int *)mode, errno_name(errno));
    return 90;
}

TEST(execve_needs_the_right_to_execute) {
    copy_self("copy", 0755);
    CHECK(chmod(".", 0755) == 0);
    for (int i = 0, modes[] = {0755, 0711, 0701, 0754, 0644, 0100}; i < 6; i++) run_child(exec_as_user, &modes[i]);
}

static int run_script(void *name) {
    char *argv[] = {"zero", "a", "b c", 0};
    execve(name, argv, environ);
    printf("  %s: %s\n", (char *)name, errno_name(errno));
    return 90;
}

TEST(execve_scripts) {
    script("shell", "#!/bin/sh\necho \"$# arguments\"\nexit 7\n");
    script("spaces", "#! \t/bin/echo  one two \t\nrest\n");
    script("unended", "#!/bin/echo");
    run_child(run_script, "./shell");
    run_child(run_script, "spaces");
    run_child(run_script, "./unended");
}

TEST(execve_chain_of_scripts) {
    script("c1", "#!/bin/echo\n");
    script("c2", "#!./c1 x2\n");
    script("c3", "#!./c2 x3\n");
    script("c4", "#!./c3 x4\n");
    script("c5", "#!./c4 x5\n");
    script("c6", "#!./c5 x6\n");
    run_child(run_script, "./c2");
    run_child(run_script, "./c5"); // as deep as it goes
    run_child(run_script, "./c6");
    CHECK(chmod("c1", 0644) == 0);
    run_child(run_script, "./c2");
    CHECK(unlink("c1") == 0);
    run_child(run_script, "./c2");
}

static int script_by_descriptor(void *flags) {
    int fd = open("c1", O_RDONLY | *(int *)flags);
    fd = fcntl(fd, *(int *)flags ? F_DUPFD_CLOEXEC : F_DUPFD, 20);
    char *argv[] = {"zero", "a", 0};
    syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
    printf("  %s\n", errno_name(errno));
    return 90;
}

TEST(execveat_script_by_a_descriptor) {
    int none = 0, cloexec = O_CLOEXEC;
    script("c1", "#!/bin/echo\n");
    run_child(script_by_descriptor, &none);
    run_child(script_by_descriptor, &cloexec); // its interpreter could not open it
}

TEST(execveat_only_checks) {
    copy_self("copy", 0755);
    int fd = open("copy", O_RDONLY), path = open("copy", O_PATH), dir = open(".", O_RDONLY);
    RET(syscall(SYS_execveat, fd, "", argv_x, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, path, "", argv_x, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, dir, "copy", argv_x, environ, AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, AT_FDCWD, "./copy", argv_x, environ, AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, AT_FDCWD, "copy", 0, 0, AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, dir, "", argv_x, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, AT_FDCWD, "none", argv_x, environ, AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, 99, "", argv_x, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK));
    RET(syscall(SYS_execveat, AT_FDCWD, "copy", (char *)(uintptr_t)-64, environ, AT_EXECVE_CHECK));
    char c;
    CHECK(read(fd, &c, 1) == 1);
    SHOW(lseek(fd, 0, SEEK_CUR));
    int w = open("copy", O_WRONLY);
    RET(syscall(SYS_execveat, fd, "", argv_x, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK));
    close(w);
    RET(syscall(SYS_execveat, fd, "", argv_x, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK));
    ERR(open("copy", O_WRONLY)); // a check is over when it returns
    RET(chmod("copy", 0644));
    RET(syscall(SYS_execveat, AT_FDCWD, "copy", argv_x, environ, AT_EXECVE_CHECK));
    int p[2];
    CHECK(pipe(p) == 0);
    RET(syscall(SYS_execveat, p[0], "", argv_x, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK));
    RET(mkfifo("fifo", 0755));
    RET(syscall(SYS_execveat, AT_FDCWD, "fifo", argv_x, environ, AT_EXECVE_CHECK));
}

#define BITS (1 << 8 | 1 << 10)

CHILD(show_securebits) {
    (void)argc, (void)argv;
    printf("  %#x\n", prctl(PR_GET_SECUREBITS));
    return 0;
}

static int set_securebits(void *user) {
    if (*(int *)user && (setgid(1000) || setuid(1000))) return 91;
    SHOW(prctl(PR_GET_SECUREBITS));
    RET(prctl(PR_SET_SECUREBITS, 0L));
    RET(prctl(PR_SET_SECUREBITS, 1L << 8));
    RET(prctl(PR_SET_SECUREBITS, 1L << 8));
    RET(prctl(PR_SET_SECUREBITS, 1L << 10));
    RET(prctl(PR_SET_SECUREBITS, 1L << 12));
    RET(prctl(PR_SET_SECUREBITS, (long)BITS | 1 << 9));
    RET(prctl(PR_SET_SECUREBITS, (long)BITS));
    RET(prctl(PR_SET_SECUREBITS, 1L << 9 | 1 << 10));
    RET(prctl(PR_SET_SECUREBITS, 1L << 8 | 1 << 9));
    RET(prctl(PR_SET_SECUREBITS, (long)BITS << 1 | 1 << 8));
    RET(prctl(PR_SET_SECUREBITS, (long)BITS << 1 | BITS));
    SHOW(prctl(PR_GET_SECUREBITS));
    return 0;
}

static int inherit_securebits(void *unused) {
    (void)unused;
    RET(prctl(PR_SET_KEEPCAPS, 1L));
    RET(prctl(PR_SET_SECUREBITS, (long)BITS | 1 << 9 | 1 << 4));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(prctl(PR_GET_SECUREBITS));
        fflush(stdout);
        char *argv[] = {"x", "child", "show_securebits", 0};
        execve(self, argv, environ);
        _exit(90);
    }
    int status;
    wait(&status);
    show_status(status);
    RET(prctl(PR_GET_KEEPCAPS));
    return 0;
}

static int lock_keepcaps(void *unused) {
    (void)unused;
    RET(prctl(PR_SET_SECUREBITS, 1L << 5));
    RET(prctl(PR_SET_KEEPCAPS, 1L));
    RET(prctl(PR_GET_KEEPCAPS));
    return 0;
}

TEST(prctl_securebits) {
    int root = 0, user = 1;
    run_child(set_securebits, &root);
    run_child(set_securebits, &user);
    run_child(inherit_securebits, 0);
    run_child(lock_keepcaps, 0);
}

static int touch_parent(void *unused) {
    (void)unused;
    pid_t parent = getppid();
    if (setgid(1000) || setuid(1000)) return 91;
    char c = 0;
    struct iovec here = {&c, 1}, there = {&c, 1};
    RET(syscall(SYS_process_vm_readv, parent, &here, 1L, &there, 1L, 0L));
    RET(syscall(SYS_process_vm_writev, parent, &here, 1L, &there, 1L, 0L));
    RET(syscall(SYS_process_vm_readv, 99999999, &here, 1L, &there, 1L, 0L));
    RET(syscall(SYS_process_vm_readv, parent, &here, 1L, &there, 1L, 1L));
    RET(syscall(SYS_ptrace, 16L, (long)parent, 0L, 0L));     // PTRACE_ATTACH
    RET(syscall(SYS_ptrace, 0x4206L, (long)parent, 0L, 0L)); // PTRACE_SEIZE
    return 0;
}

TEST(no_process_touches_anothers_memory) { run_child(touch_parent, 0); }
