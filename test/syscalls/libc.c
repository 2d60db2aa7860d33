// What the C library builds on the calls: null pointers, setjmp, start and end of a program,
// its environment, starting programs.
#include "vktest.h"
#include <limits.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static int touch_null(void *at) {
    *(volatile int *)at = 1;
    return 0;
}

TEST(null_pointer_faults) {
    run_child(touch_null, NULL);
    run_child(touch_null, (void *)4092);
}

static void *volatile null;

TEST(null_buffer_is_EFAULT) {
    int p[2];
    CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
    RET(read(p[0], null, 1));
    RET(write(p[1], null, 1));
    RET(open(null, O_RDONLY));
    RET(syscall(SYS_pipe2, null, 0));
    RET(syscall(SYS_nanosleep, null, null));
    RET(read(p[0], p, 1));
}

static jmp_buf jump;

static int down(int n) {
    if (n == 0) longjmp(jump, 42);
    return down(n - 1) + 1;
}

TEST(longjmp_over_frames) {
    volatile int count = 0;
    int r = setjmp(jump);
    SHOW(r);
    if (++count == 1) down(100);
    if (count == 2) longjmp(jump, 0);
    if (count == 3) longjmp(jump, INT_MIN);
    SHOW(count);
}

static sigjmp_buf sjump;

static void escape(int sig) { siglongjmp(sjump, sig); }

static int blocked(int sig) {
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, sig);
}

TEST(siglongjmp_restores_the_mask_if_saved) {
    signal(SIGUSR1, escape);
    for (int save = 1; save >= 0; save--) {
        int r = sigsetjmp(sjump, save);
        if (r == 0) raise(SIGUSR1);
        SHOW(r);
        SHOW(blocked(SIGUSR1));
    }
}

static void say(const char *text) { (void)!write(1, text, strlen(text)); }
static void last(void) { say("  last\n"); }
static void first(void) { say("  first\n"); }

static int leave(void *how) {
    atexit(last);
    atexit(first);
    if (how) _exit(7);
    exit(6);
}

TEST(exit_runs_handlers_and_underscore_exit_does_not) {
    fflush(stdout);
    run_child(leave, NULL);
    run_child(leave, "_exit");
}

CHILD(show_environment) {
    extern char **environ;
    for (char **e = environ; *e; e++) printf("  [%s]\n", *e);
    for (int i = 0; i < argc; i++) printf("  argument [%s]\n", argv[i]);
    return 0;
}

TEST(environment_and_arguments_are_kept_byte_for_byte) {
    char *env[] = {"A=one\ntwo", "B=", "no_equals", "C=\x01\xff", NULL};
    char *args[] = {(char *)self, "child", "show_environment", "", "a b", "x\ny", NULL};
    pid_t pid;
    int status;
    fflush(stdout);
    RET(posix_spawn(&pid, self, NULL, NULL, args, env));
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
}

TEST(posix_spawn_tells_why_it_failed) {
    pid_t pid = -1;
    char *args[] = {"x", NULL};
    SHOW(posix_spawn(&pid, "/nonexistent", NULL, NULL, args, args));
    SHOW(posix_spawn(&pid, "/", NULL, NULL, args, args));
    SHOW(pid);
    RET(waitpid(-1, NULL, 0));
}

TEST(system_gives_the_status_of_the_shell) {
    fflush(stdout);
    SHOW(system("exit 5"));
    SHOW(system("kill -9 $$"));
    SHOW(system(NULL) != 0);
}

TEST(popen_reads_and_writes) {
    char line[64] = "";
    FILE *f = popen("echo out; exit 3", "r");
    CHECK(f && fgets(line, sizeof line, f));
    printf("  %s", line);
    SHOW(pclose(f));
    fflush(stdout);
    f = popen("while read x; do echo \"got $x\"; done", "w");
    CHECK(f && fputs("a\nb\n", f) >= 0);
    SHOW(pclose(f));
}

TEST(offsets_have_64_bits) {
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    struct iovec out = {"far", 3};
    char got[4] = "";
    struct iovec in = {got, 3};
    RET(pwritev(fd, &out, 1, 5000000000));
    RET(lseek(fd, 0, SEEK_END) == 5000000003);
    RET(preadv(fd, &in, 1, 5000000000));
    printf("  %s\n", got);
    RET(syscall(SYS_pread64, fd, got, 2, 5000000001LL));
    RET(ftruncate(fd, 1LL << 33));
    RET(lseek(fd, -1, SEEK_END) == (1LL << 33) - 1);
}

static _Thread_local int initial = 41, zero;

TEST(thread_local_data_has_its_initial_values) {
    initial++;
    SHOW(initial);
    SHOW(zero);
}
