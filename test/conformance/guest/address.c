// What a signer's policy says of sockets. The driver gives the policy of the same name to the
// entry of this program.
#include "attack.h"
#include "passing.h"

static struct sockaddr_in in4(const char *ip, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

static struct sockaddr_un un(const char *name) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, name);
    return a;
}

#define SA(a) (struct sockaddr *)&(a), sizeof(a)
static int stream(int family) { return must(socket(family, SOCK_STREAM, 0)); }
static int dgram(int family) { return must(socket(family, SOCK_DGRAM, 0)); }

// connect and bind: 127.0.0.1:4000, unix:/case/ok, unix:@ok. sendto and sendmsg: 127.0.0.1:4000, unix:/case/ok.
HOST_CASE(addresses_that_are_open) {
    struct sockaddr_in ok = in4("127.0.0.1", 4000), port = in4("127.0.0.1", 4001), ip = in4("127.0.0.2", 4000),
                       any = in4("0.0.0.0", 4000);
    int l = stream(AF_INET), on = 1;
    must(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    WANT(err(bind(l, SA(port))), EPERM);
    WANT(err(bind(l, SA(any))), EPERM);
    WANT(err(bind(l, SA(ip))), EPERM);
    WANT(err(listen(l, 1)), EPERM); // it would bind
    WANT(err(bind(l, SA(ok))), 0);
    WANT(err(listen(l, 1)), 0);
    WANT(err(connect(stream(AF_INET), SA(port))), EPERM);
    WANT(err(connect(stream(AF_INET), SA(any))), EPERM);
    WANT(err(connect(stream(AF_INET), SA(ip))), EPERM);
    WANT(err(connect(stream(AF_INET), SA(ok))), 0);
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(4001)};
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    WANT(err(connect(stream(AF_INET6), SA(mapped))), EPERM);
    int d = dgram(AF_INET);
    WANT(err(sendto(d, "x", 1, 0, SA(port))), EPERM);
    WANT(err(sendto(d, "x", 1, 0, SA(ok))), 0);
    struct iovec v = {"x", 1};
    struct mmsghdr m = {.msg_hdr = {.msg_name = &port, .msg_namelen = sizeof port, .msg_iov = &v, .msg_iovlen = 1}};
    WANT(err(sendmsg(d, &m.msg_hdr, 0)), EPERM);
    WANT(err(sendmmsg(d, &m, 1, 0)), EPERM);
    m.msg_hdr.msg_name = &ok;
    WANT(err(sendmmsg(d, &m, 1, 0)), 0);
    WANT(err(connect(d, SA(port))), EPERM);
}

HOST_CASE(unix_addresses_that_are_open) {
    struct sockaddr_un ok = un("ok"), whole = un("/case/../case/./ok"), no = un("no"), link = un("link"),
                       dir = un("d/ok");
    int l = stream(AF_UNIX);
    WANT(err(bind(l, SA(no))), EPERM);
    WANT(err(access("no", F_OK)), ENOENT);
    must(mkdir("d", 0755));
    WANT(err(bind(l, SA(dir))), EPERM);
    WANT(err(bind(l, (struct sockaddr *)&ok, 2)), EPERM); // a name that the kernel gives
    WANT(err(bind(l, SA(whole))), 0);
    must(listen(l, 8));
    WANT(err(connect(stream(AF_UNIX), SA(ok))), 0);
    WANT(err(connect(stream(AF_UNIX), SA(whole))), 0);
    must(symlink("ok", "link"));
    WANT(err(connect(stream(AF_UNIX), SA(link))), 0); // it leads to what is open
    must(rename("ok", "no"));
    WANT(err(connect(stream(AF_UNIX), SA(no))), EPERM);
    WANT(err(connect(stream(AF_UNIX), SA(link))), ENOENT);
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0ok"}, b = {.sun_family = AF_UNIX, .sun_path = "\0no"};
    WANT(err(bind(stream(AF_UNIX), (struct sockaddr *)&b, 5)), EPERM);
    l = stream(AF_UNIX);
    WANT(err(bind(l, (struct sockaddr *)&a, 5)), 0);
    must(listen(l, 1));
    WANT(err(connect(stream(AF_UNIX), (struct sockaddr *)&a, 5)), 0);
    WANT(err(connect(stream(AF_UNIX), (struct sockaddr *)&a, 6)), EPERM);
    int d = dgram(AF_UNIX);
    WANT(err(sendto(d, "x", 1, 0, SA(no))), EPERM);
    WANT(err(connect(d, SA(no))), EPERM);
}

HOST_CASE(socket_families) {
    WANT(err(socket(AF_INET, SOCK_STREAM, 0)), EPERM);
    WANT(err(socket(AF_INET6, SOCK_DGRAM, 0)), EPERM);
    WANT(err(socket(AF_UNIX, SOCK_STREAM, 0)), 0);
    WANT(err(syscall(SYS_socket, (long)AF_INET, (long)SOCK_STREAM, 0L)), EPERM);
}

// What may not be opened can be received by who is given it, and read; it is not opened again
// through that, and not executed unless it is listed.
HOST_CASE(passed_to_one_that_may_not_open) {
    int p[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    WANT(err(open("/etc/secret", O_RDONLY)), EACCES);
    WANT(err(open("/case/f", O_RDWR | O_CREAT, 0755)), 0);
    int fd = must(open(MARK, O_RDONLY)); // the rules let /bin be read
    pass(p[1], fd);
    int got = receive(p[0]);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", got);
    WANT(err(open(name, O_RDWR)), EACCES, ETXTBSY);
    WANT(err(fchmod(got, 0777)), EACCES);
    // A directory is where walks start; the place that they lead to is asked about.
    int root = must(open("/case", O_RDONLY | O_DIRECTORY));
    pass(p[1], root);
    got = receive(p[0]);
    WANT(err(openat(got, "../etc/passwd", O_RDONLY)), EACCES);
    WANT(err(openat(got, "f", O_RDWR)), 0);
}

// The receiver holds the policy of its program, whoever sent.
HOST_CASE(passed_to_one_that_starts_nothing) {
    int p[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    int fd = must(open(MARK, O_RDONLY));
    pass(p[1], fd);
    close(fd);
    int got = receive(p[0]);
    WANT(run_at(got, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    pass(p[1], got);
    pid_t pid = must(fork());
    if (pid == 0) {
        WANT(run_at(receive(p[0]), "", AT_EMPTY_PATH, "EVIL"), EACCES);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
}
