// What a program can see of files through WASI, a line for each operation. The same module
// runs on two hosts, whose lines must agree: nothing here depends on times or inodes.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

static const char *fault(long n) { return n < 0 ? strerror(errno) : "ok"; }

static void show(const char *what, long n) {
    if (n < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, n);
}

static void content(const char *name) {
    char buf[256];
    int fd = open(name, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", name, strerror(errno));
        return;
    }
    long n = read(fd, buf, sizeof buf);
    printf("%s: %ld bytes, \"%.*s\"\n", name, n, (int)(n < 0 ? 0 : n), buf);
    close(fd);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void list(const char *name) {
    DIR *d = opendir(name);
    if (!d) {
        printf("opendir %s: %s\n", name, strerror(errno));
        return;
    }
    char *names[512];
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) && n < 512;) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        char line[300];
        snprintf(line, sizeof line, "%s/%d", e->d_name, e->d_type);
        names[n++] = strdup(line);
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    printf("%s:", name);
    for (int i = 0; i < n; i++) printf(" %s", names[i]);
    printf(" (%d)\n", n);
}

static void info(const char *name) {
    struct stat st;
    if (lstat(name, &st)) {
        printf("lstat %s: %s\n", name, strerror(errno));
        return;
    }
    printf("%s: type %o", name, st.st_mode & S_IFMT);
    if (S_ISREG(st.st_mode)) printf(", size %lld, links %d", (long long)st.st_size, (int)st.st_nlink);
    printf("\n");
}

static void reading_and_writing(void) {
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0644);
    show("write", write(fd, "0123456789", 10));
    show("lseek", lseek(fd, 3, SEEK_SET));
    char buf[16] = "";
    show("read", read(fd, buf, 4));
    printf("%s\n", buf);
    show("tell", lseek(fd, 0, SEEK_CUR));
    show("pwrite", pwrite(fd, "XY", 2, 20));
    show("tell", lseek(fd, 0, SEEK_CUR));
    show("pread", pread(fd, buf, 3, 8));
    show("lseek end", lseek(fd, -1, SEEK_END));
    show("lseek before", lseek(fd, -100, SEEK_SET));
    show("ftruncate", ftruncate(fd, 5));
    show("read past", read(fd, buf, 4));
    show("close", close(fd));
    show("close", close(fd));
    show("read", read(fd, buf, 4));
    content("a");
    show("O_EXCL", open("a", O_WRONLY | O_CREAT | O_EXCL, 0644) < 0 ? -1 : 0);
    fd = open("a", O_WRONLY | O_APPEND);
    lseek(fd, 0, SEEK_SET);
    write(fd, "end", 3);
    show("flags", (fcntl(fd, F_GETFL) & O_APPEND) != 0);
    close(fd);
    content("a");
    fd = open("a", O_WRONLY | O_TRUNC);
    close(fd);
    info("a");
    fd = open("a", O_WRONLY);
    printf("read of a file for writing: %s\n", fault(read(fd, buf, 1)));
    close(fd);
    fd = open("a", O_RDONLY);
    printf("write of a file for reading: %s\n", fault(write(fd, buf, 1)));
    close(fd);
    show("open missing", open("missing", O_RDONLY));
    show("open in missing", open("missing/x", O_RDONLY | O_CREAT));
    show("open in a file", open("a/x", O_RDONLY));
    show("O_DIRECTORY of a file", open("a", O_RDONLY | O_DIRECTORY));
    show("write to a directory", open("d0", O_WRONLY));
}

static void names(void) {
    show("mkdir", mkdir("dir", 0755));
    show("mkdir again", mkdir("dir", 0755));
    show("mkdir in missing", mkdir("missing/x", 0755));
    show("rename a dir/b", rename("a", "dir/b"));
    info("a");
    info("dir/b");
    show("link", link("dir/b", "c"));
    info("c");
    show("link onto", link("dir/b", "c"));
    show("unlink", unlink("c"));
    info("dir/b");
    show("unlink missing", unlink("c"));
    show("rmdir full", rmdir("dir"));
    show("rmdir a file", rmdir("dir/b"));
    show("unlink a directory", unlink("dir") < 0 ? 1 : 0);
    show("symlink", symlink("dir/b", "s"));
    info("s");
    char buf[64] = "";
    show("readlink", readlink("s", buf, sizeof buf));
    printf("%s\n", buf);
    show("readlink short", readlink("s", buf, 3));
    show("readlink of a file", readlink("dir/b", buf, 9));
    int fd = open("s", O_WRONLY);
    write(fd, "through", 7);
    close(fd);
    content("dir/b");
    show("O_NOFOLLOW", open("s", O_RDONLY | O_NOFOLLOW));
    show("symlink dangling", symlink("nowhere", "dangling"));
    show("open dangling", open("dangling", O_RDONLY));
    show("symlink loop", symlink("loop", "loop"));
    show("open loop", open("loop", O_RDONLY));
    show("rename onto a directory", rename("s", "dir"));
    show("rename missing", rename("missing", "x"));
    show("rename a directory into itself", rename("dir", "dir/sub"));
    list(".");
    list("dir");
    show("opendir a file", opendir("dir/b") ? 0 : -1);
    unlink("s"), unlink("dangling"), unlink("loop"), unlink("dir/b");
    show("rmdir", rmdir("dir"));
    list(".");
}

static void directories(void) {
    mkdir("many", 0755);
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "many/entry-%03d", i);
        close(open(name, O_WRONLY | O_CREAT, 0644));
    }
    list("many");
    DIR *d = opendir("many");
    int seen = 0;
    while (readdir(d)) seen++;
    printf("%d entries\n", seen);
    rewinddir(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    show("rmdir", rmdir("many"));
}

static void times(void) {
    close(open("t", O_WRONLY | O_CREAT, 0644));
    struct timespec ts[2] = {{1000000000, 123000000}, {1234567890, 987000000}};
    show("utimensat", utimensat(AT_FDCWD, "t", ts, 0));
    struct stat st;
    stat("t", &st);
    printf("atime %lld.%09ld mtime %lld.%09ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
           (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    int fd = open("t", O_WRONLY);
    ts[0].tv_nsec = UTIME_OMIT, ts[1] = (struct timespec){5, 6000};
    show("futimens", futimens(fd, ts));
    fstat(fd, &st);
    printf("atime %lld mtime %lld.%09ld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec,
           st.st_mtim.tv_nsec);
    close(fd);
    unlink("t");
}

static void paths(void) {
    int dir = open("d0", O_RDONLY | O_DIRECTORY);
    show("openat", openat(dir, "inner", O_RDONLY) < 0 ? -1 : 0);
    __wasi_fd_t fd;
    printf("above a directory: %s\n", __wasi_path_open(dir, 0, "../plain", 0, 2, 0, 0, &fd) ? "refused" : "opened");
    printf("absolute: %s\n", __wasi_path_open(dir, 0, "/d0/inner", 0, 2, 0, 0, &fd) ? "refused" : "opened");
    printf("down and up: %s\n", __wasi_path_open(dir, 0, "sub/../inner", 0, 2, 0, 0, &fd) ? "refused" : "opened");
    printf("a link that leads up: %s\n", __wasi_path_open(dir, 1, "up/plain", 0, 2, 0, 0, &fd) ? "refused" : "opened");
    close(dir);
    char buf[8];
    show("path of a file descriptor", openat(open("plain", O_RDONLY), "x", O_RDONLY));
    show("bad descriptor", openat(77, "x", O_RDONLY));
    (void)buf;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    list(".");
    reading_and_writing();
    names();
    directories();
    times();
    paths();
    return 0;
}
