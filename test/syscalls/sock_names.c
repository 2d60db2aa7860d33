// Sockets: addresses, listening and connecting.
#include "vksocket.h"

TEST(socket_kinds) {
    ERR(socket(AF_UNIX, SOCK_STREAM, 0));
    ERR(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ERR(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
    ERR(socket(AF_UNIX, SOCK_RDM, 0));
    ERR(socket(AF_UNIX, SOCK_STREAM, 6));
    ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    ERR(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    ERR(socket(AF_INET, SOCK_SEQPACKET, 0));
    ERR(socket(AF_INET6, SOCK_STREAM, 0));
    ERR(socket(AF_INET, 99, 0));
    ERR(socket(99, SOCK_STREAM, 0));
    ERR(socket(AF_INET, SOCK_STREAM | 0x10000, 0));
    int p[2];
    ERR(socketpair(AF_INET, SOCK_STREAM, 0, p));
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct stat st;
    RET(fstat(s, &st));
    printf("  mode %o\n", st.st_mode);
    RET(lseek(s, 0, SEEK_SET));
    char c;
    RET(pread(s, &c, 1, 0));
    RET(read(s, &c, 1));
    signal(SIGPIPE, SIG_IGN);
    RET(write(s, &c, 1));
    SHOW(events(s));
    ERR(listen(0, 1));
    ERR(listen(-1, 1));
    SHOW(fcntl(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), F_GETFL) & O_NONBLOCK);
}

TEST(socket_tcp_names) {
    int port, l = listener4(&port);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = in4("127.0.0.1", port), b = {0};
    socklen_t n = sizeof b;
    RET(getsockname(c, (struct sockaddr *)&b, &n));
    SHOW(b.sin_port);
    RET(connect(c, SA(a)));
    ERR(connect(c, SA(a)));
    SHOW(events(l));
    n = sizeof b;
    int s = accept4(l, (struct sockaddr *)&b, &n, SOCK_NONBLOCK);
    SHOW(n);
    CHECK(ntohs(b.sin_port) == port_of(c));
    printf("  %s\n", inet_ntoa(b.sin_addr));
    n = sizeof b;
    RET(getpeername(c, (struct sockaddr *)&b, &n));
    CHECK(ntohs(b.sin_port) == port && port_of(s) == port);
    n = sizeof b;
    getsockname(s, (struct sockaddr *)&b, &n);
    printf("  %s\n", inet_ntoa(b.sin_addr));
    char x;
    RET(read(s, &x, 1));
    n = 4;
    RET(getsockname(s, (struct sockaddr *)&b, &n));
    SHOW(n);
    n = -1;
    RET(getsockname(s, (struct sockaddr *)&b, &n));
    ERR(accept(c, 0, 0));
    fcntl(l, F_SETFL, O_NONBLOCK);
    RET(accept(l, 0, 0));
    RET(getsockname(s, (struct sockaddr *)&b, 0));
    b = in4("127.9.8.7", port);
    ERR(connect(socket(AF_INET, SOCK_STREAM, 0), SA(b)));
}

TEST(socket_bind_rules) {
    int port, l = listener4(&port);
    struct sockaddr_in a = in4("127.0.0.1", port), any = in4("0.0.0.0", port), other = in4("127.0.0.2", port);
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    ERR(bind(s, SA(a)));
    ERR(bind(s, SA(any)));
    RET(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    ERR(bind(s, SA(a)));
    RET(bind(s, SA(other)));
    RET(bind(s, SA(other)));
    RET(listen(s, 1));
    RET(listen(s, 5));
    struct sockaddr_in far = in4("192.0.2.1", 0);
    ERR(bind(socket(AF_INET, SOCK_STREAM, 0), SA(far)));
    ERR(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, 4));
    struct sockaddr_un u = path_of("x");
    ERR(bind(socket(AF_INET, SOCK_STREAM, 0), SA(u)));
    ERR(bind(socket(AF_INET6, SOCK_STREAM, 0), SA(a)));
    ERR(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, 1));
    struct sockaddr_in6 a6 = in6("::1", port);
    RET(bind(socket(AF_INET6, SOCK_STREAM, 0), SA(a6)));
    struct sockaddr_in6 any6 = in6("::", port);
    ERR(bind(socket(AF_INET6, SOCK_STREAM, 0), SA(any6)));
    // SO_REUSEADDR on both lets two bind, and one listen.
    int x = socket(AF_INET, SOCK_STREAM, 0), y = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(x, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(y, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in z = in4("127.0.0.3", 0);
    RET(bind(x, SA(z)));
    z.sin_port = htons(port_of(x));
    RET(bind(y, SA(z)));
    RET(listen(x, 1));
    ERR(listen(y, 1));
    // SO_REUSEPORT lets both.
    x = socket(AF_INET, SOCK_STREAM, 0), y = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(x, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    z = in4("127.0.0.4", 0);
    RET(bind(x, SA(z)));
    z.sin_port = htons(port_of(x));
    ERR(bind(y, SA(z)));
    setsockopt(y, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    RET(bind(y, SA(z)));
    RET(listen(x, 1));
    RET(listen(y, 1));
    (void)l;
}

TEST(socket_connect_refused) {
    int port, l = listener4(&port);
    close(l);
    struct sockaddr_in a = in4("127.0.0.1", port);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    ERR(connect(s, SA(a)));
    s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ERR(connect(s, SA(a)));
    struct pollfd p = {s, POLLOUT | POLLIN | POLLRDHUP, 0};
    RET(poll(&p, 1, 1000));
    SHOW(p.revents);
    int e;
    socklen_t n = sizeof e;
    RET(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n));
    printf("  %s\n", errno_name(e));
    RET(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n));
    SHOW(e);
}

TEST(socket_connect_nonblocking) {
    int port, l = listener4(&port);
    struct sockaddr_in a = in4("127.0.0.1", port);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ERR(connect(s, SA(a)));
    struct pollfd p = {s, POLLOUT, 0};
    RET(poll(&p, 1, 1000));
    SHOW(p.revents);
    int e;
    socklen_t n = sizeof e;
    RET(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n));
    SHOW(e);
    ERR(connect(s, SA(a)));
    ERR(connect(s, SA(a)));
    (void)l;
}

TEST(socket_v6_dual_stack) {
    int s = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 a = in6("::", 0), b;
    RET(bind(s, SA(a)));
    RET(listen(s, 4));
    int port = port_of(s);
    struct sockaddr_in c4 = in4("127.0.0.1", port);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    RET(connect(c, SA(c4)));
    socklen_t n = sizeof b;
    int x = accept(s, (struct sockaddr *)&b, &n);
    char text[64];
    SHOW(n);
    printf("  %s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    n = sizeof b;
    getsockname(x, (struct sockaddr *)&b, &n);
    printf("  %s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    a = in6("::1", port);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    RET(connect(c, SA(a)));
    n = sizeof b;
    accept(s, (struct sockaddr *)&b, &n);
    printf("  %s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    a = in6("::ffff:127.0.0.1", port);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    RET(connect(c, SA(a)));
    n = sizeof b;
    getsockname(c, (struct sockaddr *)&b, &n);
    printf("  %s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    int on = 1;
    s = socket(AF_INET6, SOCK_STREAM, 0);
    RET(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    a = in6("::", 0);
    RET(bind(s, SA(a)));
    RET(listen(s, 1));
    c4 = in4("127.0.0.1", port_of(s));
    ERR(connect(socket(AF_INET, SOCK_STREAM, 0), SA(c4)));
    RET(bind(socket(AF_INET, SOCK_STREAM, 0), SA(c4)));
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
}

TEST(socket_unix_names) {
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = path_of("sock"), b;
    socklen_t n = sizeof b;
    RET(getsockname(s, (struct sockaddr *)&b, &n));
    SHOW(n);
    ERR(listen(s, 1));
    ERR(connect(c, SA(a)));
    RET(bind(s, SA(a)));
    RET(bind(s, SA(a)));
    ERR(bind(socket(AF_UNIX, SOCK_STREAM, 0), SA(a)));
    struct stat st;
    RET(stat("sock", &st));
    printf("  %o\n", st.st_mode);
    ERR(open("sock", O_RDWR));
    ERR(connect(c, SA(a)));
    RET(listen(s, 5));
    RET(connect(c, SA(a)));
    ERR(connect(c, SA(a)));
    n = sizeof b;
    RET(getpeername(c, (struct sockaddr *)&b, &n));
    printf("  %d %s\n", (int)n, b.sun_path);
    n = sizeof b;
    int x = accept(s, (struct sockaddr *)&b, &n);
    SHOW(n);
    n = sizeof b;
    RET(getsockname(x, (struct sockaddr *)&b, &n));
    printf("  %d %s\n", (int)n, b.sun_path);
    ERR(connect(socket(AF_UNIX, SOCK_DGRAM, 0), SA(a)));
    ERR(connect(socket(AF_UNIX, SOCK_SEQPACKET, 0), SA(a)));
    unlink("sock");
    ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), SA(a)));
    write_file("plain", "");
    struct sockaddr_un p = path_of("plain");
    ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), SA(p)));
    p = path_of("no/dir");
    ERR(bind(socket(AF_UNIX, SOCK_STREAM, 0), SA(p)));
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    p = path_of("gone");
    RET(bind(s, SA(p)));
    listen(s, 1);
    close(s);
    ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), SA(p)));
    // Abstract names, and one that the kernel gives.
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.sun_family = AF_UNIX;
    sprintf(a.sun_path + 1, "vk%d", getpid());
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a.sun_path + 1);
    RET(bind(s, (struct sockaddr *)&a, size));
    ERR(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, size));
    listen(s, 1);
    RET(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, size));
    ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, size - 1));
    n = sizeof b;
    RET(getsockname(s, (struct sockaddr *)&b, &n));
    CHECK(n == size);
    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    RET(bind(s, (struct sockaddr *)&a, 2));
    n = sizeof b;
    RET(getsockname(s, (struct sockaddr *)&b, &n));
    SHOW(n);
    close(s);
    ERR(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, 200));
}

TEST(socket_backlog) {
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = path_of("b");
    bind(s, SA(a));
    listen(s, 1);
    int k = 0, c;
    for (;; k++) {
        c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(c, SA(a)) != 0) break;
    }
    printf("  %d, then %s\n", k, errno_name(errno));
    pid_t child = fork();
    if (child == 0) {
        c = socket(AF_UNIX, SOCK_STREAM, 0);
        _exit(connect(c, SA(a)) == 0 ? 0 : errno);
    }
    usleep(20000);
    accept(s, 0, 0);
    int status;
    waitpid(child, &status, 0);
    show_status(status);
    close(s);
    // What was not accepted is reset.
    int port, l = listener4(&port);
    struct sockaddr_in in = in4("127.0.0.1", port);
    c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, SA(in));
    close(l);
    char x;
    RET(recv(c, &x, 1, 0));
}

static int blocked_accept(void *arg) {
    int s = *(int *)arg;
    return accept(s, 0, 0) < 0 ? errno : 0;
}

TEST(socket_shutdown_wakes_accept) {
    int port, l = listener4(&port);
    pid_t child = fork();
    if (child == 0) _exit(blocked_accept(&l));
    usleep(30000);
    RET(shutdown(l, SHUT_RD));
    int status;
    waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == EINVAL);
    show_status(status);
    ERR(accept(l, 0, 0));
}

TEST(socket_many_connections) {
    int port, l = listener4(&port), n = 0, good = 0;
    listen(l, 2000);
    static int c[1000], s[1000];
    struct sockaddr_in a = in4("127.0.0.1", port);
    pid_t child = fork();
    if (child == 0) {
        for (; n < 400; n++) {
            c[n] = socket(AF_INET, SOCK_STREAM, 0);
            if (connect(c[n], SA(a)) != 0) _exit(1);
            if (write(c[n], &n, 4) != 4) _exit(2);
        }
        for (n = 0; n < 400; n++) {
            int x;
            if (read(c[n], &x, 4) == 4 && x == n + 1) good++;
        }
        _exit(good == 400 ? 0 : 3);
    }
    for (int i = 0; i < 400; i++) s[i] = accept(l, 0, 0);
    for (int i = 0; i < 400; i++) {
        int x;
        if (read(s[i], &x, 4) != 4) continue;
        x++;
        write(s[i], &x, 4);
    }
    int status;
    waitpid(child, &status, 0);
    show_status(status);
}
