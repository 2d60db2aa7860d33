#include "vktest.h"
#include <sys/resource.h>

TEST(open_flags) {
    ERR(open("none", O_RDONLY));
    ERR(open("new", O_RDWR | O_CREAT | O_EXCL, 0600));
    ERR(open("new", O_RDWR | O_CREAT | O_EXCL, 0600));
    RET(mkdir("d", 0755));
    ERR(open("d", O_WRONLY));
    ERR(open("d", O_RDWR | O_CREAT, 0644));
    ERR(open("d", O_RDONLY));
    ERR(open("d", O_DIRECTORY | O_RDONLY));
    ERR(open("new", O_DIRECTORY | O_RDONLY));
    ERR(open("new/", O_RDONLY));
    ERR(open("absent/", O_WRONLY | O_CREAT, 0644));
    ERR(open("", O_RDONLY));
    ERR(open("new/x", O_RDONLY));
}

TEST(open_modes_and_umask) {
    umask(027);
    close(open("f", O_CREAT | O_WRONLY, 0777));
    struct stat st;
    RET(stat("f", &st));
    printf("  mode %o size %lld nlink %d\n", st.st_mode, (long long)st.st_size, (int)st.st_nlink);
    close(creat("g", 0666));
    RET(stat("g", &st));
    printf("  mode %o\n", st.st_mode);
}

TEST(open_trunc_append) {
    write_file("f", "0123456789");
    int fd = open("f", O_WRONLY | O_APPEND);
    RET(lseek(fd, 2, SEEK_SET));
    RET(write(fd, "ab", 2));
    RET(lseek(fd, 0, SEEK_CUR));
    RET(pwrite(fd, "Z", 1, 0)); // O_APPEND wins over the offset, on Linux
    printf("  [%s]\n", read_file("f"));
    close(open("f", O_WRONLY | O_TRUNC));
    printf("  [%s]\n", read_file("f"));
}

TEST(open_nofollow_and_links) {
    write_file("f", "x");
    RET(symlink("f", "l"));
    RET(symlink("loop", "loop"));
    RET(symlink("nowhere", "dangling"));
    ERR(open("l", O_RDONLY));
    ERR(open("l", O_RDONLY | O_NOFOLLOW));
    ERR(open("loop", O_RDONLY));
    ERR(open("dangling", O_RDONLY));
    ERR(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0644));
    ERR(open("dangling", O_WRONLY | O_CREAT, 0644));
    ERR(access("nowhere", F_OK));
    ERR(open("l/", O_RDONLY));
}

TEST(open_path_descriptor) {
    write_file("f", "x");
    int fd = open("f", O_PATH);
    CHECK(fd >= 0);
    char c;
    ERR(read(fd, &c, 1));
    ERR(write(fd, "x", 1));
    struct stat st;
    RET(fstat(fd, &st));
    ERR(fchmod(fd, 0600));
    ERR(ftruncate(fd, 0));
    int d = dup(fd);
    CHECK(d >= 0);
    RET(fcntl(fd, F_GETFL) & O_PATH ? 1 : 0);
}

TEST(open_tmpfile_can_be_linked) {
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    if (fd < 0) {
        printf("  O_TMPFILE: %s\n", errno_name(errno));
        CHECK(0);
        return;
    }
    RET(write(fd, "kept", 4));
    struct stat st;
    RET(fstat(fd, &st));
    SHOW(st.st_nlink);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    RET(linkat(AT_FDCWD, path, AT_FDCWD, "f", AT_SYMLINK_FOLLOW));
    printf("  [%s]\n", read_file("f"));
    RET(fstat(fd, &st));
    SHOW(st.st_nlink);
}

TEST(openat_relative_to_descriptor) {
    RET(mkdir("d", 0755));
    int d = open("d", O_RDONLY | O_DIRECTORY);
    int fd = openat(d, "x", O_CREAT | O_RDWR, 0644);
    CHECK(fd >= 0);
    ERR(access("d/x", R_OK));
    ERR(openat(fd, "y", O_RDONLY));
    ERR(openat(-1, "y", O_RDONLY));
    ERR(openat(-1, "/dev/null", O_RDONLY));
    ERR(openat(d, "../d/./x", O_RDONLY));
    RET(fchdir(d));
    ERR(access("x", F_OK));
    ERR(fchdir(fd));
}

TEST(open_lowest_descriptor_and_limits) {
    int a = open("/dev/null", O_RDONLY);
    close(a);
    CHECK(open("/dev/null", O_RDONLY) == a);
    struct rlimit l = {200, 200};
    RET(setrlimit(RLIMIT_NOFILE, &l));
    int n = 0, e;
    while (n < 2000 && open("/dev/null", O_RDONLY) >= 0) n++;
    e = errno;
    printf("  %s\n", errno_name(e));
}

TEST(open_names_too_long) {
    char name[5000];
    memset(name, 'a', sizeof name);
    name[255] = 0;
    ERR(open(name, O_CREAT | O_WRONLY, 0644));
    name[255] = 'a', name[256] = 0;
    ERR(open(name, O_CREAT | O_WRONLY, 0644));
    memset(name, '/', sizeof name);
    name[4095] = 0;
    ERR(open(name, O_RDONLY));
    name[4095] = '/', name[4096] = 0;
    ERR(open(name, O_RDONLY));
    ERR(open((char *)8 - 16, O_RDONLY));
}

TEST(open_permission) {
    if (geteuid() != 0) return;
    write_file("f", "x");
    chmod("f", 0640);
    mkdir("closed", 0700);
    write_file("closed/g", "x");
    chmod(".", 0755);
    RET(setgid(1000));
    RET(setuid(1000));
    ERR(open("f", O_RDONLY));
    ERR(open("closed/g", O_RDONLY));
    ERR(open("new", O_CREAT | O_WRONLY, 0644));
    ERR(access("closed/g", F_OK));
    ERR(chmod("f", 0777));
    ERR(unlink("f"));
    ERR(setuid(0));
}
