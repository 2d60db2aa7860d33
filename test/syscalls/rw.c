#include "vktest.h"
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

TEST(read_write_errors) {
    write_file("f", "x");
    char c;
    int r = open("f", O_RDONLY), w = open("f", O_WRONLY), d = open(".", O_RDONLY);
    ERR(write(r, "x", 1));
    ERR(read(w, &c, 1));
    ERR(read(d, &c, 1));
    ERR(read(99, &c, 1));
    ERR(write(99, &c, 1));
    RET(read(r, &c, 0));
    RET(read(r, &c, 1));
    RET(read(r, &c, 1));
}

TEST(read_write_bad_pointer) {
    write_file("f", "abcdef");
    int fd = open("f", O_RDWR);
    volatile uintptr_t bad = (uintptr_t)-4096;
    RET(read(fd, (void *)bad, 3));
    RET(write(fd, (void *)bad, 3));
    RET(lseek(fd, 0, SEEK_CUR));
    int p[2];
    RET(pipe(p));
    RET(write(p[1], (void *)bad, 3));
    RET(write(p[1], "abc", 3));
    RET(read(p[0], (void *)bad, 3));
}

TEST(lseek_rules) {
    write_file("f", "0123456789");
    int fd = open("f", O_RDWR);
    RET(lseek(fd, 4, SEEK_SET));
    RET(lseek(fd, 2, SEEK_CUR));
    RET(lseek(fd, -1, SEEK_END));
    RET(lseek(fd, -100, SEEK_SET));
    RET(lseek(fd, 0, 77));
    RET(lseek(fd, 1LL << 33, SEEK_SET) == 1LL << 33);
    int p[2];
    RET(pipe(p));
    RET(lseek(p[0], 0, SEEK_SET));
    RET(lseek(99, 0, SEEK_SET));
}

TEST(lseek_data_and_hole) {
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    RET(pwrite(fd, "x", 1, 1 << 20));
    RET(lseek(fd, 0, SEEK_DATA));
    RET(lseek(fd, 1 << 20, SEEK_DATA));
    RET(lseek(fd, 0, SEEK_HOLE));
    RET(lseek(fd, 1 << 20, SEEK_HOLE));
    RET(lseek(fd, 2 << 20, SEEK_DATA));
    struct stat st;
    RET(fstat(fd, &st));
    SHOW(st.st_size);
    SHOW(st.st_blocks);
}

TEST(pread_pwrite_leave_the_offset) {
    write_file("f", "0123456789");
    int fd = open("f", O_RDWR);
    char buf[4] = {0};
    RET(pread(fd, buf, 3, 5));
    printf("  [%s]\n", buf);
    RET(pwrite(fd, "AB", 2, 9));
    RET(lseek(fd, 0, SEEK_CUR));
    printf("  [%s]\n", read_file("f"));
    RET(pread(fd, buf, 3, -1));
    RET(pread(fd, buf, 3, 100));
    int p[2];
    RET(pipe(p));
    RET(pread(p[0], buf, 1, 0));
    RET(pwrite(p[1], buf, 1, 0));
}

TEST(readv_writev) {
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    struct iovec v[3] = {{"abc", 3}, {"", 0}, {"defgh", 5}};
    RET(writev(fd, v, 3));
    RET(writev(fd, v, 0));
    RET(writev(fd, v, -1));
    RET(writev(fd, v, 1025));
    RET(lseek(fd, 0, SEEK_SET));
    char a[4] = {0}, b[10] = {0};
    struct iovec r[2] = {{a, 2}, {b, 9}};
    RET(readv(fd, r, 2));
    printf("  [%s] [%s]\n", a, b);
    RET(preadv(fd, r, 2, 4));
    printf("  [%s] [%s]\n", a, b);
    RET(pwritev(fd, v, 3, 4));
    printf("  [%s]\n", read_file("f"));
    RET(syscall(SYS_preadv2, fd, r, 1, 1L, 0L, 0));
    RET(syscall(SYS_pwritev2, fd, v, 1, 0L, 0L, 0));
}

TEST(truncate_extends_with_zeros) {
    write_file("f", "0123456789");
    RET(truncate("f", 4));
    RET(truncate("f", 8));
    int fd = open("f", O_RDWR);
    char buf[16];
    RET(read(fd, buf, sizeof buf));
    for (int i = 0; i < 8; i++) printf(" %02x", buf[i]);
    printf("\n");
    RET(ftruncate(fd, 2));
    RET(read(fd, buf, sizeof buf)); // the offset is beyond the end
    RET(truncate("f", -1));
    RET(truncate("none", 0));
    RET(truncate(".", 0));
    int r = open("f", O_RDONLY);
    RET(ftruncate(r, 0));
    RET(fsync(fd));
    RET(fdatasync(fd));
    RET(fsync(99));
    RET(syncfs(fd));
    sync();
}

TEST(fallocate_rules) {
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    RET(fallocate(fd, 0, 0, 8192));
    struct stat st;
    RET(fstat(fd, &st));
    SHOW(st.st_size);
    RET(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536));
    RET(fstat(fd, &st));
    SHOW(st.st_size);
    RET(fallocate(fd, 0, -1, 1));
    RET(fallocate(fd, 0, 0, 0));
    RET(posix_fallocate(fd, 0, 100));
    RET(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    RET(readahead(fd, 0, 100));
}

TEST(sendfile_and_copy_file_range) {
    write_file("in", "hello, world");
    int in = open("in", O_RDONLY), out = open("out", O_RDWR | O_CREAT, 0644);
    RET(sendfile(out, in, 0, 5));
    off_t off = 7;
    RET(sendfile(out, in, &off, 100));
    SHOW(off);
    RET(lseek(in, 0, SEEK_CUR));
    printf("  [%s]\n", read_file("out"));
    off_t a = 0, b = 20;
    RET(copy_file_range(in, &a, out, &b, 5, 0));
    SHOW(a);
    SHOW(b);
    RET(lseek(out, 0, SEEK_END));
    int p[2];
    RET(pipe(p));
    off = 0;
    RET(sendfile(p[1], in, &off, 12));
    char buf[20] = {0};
    RET(read(p[0], buf, 20));
    printf("  [%s]\n", buf);
}

TEST(dev_null_zero_full) {
    char buf[8];
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    RET(read(null, buf, 8));
    RET(write(null, buf, 8));
    memset(buf, 1, 8);
    RET(read(zero, buf, 8));
    CHECK(buf[0] == 0 && buf[7] == 0);
    RET(write(zero, buf, 8));
    RET(write(full, buf, 8));
    RET(read(full, buf, 8));
    int r = open("/dev/urandom", O_RDONLY);
    char x[32] = {0}, y[32] = {0};
    RET(read(r, x, 32));
    RET(read(r, y, 32));
    CHECK(memcmp(x, y, 32) != 0);
    struct stat st;
    RET(fstat(null, &st));
    CHECK(S_ISCHR(st.st_mode));
    SHOW(st.st_rdev);
}
