// The runner of the tests. systest -l lists them; systest NAME... runs the named ones,
// without names all, each in a child process and an empty directory below $TMPDIR (/tmp).
#include "vktest.h"
#include <ftw.h>
#include <sys/resource.h>
#include <time.h>

static struct vktest *tests;
static struct vkchild *children;
static int failures;
const char *self;

void vktest_register(struct vktest *t) {
    struct vktest **p = &tests;
    while (*p && strcmp((*p)->name, t->name) < 0) p = &(*p)->next;
    t->next = *p;
    *p = t;
}

void vkchild_register(struct vkchild *c) {
    c->next = children;
    children = c;
}

#define E(x) {x, #x}
static const struct {
    int value;
    const char *name;
} errnos[] = {
    E(EPERM),  E(ENOENT),    E(ESRCH),     E(EINTR),        E(EIO),    E(ENXIO),     E(E2BIG),      E(ENOEXEC),
    E(EBADF),  E(ECHILD),    E(EAGAIN),    E(ENOMEM),       E(EACCES), E(EFAULT),    E(ENOTBLK),    E(EBUSY),
    E(EEXIST), E(EXDEV),     E(ENODEV),    E(ENOTDIR),      E(EISDIR), E(EINVAL),    E(ENFILE),     E(EMFILE),
    E(ENOTTY), E(ETXTBSY),   E(EFBIG),     E(ENOSPC),       E(ESPIPE), E(EROFS),     E(EMLINK),     E(EPIPE),
    E(EDOM),   E(ERANGE),    E(EDEADLK),   E(ENAMETOOLONG), E(ENOSYS), E(ENOTEMPTY), E(ELOOP),      E(ENODATA),
    E(ETIME),  E(EPROTO),    E(EOVERFLOW), E(EILSEQ),       E(EUSERS), E(ENOTSOCK),  E(EOPNOTSUPP), E(ETIMEDOUT),
    E(ESTALE), E(ECANCELED),
};

const char *errno_name(int e) {
    static char unknown[24];
    if (e == 0) return "0";
    for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
        if (errnos[i].value == e) return errnos[i].name;
    snprintf(unknown, sizeof unknown, "errno %d", e);
    return unknown;
}

void vktest_ret(const char *text, long r) {
    if (r == -1 && errno)
        printf("  %s = -1 %s\n", text, errno_name(errno));
    else
        printf("  %s = %ld\n", text, r);
}

void vktest_err(const char *text, long r) { printf("  %s: %s\n", text, r == -1 && errno ? errno_name(errno) : "ok"); }

void vktest_check(int ok, const char *text, const char *file, int line) {
    if (ok) return;
    const char *base = strrchr(file, '/');
    printf("  FAIL %s:%d: %s (errno %s)\n", base ? base + 1 : file, line, text, errno_name(errno));
    failures++;
}

void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(close(fd) == 0);
}

const char *read_file(const char *path) {
    static char buf[65536];
    int fd = open(path, O_RDONLY);
    if (fd < 0) return errno_name(errno);
    ssize_t n, have = 0;
    while ((n = read(fd, buf + have, sizeof buf - 1 - have)) > 0) have += n;
    close(fd);
    buf[have] = 0;
    return buf;
}

void show_status(int status) {
    if (WIFEXITED(status)) printf("  exit %d\n", WEXITSTATUS(status));
    if (WIFSIGNALED(status)) printf("  signal %d\n", WTERMSIG(status));
    if (WIFSTOPPED(status)) printf("  stopped %d\n", WSTOPSIG(status));
    if (WIFCONTINUED(status)) printf("  continued\n");
}

int run_child(int (*f)(void *), void *arg) {
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int r = f(arg);
        fflush(stdout);
        _exit(r);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    show_status(status);
    return status;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

// run_one gives 1 if the test failed.
static int run_one(struct vktest *t) {
    const char *tmp = getenv("TMPDIR");
    char dir[256], back[4096];
    snprintf(dir, sizeof dir, "%s/vktest.XXXXXX", tmp ? tmp : "/tmp");
    printf("== %s\n", t->name);
    fflush(stdout);
    if (!getcwd(back, sizeof back) || !mkdtemp(dir)) {
        printf("  FAIL no temporary directory: %s\n", strerror(errno));
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        setpgid(0, 0);
        umask(022);
        alarm(30);
        if (chdir(dir) < 0) _exit(99);
        failures = 0;
        t->run();
        fflush(stdout);
        _exit(failures ? 1 : 0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    printf("  FAIL %s ended:", t->name);
    show_status(status);
    return 1;
}

static int run_registered_child(int argc, char **argv) {
    for (struct vkchild *c = children; c; c = c->next)
        if (argc > 0 && !strcmp(c->name, argv[0])) return c->run(argc, argv);
    fprintf(stderr, "no child function of that name\n");
    return 97;
}

int main(int argc, char **argv) {
    self = getenv("SYSTEST") ? getenv("SYSTEST") : argv[0];
    if (argc > 1 && !strcmp(argv[1], "child")) return run_registered_child(argc - 2, argv + 2);
    int failed = 0;
    for (struct vktest *t = tests; t; t = t->next) {
        int wanted = argc == 1;
        for (int i = 1; i < argc; i++) {
            if (!strcmp(argv[i], "-l")) printf("%s\n", t->name);
            if (!strcmp(argv[i], t->name)) wanted = 1;
        }
        if (wanted) failed += run_one(t);
    }
    return failed != 0;
}
