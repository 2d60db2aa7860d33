// Sockets: what goes beside the bytes: descriptors and credentials.
#include "vksocket.h"
#include <sys/uio.h>

// send_fds sends bytes with descriptors; gives sendmsg's result.
static long send_fds(int s, const char *text, int n, const int *fds, int count) {
    static char control[CMSG_SPACE(300 * sizeof(int))];
    struct iovec v = {(void *)text, n};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    if (count) {
        memset(control, 0, sizeof control);
        m.msg_control = control;
        m.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    return sendmsg(s, &m, MSG_NOSIGNAL);
}

// recv_fds prints what came and gives how many descriptors, which are in fds.
static int recv_fds(int s, int size, int room, int *fds, int flags) {
    static char control[CMSG_SPACE(300 * sizeof(int))], buf[64];
    struct iovec v = {buf, size};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    errno = 0;
    long n = recvmsg(s, &m, flags);
    int count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); n >= 0 && c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(c), count * sizeof(int));
        } else if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred u;
            memcpy(&u, CMSG_DATA(c), sizeof u);
            printf("  cred %s uid %d gid %d\n", u.pid == 0 ? "none" : u.pid == getpid() ? "me" : "other", u.uid, u.gid);
        }
    }
    printf("  %ld bytes, %d descriptors, flags %x, %s\n", n, count, m.msg_flags & ~MSG_CMSG_CLOEXEC, errno_name(errno));
    return count;
}

#define ROOM CMSG_SPACE(300 * sizeof(int))

TEST(rights_pass) {
    int p[2], got[300];
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    write_file("f", "content");
    int f = open("f", O_RDONLY);
    RET(send_fds(p[0], "a", 1, &f, 1));
    close(f);
    SHOW(recv_fds(p[1], 10, ROOM, got, MSG_CMSG_CLOEXEC));
    char buf[16] = {0};
    RET(read(got[0], buf, 16));
    printf("  %s\n", buf);
    SHOW(fcntl(got[0], F_GETFD));
    // The offset is one for both.
    int d = open("f", O_RDONLY), pair[2] = {d, d};
    RET(send_fds(p[0], "a", 1, pair, 2));
    recv_fds(p[1], 10, ROOM, got, 0);
    SHOW(fcntl(got[0], F_GETFD));
    RET(read(got[0], buf, 3));
    RET(read(got[1], buf, 3));
    RET(read(d, buf, 3));
    int bad[2] = {d, 999};
    ERR(send_fds(p[0], "a", 1, bad, 2));
    int many[240];
    for (int i = 0; i < 240; i++) many[i] = d;
    RET(send_fds(p[0], "a", 1, many, 240));
    SHOW(recv_fds(p[1], 10, ROOM, got, 0));
    RET(send_fds(p[0], "", 0, &d, 1));
    RET(recv(p[1], buf, 1, MSG_DONTWAIT));
    int o = open(".", O_PATH);
    RET(send_fds(p[0], "o", 1, &o, 1));
    SHOW(recv_fds(p[1], 10, ROOM, got, 0));
    ERR(read(got[0], buf, 1));
}

TEST(rights_boundaries) {
    int p[2], got[300], f = open("/dev/null", O_RDWR);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    write(p[0], "aaa", 3);
    send_fds(p[0], "bbb", 3, &f, 1);
    write(p[0], "ccc", 3);
    send_fds(p[0], "ddd", 3, &f, 1);
    send_fds(p[0], "eee", 3, &f, 1);
    recv_fds(p[1], 2, ROOM, got, 0);
    recv_fds(p[1], 2, ROOM, got, 0);
    recv_fds(p[1], 64, ROOM, got, 0);
    recv_fds(p[1], 64, ROOM, got, MSG_DONTWAIT);
    recv_fds(p[1], 64, ROOM, got, MSG_DONTWAIT);
    recv_fds(p[1], 64, ROOM, got, MSG_DONTWAIT);
    // A plain read loses them.
    send_fds(p[0], "fff", 3, &f, 1);
    char buf[8];
    RET(read(p[1], buf, 8));
    // What has no room is closed, and said to be.
    int three[3] = {f, f, f};
    send_fds(p[0], "g", 1, three, 3);
    recv_fds(p[1], 8, CMSG_LEN(sizeof(int)), got, 0);
    send_fds(p[0], "h", 1, three, 3);
    recv_fds(p[1], 8, 0, got, 0);
    send_fds(p[0], "i", 1, three, 3);
    recv_fds(p[1], 8, CMSG_LEN(0) - 1, got, 0);
}

TEST(rights_peek) {
    int p[2], got[300], again[300], f = open("/dev/null", O_RDWR);
    for (int kind = 0; kind < 2; kind++) {
        socketpair(AF_UNIX, kind ? SOCK_DGRAM : SOCK_STREAM, 0, p);
        send_fds(p[0], "bbb", 3, &f, 1);
        recv_fds(p[1], 8, ROOM, got, MSG_PEEK);
        recv_fds(p[1], 8, ROOM, again, 0);
        CHECK(got[0] != again[0] && fcntl(got[0], F_GETFD) >= 0 && fcntl(again[0], F_GETFD) >= 0);
        recv_fds(p[1], 8, ROOM, got, MSG_DONTWAIT);
    }
}

TEST(rights_kinds) {
    int p[2], got[300], f = open("/dev/null", O_RDWR);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    RET(send_fds(p[0], "", 0, &f, 1));
    recv_fds(p[1], 8, ROOM, got, 0);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p);
    RET(send_fds(p[0], "xyz", 3, &f, 1));
    recv_fds(p[1], 2, ROOM, got, 0);
    close(p[1]);
    ERR(send_fds(p[0], "xyz", 3, &f, 1));
    int t[2];
    tcp_pair(t);
    RET(send_fds(t[0], "xyz", 3, &f, 1));
    recv_fds(t[1], 8, ROOM, got, 0);
}

TEST(rights_other_process) {
    int p[2], got[300];
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    pid_t child = fork();
    if (child == 0) {
        int q[2];
        pipe(q);
        write(q[1], "from the child", 14);
        send_fds(p[1], "q", 1, &q[0], 1);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    SHOW(recv_fds(p[0], 8, ROOM, got, 0));
    char buf[32] = {0};
    RET(read(got[0], buf, 32));
    RET(read(got[0], buf, 32));
    printf("  %s\n", buf);
}

// A socket that lies in its own inbox, and two that lie in each other's, must not stay for ever:
// the pipe that they hold is closed once they are gone.
TEST(rights_cycles) {
    for (int round = 0; round < 3; round++) {
        int a[2], b[2], q[2];
        char c;
        pipe(q);
        socketpair(AF_UNIX, round ? SOCK_DGRAM : SOCK_STREAM, 0, a);
        socketpair(AF_UNIX, SOCK_STREAM, 0, b);
        int ab[3] = {a[0], a[1], q[1]}, ba[2] = {b[0], b[1]};
        if (round < 2) {
            send_fds(a[0], "x", 1, ab, 3);
        } else {
            send_fds(a[0], "x", 1, ba, 2);
            send_fds(b[0], "x", 1, ab, 3);
        }
        for (int i = 0; i < 2; i++) close(a[i]), close(b[i]);
        close(q[1]);
        for (int i = 0; i < 100; i++) {
            int t[2];
            socketpair(AF_UNIX, SOCK_STREAM, 0, t);
            close(t[0]);
            close(t[1]);
        }
        struct pollfd f = {q[0], POLLIN, 0};
        RET(poll(&f, 1, 5000));
        RET(read(q[0], &c, 1));
    }
}

// One that can still be reached stays, with what lies in it.
TEST(rights_reachable_stays) {
    int a[2], b[2], got[300];
    socketpair(AF_UNIX, SOCK_STREAM, 0, a);
    socketpair(AF_UNIX, SOCK_STREAM, 0, b);
    send_fds(b[0], "in b", 4, &b[1], 1); // b[1] lies in its own buffer
    send_fds(a[0], "in a", 4, &b[1], 1); // and in a's
    close(b[0]);
    close(b[1]);
    for (int i = 0; i < 100; i++) {
        int t[2];
        socketpair(AF_UNIX, SOCK_STREAM, 0, t);
        close(t[0]);
        close(t[1]);
    }
    recv_fds(a[1], 8, ROOM, got, 0);
    int s = got[0];
    recv_fds(s, 8, ROOM, got, 0);
    CHECK(got[0] != s);
}

static int too_many(void *unused) {
    (void)unused;
    setgid(1000);
    setuid(1000);
    int p[2], many[250], sent = 0;
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    struct rlimit {
        unsigned long long cur, max;
    };
    for (int i = 0; i < 250; i++) many[i] = p[0];
    for (; sent < 10000; sent++) {
        if (sent % 8 == 0) {
            socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
        }
        if (send_fds(p[0], "x", 1, many, 250) != 1) break;
    }
    printf("  %s\n", errno_name(errno));
    return errno == ETOOMANYREFS;
}

TEST(rights_too_many) { run_child(too_many, 0); }

TEST(cred_pass) {
    int p[2], got[300], on = 1;
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    write(p[0], "before", 6);
    setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    write(p[0], "after", 5);
    recv_fds(p[1], 8, ROOM, got, 0);
    recv_fds(p[1], 8, ROOM, got, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    write(p[0], "abc", 3);
    if (fork() == 0) {
        write(p[0], "def", 3);
        _exit(0);
    }
    wait(0);
    write(p[0], "ghi", 3);
    recv_fds(p[1], 64, ROOM, got, 0);
    recv_fds(p[1], 64, ROOM, got, 0);
    recv_fds(p[1], 64, ROOM, got, 0);
    write(p[0], "jkl", 3);
    recv_fds(p[1], 64, 8, got, 0);
}

static int lies(void *unused) {
    (void)unused;
    int p[2], got[300], on = 1;
    setgid(1000);
    setuid(1000);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    union {
        char space[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } u = {{0}};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_CREDENTIALS;
    c->cmsg_len = CMSG_LEN(sizeof(struct ucred));
    struct ucred me = {getpid(), 1000, 1000};
    memcpy(CMSG_DATA(c), &me, sizeof me);
    RET(sendmsg(p[0], &m, 0));
    recv_fds(p[1], 8, ROOM, got, 0);
    me.uid = 0;
    memcpy(CMSG_DATA(c), &me, sizeof me);
    RET(sendmsg(p[0], &m, 0));
    me.uid = 1000, me.pid = 1;
    memcpy(CMSG_DATA(c), &me, sizeof me);
    RET(sendmsg(p[0], &m, 0));
    c->cmsg_len = CMSG_LEN(4);
    RET(sendmsg(p[0], &m, 0));
    c->cmsg_len = 3;
    RET(sendmsg(p[0], &m, 0));
    c->cmsg_len = sizeof u + 1;
    RET(sendmsg(p[0], &m, 0));
    c->cmsg_len = CMSG_LEN(4), c->cmsg_type = 77;
    RET(sendmsg(p[0], &m, 0));
    return 0;
}

TEST(cred_lies) { run_child(lies, 0); }

TEST(cred_peer) {
    int p[2];
    struct ucred u;
    socklen_t n = sizeof u;
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    RET(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &u, &n));
    CHECK(u.pid == getpid() && u.uid == getuid());
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    n = sizeof u;
    RET(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &n));
    printf("  %d %d %d\n", u.pid, u.uid, u.gid);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    sprintf(a.sun_path + 1, "peer%d", getpid());
    bind(s, SA(a));
    listen(s, 1);
    pid_t child = fork();
    if (child == 0) {
        int c = socket(AF_UNIX, SOCK_STREAM, 0);
        setgid(1000);
        setuid(1000);
        if (connect(c, SA(a)) != 0) _exit(errno);
        n = sizeof u;
        getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n);
        pause();
        _exit(u.pid == getppid());
    }
    int x = accept(s, 0, 0);
    n = sizeof u;
    RET(getsockopt(x, SOL_SOCKET, SO_PEERCRED, &u, &n));
    CHECK(u.pid == child);
    printf("  %d %d\n", u.uid, u.gid);
    kill(child, SIGKILL);
    wait(0);
}

TEST(message_vectors) {
    int p[2];
    char a[4], b[4], c[8];
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p);
    struct iovec v[3] = {{a, 4}, {b, 4}, {c, 8}}, out[2] = {{"hello", 5}, {"world", 5}};
    RET(writev(p[0], out, 2));
    RET(readv(p[1], v, 2));
    printf("  %.4s %.4s\n", a, b);
    RET(writev(p[0], out, 2));
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};
    RET(recvmsg(p[1], &m, 0));
    printf("  %.4s %.4s %.2s %x\n", a, b, c, m.msg_flags);
    RET(writev(p[0], out, 2));
    m.msg_iovlen = 1;
    RET(recvmsg(p[1], &m, 0));
    printf("  %x\n", m.msg_flags);
    m.msg_iovlen = 2000;
    ERR(recvmsg(p[1], &m, 0));
    m.msg_iovlen = 1, v[0].iov_len = -1;
    ERR(sendmsg(p[0], &m, 0));
    int t[2];
    tcp_pair(t);
    v[0].iov_len = 4;
    RET(writev(t[0], out, 2));
    RET(readv(t[1], v, 3));
    m = (struct msghdr){.msg_iov = v, .msg_iovlen = 2, .msg_name = c, .msg_namelen = 8};
    RET(writev(t[0], out, 2));
    RET(recvmsg(t[1], &m, MSG_WAITALL));
    printf("  %.4s %.4s name %d\n", a, b, (int)m.msg_namelen);
}

TEST(message_many) {
    int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = in4("127.0.0.1", 0);
    bind(s, SA(to));
    to.sin_port = htons(port_of(s));
    connect(c, SA(to));
    struct iovec v[4] = {{"a", 1}, {"bb", 2}, {"ccc", 3}, {"dddd", 4}};
    struct mmsghdr m[4] = {0};
    for (int i = 0; i < 4; i++) m[i].msg_hdr.msg_iov = &v[i], m[i].msg_hdr.msg_iovlen = 1;
    RET(sendmmsg(c, m, 4, 0));
    printf("  %u %u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len, m[3].msg_len);
    char buf[6][8];
    struct iovec w[6];
    struct mmsghdr r[6] = {0};
    for (int i = 0; i < 6; i++) {
        w[i] = (struct iovec){buf[i], 3};
        r[i].msg_hdr.msg_iov = &w[i], r[i].msg_hdr.msg_iovlen = 1;
    }
    RET(recvmmsg(s, r, 2, 0, 0));
    RET(recvmmsg(s, r, 6, MSG_WAITFORONE, 0));
    printf("  %u %u %x %x\n", r[0].msg_len, r[1].msg_len, r[0].msg_hdr.msg_flags, r[1].msg_hdr.msg_flags);
    RET(recvmmsg(s, r, 6, MSG_DONTWAIT, 0));
    RET(sendmmsg(c, m, 0, 0));
}
