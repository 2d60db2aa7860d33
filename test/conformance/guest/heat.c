// heat WHAT: a program that may start warm. Before it is ready it looks at what its policy, its root
// directory and its secure bits let it see; what it has seen must be what it sees afterwards.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vkernel.h>

#define LOOK "/etc/passwd"

static int readable(void) {
    char c;
    int fd = open(LOOK, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    int ok = read(fd, &c, 1) == 1;
    close(fd);
    return ok;
}

static int copy(const char *to, const char *more) {
    char block[65536];
    int in = open("/bin/heat", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t n;
    while ((n = read(in, block, sizeof block)) > 0)
        if (write(out, block, n) != n) return -1;
    if (n < 0 || write(out, more, strlen(more)) < 0) return -1;
    close(in);
    return close(out);
}

// until waits until the program starts warm.
static int until(void) {
    for (int i = 0; i < 5000; i++) {
        int status = 1;
        if (fork() == 0) {
            execl("/bin/heat", "heat", "is-warm", (char *)0);
            _exit(2);
        }
        wait(&status);
        if (status == 0) return 0;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, 0);
    }
    return -1;
}

static int wrong(const char *what) {
    printf("wrong %s (%s)\nfailed\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    int saw = readable(), bits = prctl(PR_GET_SECUREBITS);
    int warm = vkernel_ready(&argc, &argv, NULL);
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "is-warm")) return !warm;
    if (!strcmp(what, "look")) {
        if (saw != readable()) return wrong("a start has seen what it may not see, or the other way round");
        if (bits != prctl(PR_GET_SECUREBITS)) return wrong("a start has seen other secure bits than its own");
        printf("warm %d\npassed\n", warm);
        return 0;
    }
    if (until()) return wrong("it does not start warm");
    if (mkdir("/case", 0755) && errno != EEXIST) return wrong("mkdir");
    if (!strcmp(what, "run")) {
        execv(argv[2], argv + 2);
    } else if (!strcmp(what, "bits")) {
        if (prctl(PR_SET_SECUREBITS, 1 << 8)) return wrong("PR_SET_SECUREBITS");
        execl("/bin/heat", "heat", "look", (char *)0);
    } else if (!strcmp(what, "jail")) {
        if (mkdir("/case/jail", 0755) || mkdir("/case/jail/bin", 0755) || copy("/case/jail/bin/heat", "") ||
            chroot("/case/jail") || chdir("/"))
            return wrong("jail");
        execl("/bin/heat", "heat", "look", (char *)0);
    } else if (!strcmp(what, "removed")) {
        if (rename(LOOK, LOOK ".old")) return wrong("rename");
        execl("/bin/heat", "heat", "look", (char *)0);
    } else if (!strcmp(what, "changed")) {
        if (copy("/case/heat", "x") || rename("/case/heat", "/bin/heat")) return wrong("change");
        execl("/bin/heat", "heat", "look", (char *)0);
        if (errno == EACCES) {
            printf("passed\n");
            return 0;
        }
    }
    return wrong("exec");
}
