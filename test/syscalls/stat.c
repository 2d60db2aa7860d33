#include "vktest.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

static void show(const char *path) {
    struct stat st;
    if (lstat(path, &st)) {
        printf("  %s: %s\n", path, errno_name(errno));
        return;
    }
    printf("  %s: %o nlink %d uid %d gid %d size %lld\n", path, st.st_mode, (int)st.st_nlink, st.st_uid, st.st_gid,
           S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size);
}

TEST(stat_kinds) {
    write_file("f", "abc");
    RET(mkdir("d", 0750));
    RET(mkdir("d/e", 0750));
    RET(symlink("f", "s"));
    RET(mkfifo("p", 0640));
    show("f");
    show("d");
    show("s");
    show("p");
    struct stat a, b;
    RET(stat("s", &a));
    RET(stat("f", &b));
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    RET(fstatat(AT_FDCWD, "s", &a, AT_SYMLINK_NOFOLLOW));
    CHECK(S_ISLNK(a.st_mode));
    int fd = open("f", O_RDONLY);
    RET(fstatat(fd, "", &a, AT_EMPTY_PATH));
    CHECK(a.st_ino == b.st_ino);
    RET(fstatat(fd, "", &a, 0));
    RET(fstatat(AT_FDCWD, "f", &a, 0x8000));
    RET(stat("f/x", &a));
    RET(stat("", &a));
}

TEST(statx_fields) {
    write_file("f", "abc");
    unsigned char buf[256];
    memset(buf, 0, sizeof buf);
    RET(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, buf));
    uint32_t mask, nlink;
    uint16_t mode;
    uint64_t size;
    memcpy(&mask, buf, 4);
    memcpy(&nlink, buf + 16, 4);
    memcpy(&mode, buf + 28, 2);
    memcpy(&size, buf + 40, 8);
    CHECK((mask & 0x7ff) == 0x7ff);
    printf("  nlink %u mode %o size %llu\n", nlink, mode, (unsigned long long)size);
    RET(syscall(SYS_statx, AT_FDCWD, "none", 0, 0x7ff, buf));
    RET(syscall(SYS_statx, AT_FDCWD, "f", 0x10000, 0x7ff, buf));
}

TEST(chmod_family) {
    write_file("f", "");
    RET(chmod("f", 04755));
    show("f");
    RET(symlink("f", "s"));
    RET(chmod("s", 0600));
    show("f");
    int fd = open("f", O_RDWR);
    RET(fchmod(fd, 0123));
    show("f");
    RET(fchmodat(AT_FDCWD, "f", 0644, 0));
    show("f");
    RET(chmod("none", 0644));
    RET(chmod("f/x", 0644));
}

TEST(chown_family) {
    if (geteuid() != 0) return;
    write_file("f", "");
    chmod("f", 06755);
    RET(chown("f", 1, 2));
    show("f"); // setuid and setgid are gone
    RET(chown("f", -1, 5));
    show("f");
    RET(symlink("f", "s"));
    RET(lchown("s", 7, 8));
    show("s");
    show("f");
    int fd = open("f", O_RDONLY);
    RET(fchown(fd, 3, 4));
    RET(fchownat(AT_FDCWD, "f", 9, 9, 0));
    show("f");
    RET(fchownat(fd, "", 10, 10, AT_EMPTY_PATH));
    show("f");
}

TEST(setgid_directory_is_inherited) {
    if (geteuid() != 0) return;
    RET(mkdir("d", 0755));
    RET(chown("d", 0, 77));
    RET(chmod("d", 02755));
    write_file("d/f", "");
    RET(mkdir("d/e", 0755));
    show("d/f");
    show("d/e");
}

TEST(sticky_directory_protects) {
    if (geteuid() != 0) return;
    RET(mkdir("t", 0777));
    RET(chmod("t", 01777));
    RET(chmod(".", 0755));
    write_file("t/f", "");
    RET(setuid(1000));
    RET(unlink("t/f"));
    RET(rename("t/f", "t/g"));
    write_file("t/mine", "");
    RET(unlink("t/mine"));
}

TEST(utimens_family) {
    write_file("f", "");
    struct timespec t[2] = {{1000, 5}, {2000, 999999999}};
    struct stat st;
    RET(utimensat(AT_FDCWD, "f", t, 0));
    RET(stat("f", &st));
    printf("  %lld.%09ld %lld.%09ld\n", (long long)st.st_atim.tv_sec, (long)st.st_atim.tv_nsec,
           (long long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
    t[0].tv_nsec = UTIME_OMIT;
    t[1].tv_sec = 3000, t[1].tv_nsec = 0;
    RET(utimensat(AT_FDCWD, "f", t, 0));
    RET(stat("f", &st));
    printf("  %lld %lld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);
    t[1].tv_nsec = 1000000000;
    RET(utimensat(AT_FDCWD, "f", t, 0));
    int fd = open("f", O_RDONLY);
    RET(futimens(fd, 0));
    RET(stat("f", &st));
    CHECK(st.st_mtim.tv_sec > 1000000);
    struct timeval v[2] = {{11, 0}, {12, 5}};
    RET(utimes("f", v));
    struct utimbuf u = {21, 22};
    RET(utime("f", &u));
    RET(stat("f", &st));
    printf("  %lld %lld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);
    RET(utimensat(AT_FDCWD, "none", 0, 0));
}

TEST(write_updates_mtime) {
    write_file("f", "x");
    struct timespec t[2] = {{1000, 0}, {1000, 0}};
    RET(utimensat(AT_FDCWD, "f", t, 0));
    int fd = open("f", O_RDWR);
    struct stat st;
    RET(write(fd, "y", 1));
    RET(fstat(fd, &st));
    CHECK(st.st_mtim.tv_sec > 1000);
}

TEST(access_family) {
    write_file("f", "");
    RET(chmod("f", 0));
    RET(access("f", F_OK));
    RET(access("f", X_OK)); // nobody may execute, not even root
    RET(chmod("f", 0100));
    RET(access("f", X_OK));
    RET(access("none", F_OK));
    RET(access("f", 8));
    RET(faccessat(AT_FDCWD, "f", F_OK, 0));
    RET(faccessat(AT_FDCWD, "f", X_OK, AT_EACCESS));
    RET(access("f/x", F_OK));
}

TEST(mknod_rules) {
    RET(mknod("fifo", S_IFIFO | 0644, 0));
    RET(mknod("file", S_IFREG | 0600, 0));
    RET(mknod("file", S_IFREG | 0600, 0));
    RET(mknod("bad", S_IFDIR | 0600, 0));
    RET(mknodat(AT_FDCWD, "plain", 0644, 0));
    show("fifo");
    show("file");
    show("plain");
}

TEST(xattr_calls_answer) {
    write_file("f", "");
    char buf[16];
    RET(getxattr("f", "user.none", buf, sizeof buf) < 0);
    CHECK(errno == ENODATA || errno == EOPNOTSUPP);
    RET(listxattr("none", buf, sizeof buf));
    RET(getxattr("none", "user.x", buf, sizeof buf));
}

TEST(umask_returns_old) {
    RET(umask(0123));
    RET(umask(07777));
    RET(umask(022));
}
