// Who executes, and when: threads, children of vfork, signal handlers, limits.
#include "attack.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

extern char **environ;

static char *const evil_argv[] = {"mark", "EVIL", 0};
static char *const good_argv[] = {"mark", "GOOD", 0};

static void status_is(pid_t pid, int expected, const char *what) {
    int status;
    must(waitpid(pid, &status, 0));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
        bad("%s: wait status %x, expected exit %d", what, status, expected);
}

static void *exec_evil(void *unused) {
    (void)unused;
    execve("mark", evil_argv, environ);
    return (void *)(intptr_t)errno;
}

static void *exec_good(void *path) {
    execve(path, good_argv, environ);
    return 0;
}

CASE("processes", thread_executes_unlisted) {
    evil_program("mark");
    pthread_t t;
    void *e;
    must(-pthread_create(&t, 0, exec_evil, 0));
    pthread_join(t, &e);
    WANT((int)(intptr_t)e, EACCES);
}

CASE("processes", thread_executes_listed) {
    pid_t pid = must(fork());
    if (pid == 0) {
        pthread_t t;
        pthread_create(&t, 0, exec_good, MARK);
        pause();
    }
    status_is(pid, STATUS_GOOD, "exec in a thread");
}

static void *spin(void *unused) {
    (void)unused;
    for (volatile int i = 0;; i++) {}
    return 0;
}

CASE("processes", exec_with_threads_that_run) {
    pid_t pid = must(fork());
    if (pid == 0) {
        pthread_t t;
        for (int i = 0; i < 4; i++) pthread_create(&t, 0, spin, 0);
        pthread_create(&t, 0, exec_good, MARK);
        pause();
    }
    status_is(pid, STATUS_GOOD, "exec among threads that spin");
}

CASE("processes", many_threads_execute_at_once) {
    for (int round = 0; round < 20; round++) {
        good_program("good");
        evil_program("mark");
        pid_t pid = must(fork());
        if (pid == 0) {
            pthread_t t;
            for (int i = 0; i < 16; i++) pthread_create(&t, 0, i % 2 ? exec_evil : exec_good, "/case/good");
            for (;;) pause();
        }
        status_is(pid, STATUS_GOOD, "sixteen threads that execute");
    }
}

static void on_signal(int s) {
    (void)s;
    execve("mark", evil_argv, environ);
    if (errno != EACCES) bad("exec in a handler: %s", strerror(errno));
}

CASE("processes", exec_in_a_signal_handler) {
    evil_program("mark");
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    pid_t pid = must(fork());
    if (pid == 0) {
        raise(SIGUSR1);
        execve(MARK, good_argv, environ);
    }
    status_is(pid, STATUS_GOOD, "exec after a refused one in a handler");
}

static void ignore(int s) { (void)s; }

CASE("processes", signals_in_the_midst_of_exec) {
    evil_script("evil");
    good_script("good");
    signal(SIGUSR1, ignore);
    pid_t parent = getpid(), pid = must(fork());
    if (pid == 0) {
        for (;;) kill(parent, SIGUSR1);
    }
    for (int i = 0; i < number(); i++) {
        WANT(run("good", "GOOD"), 0);
        WANT(run("evil", "EVIL"), EACCES);
    }
    kill(pid, SIGKILL);
    must(waitpid(pid, 0, 0));
}

CASE("processes", killed_in_the_midst_of_exec) {
    good_program("mark");
    must(truncate("mark", 200 << 20)); // takes a while to hash, and is not listed
    for (int i = 0; i < 10; i++) {
        pid_t pid = must(fork());
        if (pid == 0) {
            execve("mark", evil_argv, environ);
            _exit(1);
        }
        usleep(1000 * i);
        kill(pid, SIGKILL);
        int status;
        must(waitpid(pid, &status, 0));
        if (!WIFSIGNALED(status)) WANT(WEXITSTATUS(status), 1);
    }
    WANT(run(MARK, "GOOD"), 0);
}

CASE("processes", child_of_vfork) {
    evil_program("mark");
    volatile int seen = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        execve("mark", evil_argv, environ);
        seen = errno;
        execve("/case/none", evil_argv, environ);
        execve(MARK, good_argv, environ);
        _exit(1);
    }
    status_is(pid, STATUS_GOOD, "vfork");
    WANT(seen, EACCES);
}

CASE("processes", parent_changes_the_file_while_the_child_executes) {
    for (int i = 0; i < number() / 10 + 1; i++) {
        unlink("s");
        good_script("s");
        pid_t pid = must(fork());
        if (pid == 0) {
            char *argv[] = {"s", 0};
            execve("/case/s", argv, environ);
            _exit(errno == ETXTBSY ? STATUS_GOOD : errno);
        }
        int fd = open("s", O_WRONLY);
        if (fd >= 0) {
            (void)!write(fd, EVIL_TEXT, strlen(EVIL_TEXT));
            close(fd);
        }
        int status;
        must(waitpid(pid, &status, 0));
        int s = WEXITSTATUS(status);
        if (s != STATUS_GOOD && s != EACCES && s != 46) bad("status %d", s);
    }
}

// turn changes a path under another thread's execve.
static void *turn(void *path) {
    for (;;) {
        memcpy(path, "/case/evil", 11);
        memcpy(path, "/bin/mark", 10);
    }
    return 0;
}

CASE("processes", strings_changed_while_they_are_read) {
    // The path is copied once: a thread turns it between a listed and an unlisted one.
    evil_program("evil");
    static char path[32];
    strcpy(path, "/bin/mark");
    for (int i = 0; i < number() / 4 + 1; i++) {
        pid_t pid = must(fork());
        if (pid == 0) {
            pthread_t t;
            pthread_create(&t, 0, turn, path);
            for (;;) {
                execve(path, (char *[]){"mark", "GOOD", 0}, environ);
                if (errno != EACCES && errno != ENOENT) _exit(1);
            }
        }
        int status;
        must(waitpid(pid, &status, 0));
        if (WEXITSTATUS(status) != STATUS_GOOD) bad("status %x", status);
    }
}

CASE("processes", arguments_cannot_be_memory_of_others) {
    WANT(err(execve((char *)(uintptr_t)-16, evil_argv, environ)), EFAULT);
    WANT(err(execve(MARK, (char **)(uintptr_t)-16, environ)), EFAULT);
    WANT(err(execve(MARK, evil_argv, (char **)(uintptr_t)-16)), EFAULT);
    char *argv[] = {"mark", (char *)(uintptr_t)-16, 0};
    WANT(err(execve(MARK, argv, environ)), EFAULT);
}

CASE("processes", limits_while_hashing) {
    evil_program("mark");
    struct rlimit none = {0, 0};
    pid_t pid = must(fork());
    if (pid == 0) {
        setrlimit(RLIMIT_NOFILE, &none);
        setrlimit(RLIMIT_FSIZE, &none);
        execve("mark", evil_argv, environ);
        _exit(errno == EACCES ? STATUS_GOOD : errno);
    }
    status_is(pid, STATUS_GOOD, "exec without descriptors");
}

CASE("processes", many_hash_huge_files_at_once) {
    // 32 processes hash files of 256 MB each, without content, while others are started.
    pid_t pids[32];
    for (int i = 0; i < 32; i++) {
        pids[i] = must(fork());
        if (pids[i] == 0) {
            char name[32];
            snprintf(name, sizeof name, "big%d", i);
            good_program(name);
            must(truncate(name, 256 << 20));
            execve(name, evil_argv, environ);
            _exit(errno);
        }
    }
    for (int i = 0; i < 20; i++) WANT(run(MARK, "GOOD"), 0);
    for (int i = 0; i < 32; i++) {
        kill(pids[i], SIGKILL);
        must(waitpid(pids[i], 0, 0));
    }
}

CASE("processes", thousands_of_arguments) {
    evil_program("mark");
    static char *argv[20002];
    for (int i = 0; i < 20000; i++) argv[i] = "EVIL";
    execve("mark", argv, environ);
    WANT(errno, EACCES, E2BIG);
    static char big[200000];
    memset(big, 'x', sizeof big - 1);
    char *one[] = {"mark", big, 0};
    execve(MARK, one, environ);
    WANT(errno, E2BIG);
}

CASE("processes", first_process_has_no_descriptors_of_the_host) {
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) != -1) bad("descriptor %d is open", fd);
    char text[256];
    ssize_t n = readlink("/proc/self/cwd", text, sizeof text - 1);
    if (n != 5 || memcmp(text, "/case", 5)) bad("the working directory is %.*s", (int)n, text);
}

CASE("processes", no_way_above_the_root) {
    must(chdir("/"));
    struct stat a, b;
    must(stat("/", &a));
    must(stat("/../../../..", &b));
    if (a.st_ino != b.st_ino || a.st_dev != b.st_dev) bad("there is something above the root");
    must(mkdir("/jail", 0755));
    int fd = must(open("/", O_RDONLY | O_DIRECTORY));
    must(chroot("/jail"));
    must(fchdir(fd));
    for (int i = 0; i < 40; i++) must(chdir(".."));
    must(stat(".", &b));
    if (a.st_ino != b.st_ino || a.st_dev != b.st_dev) bad("a changed root was left to somewhere else than the root");
    WANT(err(open("/home/../../../../../../usr/bin/clang", O_RDONLY)), ENOENT);
}

CASE("processes", environment_that_loads_code) {
    evil_program("evil.so");
    static const char *const vars[] = {"LD_PRELOAD=/case/evil.so", "LD_LIBRARY_PATH=/case", "LD_AUDIT=/case/evil.so",
                                       "GCONV_PATH=/case",         "LUA_INIT=@/case/none",  "BASH_ENV=/case/none",
                                       "VKERNEL_MUTANT=exec.hash"};
    for (size_t i = 0; i < sizeof vars / sizeof *vars; i++) putenv((char *)vars[i]);
    WANT(run(MARK, "GOOD"), 0);
    WANT(run("/case/evil.so", "EVIL"), EACCES);
}

CASE("processes", exec_after_rights_are_given_up) {
    evil_program("mark");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    must(setgid(1000));
    must(setuid(1000));
    WANT(run("mark", "EVIL"), EACCES);
    WANT(run(MARK, "GOOD"), 0);
}
