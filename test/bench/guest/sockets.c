// What sockets cost.
#include "bench.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

// tcp_pair makes two sockets that are connected over the loopback.
static void tcp_pair(int p[2]) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int on = 1, l = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(l, (struct sockaddr *)&a, n) || listen(l, 1) || getsockname(l, (struct sockaddr *)&a, &n)) fail("listen");
    p[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(p[0], (struct sockaddr *)&a, sizeof a) || (p[1] = accept(l, 0, 0)) < 0) fail("connect");
    for (int i = 0; i < 2; i++) setsockopt(p[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close(l);
}

// pingpong is a byte to a child and back.
static int64_t pingpong(int p[2]) {
    enum { N = 100 };
    char c = 0;
    int64_t start = now();
    for (int i = 0; i < N; i++)
        if (write(p[0], &c, 1) != 1 || read(p[0], &c, 1) != 1) fail("socket");
    return (now() - start) / N;
}

static void echo(int p[2]) {
    char c;
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
        close(p[0]);
        while (read(p[1], &c, 1) == 1 && write(p[1], &c, 1) == 1) {}
        _exit(0);
    }
    close(p[1]);
}

int64_t unix_pingpong(void) {
    static int p[2];
    if (p[0] == 0) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, p)) fail("socketpair");
        echo(p);
    }
    return pingpong(p);
}

int64_t tcp_pingpong(void) {
    static int p[2];
    if (p[0] == 0) {
        tcp_pair(p);
        echo(p);
    }
    return pingpong(p);
}

// tcp_connect: a connection that is made, accepted and closed.
int64_t tcp_connect(void) {
    enum { N = 50 };
    int64_t start = now();
    for (int i = 0; i < N; i++) {
        int p[2];
        tcp_pair(p);
        close(p[0]);
        close(p[1]);
    }
    return (now() - start) / N;
}

// tcp_64k: 64 KiB to a child that reads them, as part of a stream.
int64_t tcp_64k(void) {
    enum { N = 100, SIZE = 65536 };
    static char buf[SIZE];
    static int p[2];
    if (p[0] == 0) {
        tcp_pair(p);
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        if (pid == 0) {
            close(p[0]);
            while (read(p[1], buf, SIZE) > 0) {}
            _exit(0);
        }
        close(p[1]);
    }
    int64_t start = now();
    for (int i = 0; i < N; i++)
        if (write(p[0], buf, SIZE) != SIZE) fail("write");
    return (now() - start) / N;
}
