// Sockets: datagrams and sequences of packets.
#include "vksocket.h"

TEST(socket_udp) {
    int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = in4("127.0.0.1", 0), b;
    char buf[16] = {0};
    SHOW(events(s));
    RET(bind(s, SA(a)));
    a.sin_port = htons(port_of(s));
    RET(sendto(c, "one", 3, 0, SA(a)));
    RET(sendto(c, "", 0, 0, SA(a)));
    RET(sendto(c, "three", 5, 0, SA(a)));
    int k;
    RET(ioctl(s, FIONREAD, &k));
    SHOW(k);
    socklen_t n = sizeof b;
    RET(recvfrom(s, buf, 16, 0, (struct sockaddr *)&b, &n));
    CHECK(ntohs(b.sin_port) == port_of(c));
    SHOW(n);
    RET(recv(s, buf, 16, 0));
    RET(recv(s, buf, 2, MSG_PEEK | MSG_TRUNC));
    RET(recv(s, buf, 2, 0));
    RET(recv(s, buf, 2, MSG_DONTWAIT));
    ERR(send(c, "x", 1, 0));
    RET(connect(c, SA(a)));
    RET(send(c, "x", 1, 0));
    RET(write(c, "yz", 2));
    RET(read(s, buf, 16));
    RET(read(s, buf, 16));
    // A connected socket hears its peer only, and learns that nobody is there.
    int other = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = in4("127.0.0.1", port_of(c));
    RET(sendto(other, "no", 2, 0, SA(to)));
    RET(recv(c, buf, 16, MSG_DONTWAIT));
    RET(sendto(s, "yes", 3, 0, SA(to)));
    RET(recv(c, buf, 16, MSG_DONTWAIT));
    close(s);
    RET(send(c, "x", 1, 0));
    RET(recv(c, buf, 16, 0));
    RET(send(c, "x", 1, 0));
    RET(send(c, "x", 1, 0));
    struct sockaddr un = {.sa_family = AF_UNSPEC};
    RET(connect(c, &un, sizeof un));
    ERR(send(c, "x", 1, 0));
    static char big[70000];
    a.sin_port = htons(9);
    ERR(sendto(other, big, 65508, 0, SA(a)));
    a.sin_port = 0;
    ERR(sendto(other, big, 1, 0, SA(a)));
    ERR(shutdown(other, SHUT_RD));
    RET(recv(other, buf, 16, 0));
    ERR(listen(other, 1));
    ERR(accept(other, 0, 0));
}

TEST(socket_unix_dgram) {
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un a = path_of("d"), b;
    char buf[8] = {0};
    RET(bind(s, SA(a)));
    SHOW(events(c));
    ERR(send(c, "x", 1, 0));
    RET(sendto(c, "hello", 5, 0, SA(a)));
    socklen_t n = sizeof b;
    RET(recvfrom(s, buf, 3, MSG_TRUNC, (struct sockaddr *)&b, &n));
    SHOW(n);
    struct sockaddr_un ca = path_of("c");
    RET(bind(c, SA(ca)));
    RET(connect(c, SA(a)));
    RET(send(c, "", 0, 0));
    n = sizeof b;
    RET(recvfrom(s, buf, 8, 0, (struct sockaddr *)&b, &n));
    printf("  %s\n", b.sun_path);
    // A socket with a peer takes nobody else's.
    int e = socket(AF_UNIX, SOCK_DGRAM, 0);
    ERR(sendto(e, "x", 1, 0, SA(ca)));
    ERR(connect(e, SA(ca)));
    RET(sendto(s, "x", 1, 0, SA(ca)));
    RET(recv(c, buf, 8, 0));
    // A full inbox.
    fcntl(c, F_SETFL, O_NONBLOCK);
    int k = 0;
    while (send(c, "x", 1, 0) == 1) k++;
    printf("  %d, then %s\n", k, errno_name(errno));
    SHOW(events(c));
    RET(recv(s, buf, 8, 0));
    SHOW(events(c));
    close(s);
    RET(send(c, "x", 1, MSG_NOSIGNAL));
    RET(send(c, "x", 1, MSG_NOSIGNAL));
    int p[2];
    RET(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
    RET(send(p[0], "abc", 3, 0));
    RET(recv(p[1], buf, 8, 0));
    close(p[1]);
    RET(send(p[0], "x", 1, MSG_NOSIGNAL));
}

TEST(socket_unix_seqpacket) {
    int p[2];
    char buf[8] = {0};
    RET(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
    RET(send(p[0], "one", 3, 0));
    RET(send(p[0], "three", 5, 0));
    RET(recv(p[1], buf, 8, 0));
    RET(recv(p[1], buf, 2, MSG_TRUNC));
    RET(recv(p[1], buf, 8, MSG_DONTWAIT));
    close(p[0]);
    SHOW(events(p[1]));
    RET(recv(p[1], buf, 8, 0));
    RET(send(p[1], "x", 1, MSG_NOSIGNAL));
    int s = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    struct sockaddr_un a = path_of("q");
    ERR(send(c, "x", 1, 0));
    bind(s, SA(a));
    listen(s, 1);
    RET(connect(c, SA(a)));
    RET(send(c, "early", 5, 0));
    int x = accept(s, 0, 0);
    RET(recv(x, buf, 8, 0));
    close(s);
}
