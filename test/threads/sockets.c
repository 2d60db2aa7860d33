// Threads that use and end the same sockets.
#include "threads.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static int listener, port, pair[2];
static atomic_int served, failed, stop;

static struct sockaddr_in here(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void start_listening(int backlog) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&a, sizeof a);
    listen(listener, backlog);
    socklen_t n = sizeof a;
    getsockname(listener, (struct sockaddr *)&a, &n);
    port = ntohs(a.sin_port);
    served = failed = stop = 0;
}

// Clients and servers of one listener: every connection is answered once.
static void *client(void *unused) {
    (void)unused;
    for (int i = 0; i < 100; i++) {
        struct sockaddr_in a = here();
        int s = socket(AF_INET, SOCK_STREAM, 0), x = i, y = -1;
        if (connect(s, (struct sockaddr *)&a, sizeof a) != 0 || write(s, &x, 4) != 4 ||
            recv(s, &y, 4, MSG_WAITALL) != 4 || y != i + 1)
            failed++;
        close(s);
    }
    return 0;
}

static void *server(void *unused) {
    (void)unused;
    for (;;) {
        int s = accept(listener, 0, 0), x;
        if (s < 0) return 0;
        if (recv(s, &x, 4, MSG_WAITALL) == 4) {
            x++;
            if (write(s, &x, 4) == 4) served++;
        }
        close(s);
    }
}

TEST(sockets_many_servers) {
    start_listening(3);
    pthread_t c[4], s[3];
    for (int i = 0; i < 3; i++) pthread_create(&s[i], 0, server, 0);
    for (int i = 0; i < 4; i++) pthread_create(&c[i], 0, client, 0);
    for (int i = 0; i < 4; i++) pthread_join(c[i], 0);
    shutdown(listener, SHUT_RDWR); // each of them wakes
    for (int i = 0; i < 3; i++) pthread_join(s[i], 0);
    SHOW(served);
    SHOW(failed);
}

static void *reader(void *fd) {
    char c[8];
    return (void *)(long)recv(*(int *)fd, c, 8, 0);
}

TEST(sockets_shutdown_wakes_reader) {
    for (int kind = 0; kind < 3; kind++) {
        pthread_t t;
        void *n;
        socketpair(AF_UNIX, kind == 0 ? SOCK_STREAM : kind == 1 ? SOCK_DGRAM : SOCK_SEQPACKET, 0, pair);
        pthread_create(&t, 0, reader, &pair[0]);
        sleep_ms(10);
        RET(shutdown(pair[0], SHUT_RD));
        pthread_join(t, &n);
        SHOW((long)n);
        close(pair[0]);
        close(pair[1]);
    }
}

static void *writer(void *fd) {
    static char big[1 << 20];
    signal(SIGPIPE, SIG_IGN);
    long n = send(*(int *)fd, big, sizeof big, MSG_NOSIGNAL);
    return (void *)(long)(n > 0 && n < (long)sizeof big);
}

TEST(sockets_close_wakes_writer) {
    pthread_t t;
    void *n;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pthread_create(&t, 0, writer, &pair[0]);
    sleep_ms(10);
    RET(close(pair[1]));
    pthread_join(t, &n);
    SHOW((long)n);
}

// One thread passes descriptors in a circle while others open, close and shut sockets.
static void *churn(void *arg) {
    for (int i = 0; i < 300; i++) {
        int p[2];
        socketpair(AF_UNIX, SOCK_STREAM, 0, p);
        union {
            char space[CMSG_SPACE(2 * sizeof(int))];
            struct cmsghdr align;
        } u = {{0}};
        char b = 0;
        struct iovec v = {&b, 1};
        struct msghdr m = {
            .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = CMSG_SPACE(2 * sizeof(int))};
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(2 * sizeof(int));
        memcpy(CMSG_DATA(c), p, sizeof p);
        if (sendmsg(p[0], &m, 0) != 1) failed++;
        if (i % 3 == (long)arg % 3) {
            close(p[0]); // the circle is left to itself
            close(p[1]);
            continue;
        }
        if (recvmsg(p[1], &m, 0) != 1) failed++;
        int got[2] = {-1, -1};
        memcpy(got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof got);
        shutdown(p[0], SHUT_WR);
        if (read(got[1], &b, 1) != 0) failed++;
        close(p[0]), close(p[1]), close(got[0]), close(got[1]);
    }
    return 0;
}

TEST(sockets_rights_race) {
    failed = 0;
    run_threads(4, churn);
    SHOW(failed);
}

// A number that is closed and used again by others never gives a thread another's bytes: what is
// read was written to that very socket.
static void *reuse(void *arg) {
    char mine = (char)('a' + (long)arg), c;
    for (int i = 0; i < 500; i++) {
        int p[2];
        if (socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, p) != 0) continue;
        if (write(p[0], &mine, 1) != 1 || read(p[1], &c, 1) != 1 || c != mine) failed++;
        close(p[0]);
        close(p[1]);
    }
    return 0;
}

TEST(sockets_reuse_race) {
    failed = 0;
    run_threads(6, reuse);
    SHOW(failed);
}
