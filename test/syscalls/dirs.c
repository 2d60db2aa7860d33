#include "vktest.h"
#include <dirent.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void list(const char *dir) {
    struct dirent **names;
    int n = scandir(dir, &names, 0, by_name);
    printf("  %s:", dir);
    for (int i = 0; i < n; i++) printf(" %s/%d", names[i]->d_name, names[i]->d_type);
    printf("\n");
}

TEST(getdents_types) {
    write_file("f", "");
    RET(mkdir("d", 0700));
    RET(symlink("f", "s"));
    RET(mkfifo("p", 0600));
    list(".");
    list("d");
    char buf[8];
    int d = open(".", O_RDONLY);
    RET(syscall(SYS_getdents64, d, buf, sizeof buf));
    int f = open("f", O_RDONLY);
    RET(syscall(SYS_getdents64, f, buf, sizeof buf));
}

TEST(readdir_while_unlinking) {
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "file%03d", i);
        write_file(name, "");
    }
    DIR *d = opendir(".");
    struct dirent *e;
    int seen = 0;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.') continue;
        CHECK(unlink(e->d_name) == 0);
        seen++;
    }
    SHOW(seen);
    rewinddir(d);
    seen = 0;
    while ((e = readdir(d))) seen++;
    SHOW(seen);
}

TEST(mkdir_rmdir_rules) {
    RET(mkdir("d", 0755));
    RET(mkdir("d", 0755));
    RET(mkdir("d/", 0755));
    RET(mkdir("e/", 0755));
    RET(mkdir("none/x", 0755));
    RET(mkdir("d/x", 0755));
    RET(rmdir("d"));
    RET(rmdir("d/."));
    RET(rmdir("d/x/.."));
    RET(rmdir("d/x"));
    RET(rmdir("d/"));
    RET(rmdir("none"));
    write_file("f", "");
    RET(rmdir("f"));
    RET(unlink("e"));
    RET(unlinkat(AT_FDCWD, "e", AT_REMOVEDIR));
    RET(unlinkat(AT_FDCWD, "f", 0x1000));
    RET(rmdir("/"));
    RET(mkdir("/", 0755));
    RET(mkdirat(AT_FDCWD, "via-at", 01777));
    struct stat st;
    RET(stat("via-at", &st));
    printf("  mode %o nlink %d\n", st.st_mode, (int)st.st_nlink);
}

TEST(rename_rules) {
    write_file("a", "A");
    write_file("b", "B");
    RET(mkdir("d", 0755));
    RET(mkdir("e", 0755));
    write_file("e/x", "");
    RET(rename("a", "b"));
    printf("  [%s]\n", read_file("b"));
    ERR(access("a", F_OK));
    RET(rename("a", "c"));
    RET(rename("b", "d"));
    RET(rename("d", "b"));
    RET(rename("d", "e"));
    RET(rename("e", "d"));
    RET(rename("d", "d/x/y"));
    RET(rename("d", "d/z"));
    RET(rename("d/.", "q"));
    RET(rename("b", "b"));
    RET(rename("b", "new/"));
    RET(rename("d", "new/"));
    list(".");
    RET(link("b", "b2"));
    RET(rename("b", "b2")); // the same inode: nothing happens
    list(".");
    RET(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "b2", 1));
    RET(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "new", 2));
    list(".");
    RET(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "new", 3));
    RET(renameat(AT_FDCWD, "b2", AT_FDCWD, "b3"));
}

TEST(link_unlink_rules) {
    write_file("f", "x");
    struct stat st;
    RET(link("f", "g"));
    RET(stat("g", &st));
    SHOW(st.st_nlink);
    RET(link("f", "g"));
    RET(link("none", "h"));
    RET(mkdir("d", 0755));
    RET(link("d", "e"));
    RET(symlink("f", "s"));
    RET(link("s", "s2"));
    RET(lstat("s2", &st));
    CHECK(S_ISLNK(st.st_mode));
    RET(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
    RET(lstat("s3", &st));
    CHECK(S_ISREG(st.st_mode));
    RET(unlink("f"));
    RET(unlink("f"));
    RET(unlink("d"));
    RET(unlink("g/"));
    int fd = open("g", O_RDWR);
    RET(unlink("g"));
    RET(unlink("s3"));
    RET(fstat(fd, &st));
    SHOW(st.st_nlink);
    RET(write(fd, "still", 5));
    RET(unlink(""));
}

TEST(symlink_readlink_rules) {
    char buf[64] = {0};
    RET(symlink("target", "l"));
    RET(symlink("target", "l"));
    RET(symlink("", "m"));
    RET(readlink("l", buf, sizeof buf));
    printf("  [%s]\n", buf);
    RET(readlink("l", buf, 3));
    RET(readlink("l", buf, 0));
    RET(readlink(".", buf, 8));
    RET(readlink("none", buf, 8));
    struct stat st;
    RET(lstat("l", &st));
    printf("  mode %o size %lld\n", st.st_mode, (long long)st.st_size);
    RET(symlinkat("x", AT_FDCWD, "at"));
    RET(readlinkat(AT_FDCWD, "at", buf, 8));
    char name[16], to[16];
    write_file("c0", "deep");
    for (int i = 1; i <= 41; i++) {
        snprintf(to, sizeof to, "c%d", i - 1);
        snprintf(name, sizeof name, "c%d", i);
        CHECK(symlink(to, name) == 0);
    }
    ERR(open("c40", O_RDONLY));
    ERR(open("c41", O_RDONLY));
}

TEST(getcwd_chdir) {
    char start[4096], buf[4096];
    CHECK(getcwd(start, sizeof start) != 0);
    size_t base = strlen(start);
    RET(mkdir("a", 0755));
    RET(mkdir("a/b", 0755));
    RET(chdir("a/b"));
    CHECK(getcwd(buf, sizeof buf) != 0);
    printf("  %s\n", buf + base);
    RET(rename("../../a", "../../z")); // our directory moves with us
    CHECK(getcwd(buf, sizeof buf) != 0);
    printf("  %s\n", buf + base);
    RET(chdir(".."));
    CHECK(getcwd(buf, sizeof buf) != 0);
    printf("  %s\n", buf + base);
    errno = 0;
    CHECK(getcwd(buf, 2) == 0);
    printf("  %s\n", errno_name(errno));
    RET(chdir("none"));
    write_file("f", "");
    RET(chdir("f"));
    RET(chdir("b"));
    RET(rmdir("../b"));
    errno = 0;
    CHECK(getcwd(buf, sizeof buf) == 0);
    printf("  %s\n", errno_name(errno));
    ERR(open("x", O_CREAT | O_WRONLY, 0644));
    ERR(open(".", O_RDONLY));
    RET(chdir(start));
    RET(chdir("/"));
    RET(chdir(".."));
    CHECK(getcwd(buf, sizeof buf) != 0);
    printf("  %s\n", buf);
}

static int in_chroot(void *unused) {
    (void)unused;
    RET(chroot("jail"));
    RET(chdir("/"));
    char buf[64];
    printf("  %s\n", getcwd(buf, sizeof buf));
    RET(chdir("../../.."));
    printf("  %s\n", getcwd(buf, sizeof buf));
    printf("  [%s] [%s]\n", read_file("/f"), read_file("/abs"));
    ERR(open("/tmp", O_RDONLY));
    return 0;
}

TEST(chroot_confines) {
    if (geteuid() != 0) return;
    RET(mkdir("jail", 0755));
    write_file("jail/f", "inside");
    RET(symlink("/f", "jail/abs"));
    run_child(in_chroot, 0);
}

TEST(statfs_answers) {
    struct statfs s;
    RET(statfs("/tmp", &s));
    CHECK(s.f_bsize > 0 && s.f_namelen == 255);
    int fd = open(".", O_RDONLY);
    RET(fstatfs(fd, &s));
    RET(statfs("none", &s));
    struct statvfs v;
    RET(statvfs("/", &v));
    RET(fstatfs(99, &s));
}

TEST(dotdot_and_slashes) {
    RET(mkdir("d", 0755));
    write_file("d/f", "x");
    ERR(access("d/../d/f", F_OK));
    ERR(access("./d//f", F_OK));
    ERR(access("d/f/", F_OK));
    ERR(access("d/f/.", F_OK));
    ERR(access("d/f/..", F_OK));
    ERR(access("d/none/..", F_OK));
    ERR(access("/../../..", F_OK));
    ERR(access("d/", F_OK));
}
