#include "vktest.h"

TEST(dup_gives_lowest_free) {
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY), c = open("/dev/null", O_RDONLY);
    CHECK(b == a + 1 && c == a + 2);
    close(b);
    CHECK(dup(c) == b);
    ERR(dup(-1));
    ERR(dup(1000));
}

TEST(dup2_same_number_is_kept) {
    int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(dup2(a, a) == a);
    CHECK(fcntl(a, F_GETFD) == FD_CLOEXEC);
    ERR(dup2(99, 99));
    ERR(dup2(a, -1));
    ERR(dup2(a, 1 << 30));
}

TEST(dup2_closes_target) {
    int p[2];
    RET(pipe(p));
    int a = open("/dev/null", O_RDONLY);
    CHECK(dup2(a, p[1]) == p[1]);
    char c;
    RET(read(p[0], &c, 1)); // the last writer has gone
}

TEST(dup3_flags) {
    int a = open("/dev/null", O_RDONLY);
    CHECK(dup3(a, 50, O_CLOEXEC) == 50);
    RET(fcntl(50, F_GETFD));
    ERR(dup3(a, a, 0));
    ERR(dup3(a, 51, O_APPEND));
}

TEST(dup_shares_offset_and_flags) {
    write_file("f", "hello world");
    int a = open("f", O_RDWR), b = dup(a);
    char buf[6] = {0};
    RET(read(a, buf, 5));
    RET(lseek(b, 0, SEEK_CUR));
    RET(fcntl(b, F_SETFL, O_APPEND | O_NONBLOCK));
    CHECK((fcntl(a, F_GETFL) & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK));
}
