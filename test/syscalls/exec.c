#include "vktest.h"
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>

extern char **environ;

CHILD(show_args) {
    for (int i = 1; i < argc; i++) printf("  arg[%s]\n", argv[i]);
    const char *v = getenv("VKTEST");
    printf("  VKTEST=%s\n", v ? v : "(unset)");
    return 3;
}

static int exec_args(void *unused) {
    (void)unused;
    char *argv[] = {"zero", "child", "show_args", "", "two words", "new\nline", 0};
    char *envp[] = {"VKTEST=a b\nc=d", 0};
    execve(self, argv, envp);
    return 90;
}

TEST(execve_passes_arguments_and_environment) { run_child(exec_args, 0); }

CHILD(show_fds) {
    (void)argc, (void)argv;
    for (int fd = 10; fd < 14; fd++) printf("  %d: %s\n", fd, fcntl(fd, F_GETFD) < 0 ? errno_name(errno) : "open");
    return 0;
}

static int exec_fds(void *unused) {
    (void)unused;
    int fd = open("/dev/null", O_RDONLY);
    dup2(fd, 10);
    fcntl(fd, F_DUPFD_CLOEXEC, 11);
    dup2(fd, 12);
    fcntl(12, F_SETFD, FD_CLOEXEC);
    dup3(fd, 13, 0);
    execl(self, self, "child", "show_fds", (char *)0);
    return 90;
}

TEST(execve_closes_on_exec) { run_child(exec_fds, 0); }

static void handler(int s) { (void)s; }

CHILD(show_signals) {
    (void)argc, (void)argv;
    struct sigaction sa;
    sigset_t set;
    sigaction(SIGUSR1, 0, &sa);
    printf("  USR1 default %d\n", sa.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, 0, &sa);
    printf("  USR2 ignored %d\n", sa.sa_handler == SIG_IGN);
    sigprocmask(SIG_BLOCK, 0, &set);
    printf("  HUP blocked %d\n", sigismember(&set, SIGHUP));
    sigpending(&set);
    printf("  HUP pending %d\n", sigismember(&set, SIGHUP));
    return 0;
}

static int exec_signals(void *unused) {
    (void)unused;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, 0);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    raise(SIGHUP);
    execl(self, self, "child", "show_signals", (char *)0);
    return 90;
}

TEST(execve_keeps_mask_and_ignored_signals) { run_child(exec_signals, 0); }

TEST(execve_errors) {
    char *argv[] = {"x", 0};
    write_file("text", "no program\n");
    write_file("empty", "");
    chmod("empty", 0644);
    RET(execve("none", argv, environ));
    RET(execve("text", argv, environ)); // no x bit
    RET(execve("empty", argv, environ));
    RET(execve("/tmp", argv, environ));
    RET(execve("text/x", argv, environ));
    RET(execve("", argv, environ));
    RET(symlink("loop", "loop"));
    RET(execve("loop", argv, environ));
    RET(execve((char *)(uintptr_t)-64, argv, environ));
}

CHILD(count_bytes) {
    size_t n = 0;
    for (int i = 0; i < argc; i++) n += strlen(argv[i]) + 1;
    printf("  %d arguments, %d bytes\n", argc, (int)n);
    return 0;
}

static int exec_megabyte(void *unused) {
    (void)unused;
    static char *argv[1003];
    char *word = malloc(1025);
    memset(word, 'x', 1024);
    word[1024] = 0;
    argv[0] = (char *)self, argv[1] = "child", argv[2] = "count_bytes";
    for (int i = 3; i < 1002; i++) argv[i] = word;
    execve(self, argv, environ);
    printf("  %s\n", errno_name(errno));
    return 90;
}

static int exec_ten_megabytes(void *unused) {
    (void)unused;
    static char *argv[10003];
    char *word = malloc(1025);
    memset(word, 'x', 1024);
    word[1024] = 0;
    argv[0] = (char *)self, argv[1] = "child", argv[2] = "count_bytes";
    for (int i = 3; i < 10002; i++) argv[i] = word;
    execve(self, argv, environ);
    printf("  %s\n", errno_name(errno));
    return 1;
}

TEST(execve_argument_list_of_a_megabyte) { run_child(exec_megabyte, 0); }
TEST(execve_argument_list_too_long) { run_child(exec_ten_megabytes, 0); }

CHILD(show_name) {
    (void)argc, (void)argv;
    char comm[64];
    strcpy(comm, read_file("/proc/self/comm"));
    printf("  comm %s", comm);
    return 0;
}

static int exec_at(void *unused) {
    (void)unused;
    int fd = open(self, O_PATH | O_CLOEXEC);
    char *argv[] = {"at", "child", "show_args", "by descriptor", 0};
    char *envp[] = {0};
    syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
    printf("  %s\n", errno_name(errno));
    return 90;
}

static int exec_fd(void *unused) {
    (void)unused;
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    char *argv[] = {"fexec", "child", "show_args", 0};
    char *envp[] = {0};
    fexecve(fd, argv, envp);
    printf("  %s\n", errno_name(errno));
    return 90;
}

TEST(execveat_and_fexecve) {
    run_child(exec_at, 0);
    run_child(exec_fd, 0);
}

TEST(posix_spawn_runs_with_actions) {
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 10, "out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&fa, 10, 1);
    posix_spawn_file_actions_addclose(&fa, 10);
    char *argv[] = {"spawned", "child", "show_args", "one", 0};
    pid_t pid;
    RET(posix_spawn(&pid, self, &fa, 0, argv, environ));
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
    printf("%s", read_file("out"));
    RET(posix_spawn(&pid, "none", 0, 0, argv, environ));
    posix_spawnattr_t at;
    posix_spawnattr_init(&at);
    posix_spawnattr_setflags(&at, POSIX_SPAWN_SETPGROUP);
    RET(posix_spawn(&pid, self, &fa, &at, argv, environ));
    CHECK(waitpid(pid, &status, 0) == pid);
}

TEST(system_and_popen) {
    RET(setenv("PATH", "/bin:/usr/bin", 1));
    int status = system("exit 5");
    show_status(status);
    FILE *f = popen("echo hello; exit 2", "r");
    char line[64] = {0};
    CHECK(fgets(line, sizeof line, f) != 0);
    printf("  %s", line);
    show_status(pclose(f));
}
