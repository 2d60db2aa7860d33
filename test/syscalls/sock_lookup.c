// Sockets: names of hosts, interfaces, and copies into sockets.
#include "vksocket.h"
#include <net/if.h>
#include <netdb.h>
#include <sys/sendfile.h>

static void look(const char *host, const char *port, int family, int flags) {
    struct addrinfo hint = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = 0;
    int e = getaddrinfo(host, port, &hint, &list);
    printf("  %s %s:", host ? host : "none", e ? "fails" : "is");
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        char h[64], s[16];
        getnameinfo(a->ai_addr, a->ai_addrlen, h, sizeof h, s, sizeof s, NI_NUMERICHOST | NI_NUMERICSERV);
        printf(" %s port %s", h, s);
    }
    printf("\n");
    if (!e) freeaddrinfo(list);
}

TEST(lookup_names) {
    look("127.0.0.1", "80", AF_UNSPEC, AI_NUMERICHOST);
    look("::1", "443", AF_UNSPEC, AI_NUMERICHOST);
    look("localhost", "8080", AF_INET, 0);
    look(0, "1", AF_INET, AI_PASSIVE);
    look(0, "1", AF_INET6, AI_PASSIVE);
    look("nonsense", "1", AF_INET, AI_NUMERICHOST);
}

TEST(lookup_interface) {
    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("none"));
    char name[IF_NAMESIZE];
    printf("  %s\n", if_indextoname(1, name) ? name : "none");
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq r = {.ifr_name = "lo"};
    RET(ioctl(s, SIOCGIFADDR, &r));
    printf("  %s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
    RET(ioctl(s, SIOCGIFNETMASK, &r));
    printf("  %s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
    RET(ioctl(s, SIOCGIFFLAGS, &r));
    SHOW(r.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
    RET(ioctl(s, SIOCGIFMTU, &r));
    SHOW(r.ifr_mtu);
    strcpy(r.ifr_name, "none");
    ERR(ioctl(s, SIOCGIFADDR, &r));
    struct ifreq list[8];
    struct ifconf c = {.ifc_len = sizeof list, .ifc_req = list};
    RET(ioctl(s, SIOCGIFCONF, &c));
    printf("  %s\n", list[0].ifr_name);
    ERR(ioctl(s, TCGETS, list));
}

TEST(socket_sendfile) {
    for (int kind = 0; kind < 2; kind++) {
        int p[2];
        if (kind)
            tcp_pair(p);
        else
            socketpair(AF_UNIX, SOCK_STREAM, 0, p);
        char text[5000], back[6000];
        for (int i = 0; i < 5000; i++) text[i] = (char)i;
        int f = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
        write(f, text, 5000);
        off_t off = 1000;
        RET(sendfile(p[0], f, &off, 3000));
        SHOW(off);
        RET(recv(p[1], back, 6000, MSG_WAITALL | MSG_DONTWAIT));
        CHECK(memcmp(back, text + 1000, 3000) == 0);
        int q[2];
        pipe(q);
        write(q[1], "through a pipe", 14);
        RET(splice(q[0], 0, p[0], 0, 100, 0));
        RET(splice(p[1], 0, q[1], 0, 100, 0));
        RET(read(q[0], back, 100));
        ERR(sendfile(f, p[0], 0, 1));
    }
}

TEST(socket_reopen) {
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    char name[64], to[64] = {0};
    sprintf(name, "/proc/self/fd/%d", s);
    ERR(open(name, O_RDWR));
    CHECK(readlink(name, to, 63) > 0);
    printf("  %.8s\n", to);
    struct stat st;
    RET(stat(name, &st));
    printf("  %o\n", st.st_mode);
    RET(fchmod(s, 0600));
    RET(ftruncate(s, 0));
    ERR(fsync(s));
}

// lines counts the lines of a file that have a text.
static int lines(const char *path, const char *text) {
    FILE *f = fopen(path, "r");
    char line[512];
    int n = 0;
    while (f && fgets(line, sizeof line, f)) n += strstr(line, text) != 0;
    if (f) fclose(f);
    return n;
}

TEST(socket_proc_net) {
    int port, l = listener4(&port), s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_INET6, SOCK_DGRAM, 0);
    char text[64];
    sprintf(text, ": 0100007F:%04X 00000000:0000 0A", port);
    SHOW(lines("/proc/net/tcp", text));
    struct sockaddr_in to = in4("127.0.0.1", port);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, SA(to));
    sprintf(text, " 0100007F:%04X 01", port);
    SHOW(lines("/proc/self/net/tcp", text));
    struct sockaddr_in6 six = in6("::1", 0);
    bind(d, SA(six));
    sprintf(text, ": 00000000000000000000000001000000:%04X ", port_of(d));
    SHOW(lines("/proc/net/udp6", text));
    struct sockaddr_un a = path_of("in_proc_net");
    bind(s, SA(a));
    listen(s, 1);
    SHOW(lines("/proc/net/unix", " 00010000 0001 01 ") > 0);
    SHOW(lines("/proc/net/unix", " in_proc_net"));
    (void)l;
}
