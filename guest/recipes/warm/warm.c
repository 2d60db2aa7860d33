#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <vkernel.h>

extern char **environ;
extern char *program_invocation_name, *program_invocation_short_name;

#define WORDS (1 << 19)
static unsigned *heap;
static char secret[4096]; /* what one process writes here no other may find */

/* What is looked at before it is ready, and must be what is found afterwards. */
struct look {
    char text[64];
    long size, extra, modes;
    int names;
};

static void look(struct look *l) {
    struct stat st;
    memset(l, 0, sizeof *l);
    int fd = open("/etc/warm.conf", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, l->text, sizeof l->text) < 0) l->text[0] = '!';
        close(fd);
    }
    l->size = stat("/etc/warm.link", &st) ? -1 : st.st_size;
    l->extra = access("/etc/warm.d/extra", F_OK);
    l->modes = stat("/etc/warm.d", &st) ? -1 : st.st_mode;
    DIR *d = opendir("/etc/warm.d/list");
    if (!d) return;
    while (readdir(d)) l->names++;
    closedir(d);
}

static volatile int signals;

static void on_signal(int sig) {
    (void)sig;
    signals++;
}

static void tell_strings(const char *what, char **list) {
    for (int i = 0; list[i]; i++) printf("%s %s\n", what, list[i]);
}

static void tell_files(void) {
    for (int fd = 0; fd < 64; fd++) {
        struct stat st;
        if (fstat(fd, &st)) continue;
        printf("fd %d mode %o flags %x cloexec %d\n", fd, st.st_mode, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    }
}

static void tell_signals(void) {
    sigset_t mask, pending;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    for (int sig = 1; sig < 65; sig++) {
        struct sigaction a;
        if (sigaction(sig, NULL, &a)) continue;
        const char *does = a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" : "handler";
        printf("signal %d %s %d %d\n", sig, does, sigismember(&mask, sig), sigismember(&pending, sig));
    }
    stack_t stack;
    sigaltstack(NULL, &stack);
    printf("stack %x\n", stack.ss_flags);
}

static void tell_limits(void) {
    for (int r = 0; r < 16; r++) {
        struct rlimit l;
        if (!getrlimit(r, &l)) printf("limit %d %llx %llx\n", r, (long long)l.rlim_cur, (long long)l.rlim_max);
    }
}

static void tell_process(void) {
    char cwd[4096];
    gid_t groups[64];
    mode_t mask = umask(0);
    umask(mask);
    const char *parent = getenv("PARENT");
    printf("cwd %s umask %o\n", getcwd(cwd, sizeof cwd), mask);
    printf("uid %d %d gid %d %d groups %d\n", getuid(), geteuid(), getgid(), getegid(), getgroups(64, groups));
    printf("tid %d parent %d\n", getpid() == syscall(SYS_gettid), !parent || atoi(parent) == getppid());
    printf("raise %d\n", raise(0));
    printf("nice %d priority %d\n", nice(0), getpriority(PRIO_PROCESS, 0));
    printf("name %s %s\n", program_invocation_name, program_invocation_short_name);
    printf("time %d clock %d\n", time(NULL) > 1700000000, clock() < 10 * CLOCKS_PER_SEC);
}

static void tell_memory(void) {
    unsigned sum = 0;
    for (int i = 0; i < WORDS; i++) sum += heap[i];
    int clean = 1;
    for (size_t i = 0; i < sizeof secret; i++) clean &= secret[i] == 0;
    char *more = malloc(3 << 20), *block = calloc(1, 70000);
    for (int i = 0; i < 70000; i++) clean &= block[i] == 0;
    memset(more, 1, 3 << 20);
    free(more);
    free(block);
    printf("heap %u clean %d\n", sum, clean);
    memset(secret, 'S', sizeof secret);
    for (int i = 0; i < WORDS; i += 1024) heap[i] = 0;
}

static int tell_generation(int fd) {
    unsigned char id[16];
    if (read(fd, id, sizeof id) != sizeof id) return -1;
    for (size_t i = 0; i < sizeof id; i++) printf("%02x", id[i]);
    printf("\n");
    fflush(stdout);
    return 0;
}

/* Tells the generation, waits until it is another one, and tells that, and the signals that there were. */
static int generations(void) {
    int fd = open("/dev/generation", O_RDONLY);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (fd < 0 || ioctl(fd, 0x40045601, SIGUSR1) || tell_generation(fd) || poll(&p, 1, 0)) return 1;
    while (poll(&p, 1, -1) != 1) /* the signal may be first */
        if (errno != EINTR) return 1;
    if (tell_generation(fd) || poll(&p, 1, 0)) return 1;
    printf("signals %d\n", signals);
    return 0;
}

int main(int argc, char **argv) {
    heap = malloc(WORDS * sizeof *heap);
    for (int i = 0; i < WORDS; i++) heap[i] = i;
    signal(SIGUSR1, on_signal);
    struct look before, after;
    look(&before);
    int warm = vkernel_ready(&argc, &argv, NULL);
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "is-warm")) return !warm;
    if (!strcmp(what, "look")) {
        look(&after);
        return memcmp(&before, &after, sizeof before) != 0;
    }
    if (!strcmp(what, "nothing")) return 0;
    if (!strcmp(what, "generation")) return tell_generation(open("/dev/generation", O_RDONLY));
    if (!strcmp(what, "generations")) return generations();
    if (!strcmp(what, "random")) {
        unsigned long long n;
        getrandom(&n, sizeof n, 0);
        printf("%llx\n", n);
        return 0;
    }
    if (!strcmp(what, "idle")) {
        char c;
        printf("idle\n");
        fflush(stdout);
        return read(0, &c, 1) < 0;
    }
    if (!strcmp(what, "exec")) {
        execv(argv[2], argv + 2);
        printf("%s\n", strerror(errno));
        return 1;
    }
    tell_strings("arg", argv);
    tell_strings("env", environ);
    tell_files();
    tell_signals();
    tell_limits();
    tell_process();
    tell_memory();
    return 0;
}
