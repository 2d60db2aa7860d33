// Processes with threads: exit, fork, exec, wait, limits.
#include "threads.h"
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>

extern char **environ;
static sem_t ready;
static int p[2];

static void *block_for_ever(void *arg) {
    char c;
    sem_post(&ready);
    switch ((uintptr_t)arg % 4) {
    case 0: read(p[0], &c, 1); break;
    case 1:
        for (;;) {}
    case 2: sleep(1000); break;
    case 3: pthread_join(pthread_self(), 0);
    }
    for (;;) pause();
    return arg;
}

static void start(int n) {
    pthread_t t;
    pipe(p);
    sem_init(&ready, 0, 0);
    for (int i = 0; i < n; i++) OK(pthread_create(&t, 0, block_for_ever, (void *)(uintptr_t)i));
    for (int i = 0; i < n; i++) sem_wait(&ready);
}

static int exit_group_from_main(void *arg) {
    start(8);
    exit((int)(uintptr_t)arg);
}
static void *exit_it(void *arg) {
    exit((int)(uintptr_t)arg);
    return 0;
}
static int exit_group_from_a_thread(void *arg) {
    pthread_t t;
    start(8);
    pthread_create(&t, 0, exit_it, arg);
    for (;;) pause();
    return 0;
}
static void *exit_late(void *arg) {
    sleep_ms(10);
    return arg;
}
// Programs of their own: after a fork, musl's pthread_exit of a first thread keeps a lock.
CHILD(main_ends_first) {
    pthread_t t;
    (void)argc, (void)argv;
    pthread_create(&t, 0, exit_late, 0);
    pthread_exit(0);
}
CHILD(main_exits_alone) {
    pthread_t t;
    (void)argc, (void)argv;
    pthread_create(&t, 0, exit_late, 0);
    syscall(SYS_exit, 6L);
    return 0;
}
static int be(void *name) {
    char *args[] = {(char *)self, "child", name, 0};
    execv(self, args);
    return 99;
}
static int killed(void *arg) {
    start(8);
    kill(getpid(), (int)(uintptr_t)arg);
    for (;;) pause();
    return 0;
}

TEST(exit_ends_all_threads) {
    run_child(exit_group_from_main, (void *)3);
    run_child(exit_group_from_a_thread, (void *)4);
    run_child(be, "main_ends_first");
    run_child(be, "main_exits_alone");
    run_child(killed, (void *)SIGTERM);
    run_child(killed, (void *)SIGKILL);
}

static int value = 1;

static void *fork_in_thread(void *arg) {
    int local = (int)(uintptr_t)arg;
    pid_t pid = fork();
    if (pid == 0) {
        // Only this thread is left, with its stack and its thread-local data.
        char *text = strstr(read_file("/proc/self/status"), "Threads:\t1\n");
        value += local;
        pthread_t t;
        void *r;
        int more = pthread_create(&t, 0, exit_late, "x") == 0 && pthread_join(t, &r) == 0 && r != 0;
        exit(gettid() == getpid() && text && value == 1 + local && more ? 40 + local : 1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 40 + local);
    return 0;
}

TEST(fork_from_a_thread) {
    start(4);
    run_threads(8, fork_in_thread);
    SHOW(value);
}

// A child that was forked in a thread ends when the thread's function returns.
static void *fork_and_return(void *arg) {
    pid_t pid = fork();
    return pid ? (void *)(intptr_t)pid : arg;
}

TEST(fork_and_return_from_the_thread) {
    pthread_t t;
    void *r;
    int status;
    OK(pthread_create(&t, 0, fork_and_return, 0));
    OK(pthread_join(t, &r));
    CHECK(waitpid((pid_t)(intptr_t)r, &status, 0) == (pid_t)(intptr_t)r);
    show_status(status);
}

CHILD(tell_threads) {
    (void)argc, (void)argv;
    printf("  %s\n", strstr(read_file("/proc/self/status"), "Threads:\t1\n") ? "alone" : "not alone");
    printf("  leader %d, same pid %d\n", gettid() == getpid(), argc > 1 && atoi(argv[1]) == getpid());
    return 12;
}

static void *exec_in_thread(void *arg) {
    char pid[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    char *args[] = {(char *)self, "child", "tell_threads", pid, 0};
    (void)arg;
    fflush(stdout);
    execv(self, args);
    return 0;
}
static int exec_with_threads(void *arg) {
    pthread_t t;
    start(8);
    if (arg) exec_in_thread(0);
    pthread_create(&t, 0, exec_in_thread, 0);
    for (;;) pause();
    return 1;
}
static int exec_when_main_has_ended(void *arg) {
    pthread_t t;
    pthread_create(&t, 0, exec_in_thread, arg);
    pthread_exit(0);
}

TEST(exec_ends_the_other_threads) {
    run_child(exec_with_threads, (void *)1);
    run_child(exec_with_threads, 0);
    run_child(exec_when_main_has_ended, 0);
}

static void *exec_bad(void *arg) {
    char *args[] = {"none", 0};
    ERR(execv("/none/such", args));
    return arg;
}

TEST(exec_that_fails_changes_nothing) {
    start(4);
    run_threads(1, exec_bad);
    SHOW(1);
}

CHILD(answer) { return argc > 1 ? atoi(argv[1]) : 1; }

static void *spawn_in_thread(void *arg) {
    for (int i = 0; i < 5; i++) {
        char n[16];
        pid_t pid;
        int status, e;
        snprintf(n, sizeof n, "%d", (int)(uintptr_t)arg + i);
        char *args[] = {(char *)self, "child", "answer", n, 0};
        e = posix_spawn(&pid, self, 0, 0, args, environ);
        OK(e);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (int)(uintptr_t)arg + i);
    }
    return 0;
}

TEST(spawn_from_threads) {
    run_threads(8, spawn_in_thread);
    SHOW(1);
}

static void *vfork_in_thread(void *arg) {
    volatile int x = (int)(uintptr_t)arg;
    for (int i = 0; i < 5; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            x++;
            _exit(x);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WEXITSTATUS(status) == x);
    }
    CHECK(x == (int)(uintptr_t)arg + 5);
    return 0;
}

TEST(vfork_from_threads) {
    run_threads(8, vfork_in_thread);
    SHOW(1);
}

// The others end while a child still runs in the memory of its parent.
static int killed_during_vfork(void *arg) {
    pthread_t t;
    (void)arg;
    start(2);
    pthread_create(&t, 0, exit_it, (void *)9);
    if (vfork() == 0) {
        sleep_ms(20);
        _exit(0);
    }
    return 1;
}

TEST(exit_during_vfork) { run_child(killed_during_vfork, 0); }

static void *wait_for_any(void *arg) {
    int status;
    pid_t pid = waitpid((pid_t)(intptr_t)arg, &status, 0);
    CHECK(pid == (pid_t)(intptr_t)arg);
    return (void *)(intptr_t)WEXITSTATUS(status);
}

TEST(wait_by_another_thread) {
    pthread_t t;
    void *r;
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(5);
        _exit(21);
    }
    OK(pthread_create(&t, 0, wait_for_any, (void *)(intptr_t)pid));
    OK(pthread_join(t, &r));
    SHOW((long)(intptr_t)r);
}

// A child whose parent's thread has ended is still the process's.
static void *fork_child(void *arg) {
    (void)arg;
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(10);
        _exit(getppid() == *(pid_t *)arg ? 5 : 6);
    }
    return 0;
}

TEST(children_outlive_the_thread) {
    pthread_t t;
    pid_t me = getpid();
    int status;
    OK(pthread_create(&t, 0, fork_child, &me));
    OK(pthread_join(t, 0));
    CHECK(wait(&status) > 0);
    show_status(status);
}

static int too_many(void *arg) {
    struct rlimit l = {20, 20};
    pthread_attr_t a;
    int n = 0, e = 0;
    (void)arg;
    setuid(12345);
    setrlimit(RLIMIT_NPROC, &l);
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 16384);
    sem_init(&ready, 0, 0);
    for (pthread_t t; n < 100 && (e = pthread_create(&t, &a, block_for_ever, (void *)2)) == 0; n++) {}
    SHOW(n);
    NAME(e);
    RET(fork());
    return 0;
}

TEST(thread_limit) { run_child(too_many, 0); }

static void *setuid_there(void *arg) {
    OK(setuid(1000));
    return arg;
}

static int change_ids(void *arg) {
    (void)arg;
    start(3);
    run_threads(1, setuid_there);
    SHOW(getuid());
    RET(setuid(0));
    return 0;
}

TEST(setuid_is_for_all_threads) { run_child(change_ids, 0); }

static void *chdir_there(void *arg) {
    RET(chdir("d"));
    umask(0);
    return arg;
}

TEST(directory_and_descriptors_are_shared) {
    char cwd[4096];
    mkdir("d", 0755);
    run_threads(1, chdir_there);
    CHECK(getcwd(cwd, sizeof cwd));
    printf("  %s\n", strrchr(cwd, '/'));
    SHOW(umask(022));
}
