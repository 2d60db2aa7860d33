// Passing descriptors.
#ifndef PASSING_H
#define PASSING_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

// pass sends fd; receive gives what was sent.
static inline void pass(int s, int fd) {
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } u = {{0}};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    must(sendmsg(s, &m, 0));
}

static inline int receive(int s) {
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } u = {{0}};
    char b;
    int fd = -1;
    struct iovec v = {&b, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u};
    must(recvmsg(s, &m, 0));
    if (CMSG_FIRSTHDR(&m)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    if (fd < 0) bad("no descriptor was received");
    return fd;
}

#endif
