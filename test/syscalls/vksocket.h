// What the tests of sockets share.
#ifndef VKSOCKET_H
#define VKSOCKET_H

#include "vktest.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static inline struct sockaddr_un path_of(const char *name) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, name);
    return a;
}

static inline struct sockaddr_in in4(const char *ip, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

static inline struct sockaddr_in6 in6(const char *ip, int port) {
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(AF_INET6, ip, &a.sin6_addr);
    return a;
}

#define SA(a) (struct sockaddr *)&(a), sizeof(a)

static inline int port_of(int s) {
    struct sockaddr_in6 a;
    socklen_t n = sizeof a;
    getsockname(s, (struct sockaddr *)&a, &n);
    return ntohs(a.sin6_port);
}

static inline int listener4(int *port) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = in4("127.0.0.1", 0);
    CHECK(bind(s, SA(a)) == 0);
    CHECK(listen(s, 8) == 0);
    *port = port_of(s);
    return s;
}

static inline void tcp_pair(int p[2]) {
    int port, l = listener4(&port);
    struct sockaddr_in a = in4("127.0.0.1", port);
    p[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(p[0], SA(a)) == 0);
    p[1] = accept(l, 0, 0);
    CHECK(p[1] >= 0);
    close(l);
}

static inline int events(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
    poll(&p, 1, 0);
    return p.revents;
}

#endif
