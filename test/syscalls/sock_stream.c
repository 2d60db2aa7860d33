// Sockets: streams of bytes, how they end, and options.
#include "vksocket.h"

TEST(socket_pair_stream) {
    int p[2];
    char buf[16] = {0};
    RET(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    SHOW(events(p[0]));
    RET(write(p[0], "hello", 5));
    SHOW(events(p[1]));
    int n = 0;
    RET(ioctl(p[1], FIONREAD, &n));
    SHOW(n);
    RET(recv(p[1], buf, 2, MSG_PEEK));
    RET(recv(p[1], buf, 16, 0));
    printf("  %s\n", buf);
    RET(recv(p[1], buf, 16, MSG_DONTWAIT));
    RET(shutdown(p[0], SHUT_WR));
    SHOW(events(p[0]));
    SHOW(events(p[1]));
    RET(recv(p[1], buf, 16, 0));
    RET(send(p[0], "x", 1, MSG_NOSIGNAL));
    RET(send(p[1], "back", 4, 0));
    RET(recv(p[0], buf, 16, 0));
    RET(close(p[1]));
    SHOW(events(p[0]));
    RET(recv(p[0], buf, 16, 0));
    RET(shutdown(p[0], 9));
}

TEST(socket_unread_is_reset) {
    int p[2];
    char c;
    signal(SIGPIPE, SIG_IGN);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    write(p[0], "x", 1);
    close(p[1]);
    SHOW(events(p[0]));
    RET(write(p[0], "x", 1));
    RET(read(p[0], &c, 1));
    RET(read(p[0], &c, 1));
    tcp_pair(p);
    write(p[0], "x", 1);
    close(p[1]);
    SHOW(events(p[0]));
    RET(read(p[0], &c, 1));
    RET(read(p[0], &c, 1));
    RET(write(p[0], "x", 1));
    tcp_pair(p);
    write(p[1], "data", 4);
    write(p[0], "x", 1);
    close(p[1]);
    RET(read(p[0], &c, 1));
    tcp_pair(p);
    struct linger l = {1, 0};
    RET(setsockopt(p[1], SOL_SOCKET, SO_LINGER, &l, sizeof l));
    close(p[1]);
    int e;
    socklen_t n = sizeof e;
    RET(getsockopt(p[0], SOL_SOCKET, SO_ERROR, &e, &n));
    printf("  %s\n", errno_name(e));
    RET(read(p[0], &c, 1));
}

static int write_twice(void *arg) {
    int fd = *(int *)arg;
    signal(SIGPIPE, SIG_DFL);
    write(fd, "x", 1);
    usleep(20000);
    write(fd, "x", 1);
    return 3;
}

TEST(socket_sigpipe) {
    int p[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    close(p[1]);
    run_child(write_twice, p);
    tcp_pair(p);
    close(p[1]);
    SHOW(events(p[0]));
    run_child(write_twice, p);
    SHOW(events(p[0]) & ~POLLERR);
    char c;
    RET(recv(p[0], &c, 1, 0));
}

TEST(socket_tcp_half_close) {
    int p[2];
    char buf[8] = {0};
    tcp_pair(p);
    SHOW(events(p[0]));
    RET(send(p[0], "ab", 2, 0));
    RET(shutdown(p[0], SHUT_WR));
    RET(recv(p[1], buf, 8, MSG_WAITALL));
    SHOW(events(p[1]));
    RET(send(p[1], "cd", 2, 0));
    RET(recv(p[0], buf, 8, 0));
    RET(shutdown(p[1], SHUT_WR));
    usleep(10000);
    SHOW(events(p[0]));
    SHOW(events(p[1]));
    RET(recv(p[0], buf, 8, 0));
    ERR(shutdown(p[0], SHUT_RDWR));
    int s = socket(AF_INET, SOCK_STREAM, 0);
    ERR(shutdown(s, SHUT_WR));
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    ERR(getpeername(s, (struct sockaddr *)&a, &n));
    ERR(getpeername(p[0], (struct sockaddr *)&a, &n));
}

TEST(socket_options) {
    int t = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_DGRAM, 0);
    int v = 0, on = 1;
    socklen_t n = sizeof v;
#define GET(s, level, name)                                                                                            \
    do {                                                                                                               \
        n = sizeof v, v = -1;                                                                                          \
        RET(getsockopt(s, level, name, &v, &n));                                                                       \
        printf("  %d (%d)\n", v, (int)n);                                                                              \
    } while (0)
    GET(t, SOL_SOCKET, SO_TYPE);
    GET(t, SOL_SOCKET, SO_DOMAIN);
    GET(t, SOL_SOCKET, SO_PROTOCOL);
    GET(t, SOL_SOCKET, SO_ACCEPTCONN);
    GET(u, SOL_SOCKET, SO_TYPE);
    GET(u, SOL_SOCKET, SO_PROTOCOL);
    GET(t, SOL_SOCKET, SO_REUSEADDR);
    RET(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    GET(t, SOL_SOCKET, SO_REUSEADDR);
    GET(t, SOL_SOCKET, SO_KEEPALIVE);
    RET(setsockopt(t, SOL_SOCKET, SO_KEEPALIVE, &(int){7}, sizeof on));
    GET(t, SOL_SOCKET, SO_KEEPALIVE);
    GET(t, IPPROTO_TCP, TCP_NODELAY);
    RET(setsockopt(t, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    GET(t, IPPROTO_TCP, TCP_NODELAY);
    RET(setsockopt(t, IPPROTO_TCP, TCP_NODELAY, &on, 1));
    GET(u, IPPROTO_TCP, TCP_NODELAY);
    ERR(setsockopt(u, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    GET(t, SOL_SOCKET, 9999);
    GET(u, SOL_SOCKET, SO_SNDBUF);
    GET(u, SOL_SOCKET, SO_RCVBUF);
    RET(setsockopt(u, SOL_SOCKET, SO_SNDBUF, &(int){10000}, sizeof on));
    GET(u, SOL_SOCKET, SO_SNDBUF);
    RET(setsockopt(u, SOL_SOCKET, SO_SNDBUF, &(int){0}, sizeof on));
    GET(u, SOL_SOCKET, SO_SNDBUF);
    RET(setsockopt(u, SOL_SOCKET, SO_RCVBUF, &(int){0}, sizeof on));
    GET(u, SOL_SOCKET, SO_RCVBUF);
    GET(u, SOL_SOCKET, SO_PASSCRED);
    RET(setsockopt(u, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    GET(u, SOL_SOCKET, SO_PASSCRED);
    GET(t, SOL_SOCKET, SO_BROADCAST);
    GET(t, SOL_SOCKET, SO_OOBINLINE);
    struct linger l = {0};
    n = sizeof l;
    RET(getsockopt(t, SOL_SOCKET, SO_LINGER, &l, &n));
    printf("  %d %d\n", l.l_onoff, l.l_linger);
    GET(t, IPPROTO_TCP, TCP_KEEPIDLE);
    RET(setsockopt(t, IPPROTO_TCP, TCP_KEEPIDLE, &(int){0}, sizeof on));
    RET(setsockopt(t, IPPROTO_TCP, TCP_KEEPIDLE, &(int){30}, sizeof on));
    GET(t, IPPROTO_TCP, TCP_KEEPIDLE);
    GET(t, IPPROTO_IP, IP_TTL);
    n = 4;
    ERR(getsockopt(0, SOL_SOCKET, SO_TYPE, &v, &n));
    n = 2;
    RET(getsockopt(t, SOL_SOCKET, SO_TYPE, &v, &n));
    SHOW(n);
    struct timeval tv = {0, 40000}, got;
    int p[2];
    char c;
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    RET(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    RET(recv(p[0], &c, 1, 0));
    RET(read(p[0], &c, 1));
    n = sizeof got;
    RET(getsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &got, &n));
    printf("  %d %d\n", (int)got.tv_sec, (int)got.tv_usec);
    RET(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
    static char big[1 << 20];
    CHECK(send(p[0], big, sizeof big, 0) > 0);
    RET(send(p[0], big, sizeof big, 0));
}

TEST(socket_oob) {
    int p[2];
    char c[8] = {0};
    tcp_pair(p);
    RET(recv(p[1], c, 1, MSG_OOB));
    RET(send(p[0], "abX", 3, MSG_OOB));
    usleep(10000);
    SHOW(events(p[1]));
    RET(recv(p[1], c, 1, MSG_OOB));
    printf("  %c\n", c[0]);
    RET(recv(p[1], c, 8, 0));
    printf("  %.2s\n", c);
    int u = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    ERR(send(u, c, 1, MSG_OOB));
    tcp_pair(p);
    RET(setsockopt(p[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
    RET(send(p[0], "cdY", 3, MSG_OOB));
    RET(recv(p[1], c, 1, MSG_OOB));
    RET(recv(p[1], c, 2, 0));
    RET(recv(p[1], c + 2, 8, 0));
    printf("  %.3s\n", c);
}

#define MB (1 << 20)

TEST(socket_big_both_ways) {
    for (int kind = 0; kind < 2; kind++) {
        int p[2];
        if (kind == 0)
            socketpair(AF_UNIX, SOCK_STREAM, 0, p);
        else
            tcp_pair(p);
        pid_t child = fork();
        static unsigned char buf[65536];
        int me = child == 0;
        fcntl(p[me], F_SETFL, O_NONBLOCK);
        long sent = 0, got = 0;
        int ok = 1;
        while (sent < 8 * MB || got < 8 * MB) {
            struct pollfd f = {p[me], (sent < 8 * MB ? POLLOUT : 0) | (got < 8 * MB ? POLLIN : 0), 0};
            poll(&f, 1, -1);
            if (f.revents & POLLOUT) {
                for (int i = 0; i < 65536; i++) buf[i] = (unsigned char)((sent + i) * 7 / 3);
                long n = write(p[me], buf, sent + 65536 > 8 * MB ? 8 * MB - sent : 65536);
                if (n > 0) sent += n;
            }
            if (f.revents & POLLIN) {
                long n = read(p[me], buf, 30000);
                for (long i = 0; i < n; i++) ok &= buf[i] == (unsigned char)((got + i) * 7 / 3);
                if (n > 0) got += n;
            }
        }
        if (child == 0) _exit(ok ? 0 : 1);
        int status;
        waitpid(child, &status, 0);
        show_status(status);
        SHOW(ok);
    }
}
