#include "vktest.h"
#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static const char *names[] = {"ACCESS",     "MODIFY",   "ATTRIB",   "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN",
                              "MOVED_FROM", "MOVED_TO", "CREATE",   "DELETE",      "DELETE_SELF",   "MOVE_SELF",
                              "12",         "UNMOUNT",  "OVERFLOW", "IGNORED"};

// show prints the events that are there, with cookies as to whether they are new.
static void show(int fd, const char *what) {
    static uint32_t last_cookie;
    char buf[8192] __attribute__((aligned(8)));
    printf("  %s:", what);
    struct pollfd p = {fd, POLLIN};
    while (poll(&p, 1, 0) > 0) {
        int n = read(fd, buf, sizeof buf);
        if (n <= 0) {
            printf(" %s", errno_name(errno));
            break;
        }
        for (int at = 0; at < n;) {
            struct inotify_event *e = (void *)(buf + at);
            printf(" %d", e->wd);
            for (int i = 0; i < 16; i++)
                if (e->mask & 1 << i) printf(" %s", names[i]);
            if (e->mask & IN_ISDIR) printf(" ISDIR");
            if (e->len) printf(" %s/%d", e->name, e->len);
            if (e->cookie) printf(" %s", e->cookie == last_cookie ? "same" : "new");
            last_cookie = e->cookie;
            printf(";");
            at += sizeof *e + e->len;
        }
    }
    printf("\n");
}

static int start(void) {
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

TEST(inotify_arguments) {
    ERR(inotify_init1(1));
    int fd = start(), p[2];
    RET(pipe(p));
    char name[64], text[128] = {0};
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    readlink(name, text, sizeof text - 1);
    printf("  [%s]\n", text);
    RET(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    write_file("f", "text");
    symlink("f", "l");
    mkdir("d", 0700);
    RET(inotify_add_watch(fd, "f", 0));
    RET(inotify_add_watch(fd, "none", IN_OPEN));
    RET(inotify_add_watch(fd, "", IN_OPEN));
    RET(inotify_add_watch(p[0], "f", IN_OPEN));
    RET(inotify_add_watch(99, "f", IN_OPEN));
    RET(inotify_add_watch(fd, "f", IN_OPEN | IN_ONLYDIR));
    RET(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
    RET(inotify_add_watch(fd, (char *)16, IN_OPEN));
    RET(inotify_add_watch(fd, "f", IN_OPEN));
    RET(inotify_add_watch(fd, "l", IN_OPEN));
    RET(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_CREATE));
    RET(inotify_add_watch(fd, "l", IN_OPEN | IN_DONT_FOLLOW));
    RET(inotify_add_watch(fd, "d", IN_OPEN | IN_ONLYDIR));
    RET(inotify_rm_watch(fd, 77));
    RET(inotify_rm_watch(p[0], 1));
    RET(inotify_rm_watch(fd, 2));
    RET(inotify_add_watch(fd, "l", IN_OPEN | IN_DONT_FOLLOW));
    int n;
    RET(ioctl(fd, FIONREAD, &n));
    SHOW(n);
    char small[15];
    RET(read(fd, small, sizeof small));
    show(fd, "removed");
    RET(read(fd, text, sizeof text));
    RET(write(fd, text, 1));
    RET(ioctl(fd, FIONREAD, &n));
    SHOW(n);
    if (fork() == 0) {
        chmod("f", 0600), chmod(".", 0755);
        if (setuid(1000)) _exit(1);
        ERR(inotify_add_watch(fd, "f", IN_OPEN));
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    close(fd);
}

TEST(inotify_file_events) {
    int fd = start();
    char buf[16];
    write_file("f", "text");
    RET(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
    RET(inotify_add_watch(fd, ".", IN_ALL_EVENTS));
    int f = open("f", O_RDWR);
    show(fd, "open");
    read(f, buf, 16);
    show(fd, "read");
    read(f, buf, 16);
    show(fd, "read nothing");
    write(f, "xx", 2);
    write(f, "xx", 2);
    show(fd, "write twice");
    pwrite(f, "xx", 2, 0);
    pread(f, buf, 2, 0);
    show(fd, "pwrite pread");
    ftruncate(f, 1);
    show(fd, "ftruncate");
    fchmod(f, 0600);
    show(fd, "fchmod");
    futimens(f, 0);
    show(fd, "futimens");
    struct timespec only_a[2] = {{5, 0}, {0, UTIME_OMIT}}, only_m[2] = {{0, UTIME_OMIT}, {5, 0}};
    futimens(f, only_a);
    show(fd, "atime");
    futimens(f, only_m);
    show(fd, "mtime");
    fchown(f, getuid(), getgid());
    show(fd, "fchown");
    int copy = dup(f);
    close(f);
    show(fd, "close one of two");
    close(copy);
    show(fd, "close");
    close(open("f", O_RDONLY));
    show(fd, "open read-only");
    close(open("f", O_WRONLY | O_TRUNC));
    show(fd, "open and truncate");
    truncate("f", 3);
    show(fd, "truncate");
    close(open("f", O_PATH));
    show(fd, "O_PATH");
    close(open("new", O_CREAT | O_WRONLY, 0600));
    show(fd, "create");
    struct stat st;
    stat("f", &st);
    access("f", R_OK);
    show(fd, "stat");
    DIR *d = opendir(".");
    while (readdir(d)) {}
    closedir(d);
    show(fd, "readdir");
}

TEST(inotify_names) {
    int fd = start();
    mkdir("d", 0700);
    mkdir("e", 0700);
    write_file("d/f", "text");
    write_file("d/g", "text");
    RET(inotify_add_watch(fd, "d", IN_ALL_EVENTS & ~(IN_OPEN | IN_ACCESS | IN_CLOSE)));
    RET(inotify_add_watch(fd, "e", IN_ALL_EVENTS & ~(IN_OPEN | IN_ACCESS | IN_CLOSE)));
    RET(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS & ~(IN_OPEN | IN_ACCESS | IN_CLOSE)));
    RET(inotify_add_watch(fd, "d/g", IN_ALL_EVENTS & ~(IN_OPEN | IN_ACCESS | IN_CLOSE)));
    mkdir("d/sub", 0700);
    show(fd, "mkdir");
    rmdir("d/sub");
    show(fd, "rmdir");
    symlink("x", "d/l");
    show(fd, "symlink");
    mkfifo("d/p", 0600);
    show(fd, "mkfifo");
    link("d/f", "d/hard-link-with-a-long-name");
    show(fd, "link");
    unlink("d/hard-link-with-a-long-name");
    show(fd, "unlink a link");
    rename("d/f", "d/h");
    show(fd, "rename");
    rename("d/h", "e/h");
    show(fd, "move");
    rename("e/h", "d/g");
    show(fd, "replace");
    unlink("d/g");
    show(fd, "unlink");
    chmod("d", 0755);
    show(fd, "chmod of a directory");
    rename("d", "dd");
    show(fd, "rename of a directory");
    unlink("dd/l");
    unlink("dd/p");
    rmdir("dd");
    show(fd, "rmdir of a directory");
    unlink("none");
    show(fd, "nothing");
}

TEST(inotify_exchange) {
    int fd = start();
    write_file("a", "1");
    write_file("b", "2");
    RET(inotify_add_watch(fd, ".", IN_MOVE));
    RET(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 2));
    show(fd, "exchange");
}

TEST(inotify_deleted_while_open) {
    int fd = start();
    write_file("f", "text");
    RET(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
    RET(inotify_add_watch(fd, ".", IN_ALL_EVENTS));
    int f = open("f", O_RDWR);
    unlink("f");
    show(fd, "unlink");
    write(f, "x", 1);
    show(fd, "write");
    close(f);
    show(fd, "close");
    RET(inotify_add_watch(fd, ".", IN_ALL_EVENTS | IN_EXCL_UNLINK));
    write_file("g", "text");
    f = open("g", O_RDWR);
    unlink("g");
    show(fd, "unlink");
    write(f, "x", 1);
    close(f);
    show(fd, "excluded");
}

TEST(inotify_masks) {
    int fd = start();
    write_file("f", "text");
    RET(inotify_add_watch(fd, "f", IN_OPEN | IN_ONESHOT));
    close(open("f", O_RDONLY));
    close(open("f", O_RDONLY));
    show(fd, "once");
    RET(inotify_add_watch(fd, "f", IN_OPEN));
    RET(inotify_add_watch(fd, "f", IN_CLOSE_NOWRITE | IN_MASK_ADD));
    close(open("f", O_RDONLY));
    show(fd, "both");
    RET(inotify_add_watch(fd, "f", IN_CLOSE_NOWRITE));
    close(open("f", O_RDONLY));
    show(fd, "one");
    // many instances, one file; and epoll
    int other = start(), ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    RET(epoll_ctl(ep, EPOLL_CTL_ADD, other, &e));
    RET(inotify_add_watch(other, "f", IN_MODIFY));
    RET(epoll_wait(ep, &e, 1, 0));
    truncate("f", 0);
    RET(epoll_wait(ep, &e, 1, 0));
    show(other, "other");
    show(fd, "not");
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        truncate("f", 10);
        _exit(0);
    }
    RET(epoll_wait(ep, &e, 1, -1));
    waitpid(pid, 0, 0);
    show(other, "of a child");
    show(fd, "not");
}

TEST(inotify_overflow) {
    int fd = start(), n = 0, last = 0, bytes;
    write_file("a", "");
    int wd = inotify_add_watch(fd, "a", IN_OPEN | IN_CLOSE);
    for (int i = 0; i < 8300; i++) close(open("a", O_RDONLY));
    RET(ioctl(fd, FIONREAD, &bytes));
    SHOW(bytes);
    struct inotify_event e;
    char buf[16];
    while (read(fd, buf, 16) == 16) {
        memcpy(&e, buf, 16);
        n++;
        last = e.mask == IN_Q_OVERFLOW && e.wd == -1;
    }
    SHOW(n);
    SHOW(last);
    RET(inotify_rm_watch(fd, wd));
}
