#include "vktest.h"
#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <termios.h>

TEST(uname_and_hostname) {
    struct utsname u;
    RET(uname(&u));
    printf("  %s\n", u.sysname);
    CHECK(u.nodename[0] && u.release[0] && u.machine[0]);
    char host[65];
    RET(gethostname(host, sizeof host));
    CHECK(!strcmp(host, u.nodename));
}

TEST(sysinfo_answers) {
    struct sysinfo s;
    RET(sysinfo(&s));
    CHECK(s.totalram > 0 && s.mem_unit > 0 && s.procs > 0);
}

TEST(getrandom_rules) {
    char a[16] = {0}, b[16] = {0};
    RET(getrandom(a, 16, 0));
    RET(getrandom(b, 16, GRND_NONBLOCK));
    CHECK(memcmp(a, b, 16) != 0);
    RET(getrandom(a, 16, 0x100));
    RET(getentropy(a, 16));
}

TEST(prctl_name) {
    char name[16] = {0};
    RET(prctl(PR_SET_NAME, "a-name-longer-than-fifteen"));
    RET(prctl(PR_GET_NAME, name));
    printf("  %s\n", name);
    RET(prctl(PR_SET_PDEATHSIG, SIGHUP));
    int sig = 0;
    RET(prctl(PR_GET_PDEATHSIG, &sig));
    SHOW(sig);
    RET(prctl(PR_SET_PDEATHSIG, 99));
    RET(prctl(99999));
}

TEST(fcntl_descriptor_flags) {
    int fd = open("/dev/null", O_RDWR);
    RET(fcntl(fd, F_GETFD));
    RET(fcntl(fd, F_SETFD, FD_CLOEXEC));
    RET(fcntl(fd, F_GETFD));
    CHECK(fcntl(fd, F_DUPFD, 100) == 100);
    RET(fcntl(100, F_GETFD));
    CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 100) == 101);
    RET(fcntl(101, F_GETFD));
    RET(fcntl(fd, F_DUPFD, -1));
    RET(fcntl(fd, F_DUPFD, 1 << 30));
    RET(fcntl(fd, 9999, 0));
    RET(fcntl(99, F_GETFD));
    SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
    RET(syscall(SYS_close_range, 100, 200, 0));
    ERR(fcntl(100, F_GETFD));
    RET(syscall(SYS_close_range, 5, 4, 0));
    RET(close(99));
}

TEST(fcntl_record_locks) {
    write_file("f", "0123456789");
    int fd = open("f", O_RDWR);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
    RET(fcntl(fd, F_SETLK, &l));
    fflush(stdout);
    if (fork() == 0) {
        struct flock q = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
        RET(fcntl(fd, F_GETLK, &q));
        printf("  type %d start %d len %d parent %d\n", q.l_type == F_WRLCK, (int)q.l_start, (int)q.l_len,
               q.l_pid == getppid());
        q.l_type = F_WRLCK, q.l_start = 4, q.l_len = 2;
        RET(fcntl(fd, F_SETLK, &q));
        q.l_start = 5;
        RET(fcntl(fd, F_SETLK, &q));
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    l.l_type = F_UNLCK;
    RET(fcntl(fd, F_SETLK, &l));
    l.l_type = 77;
    RET(fcntl(fd, F_SETLK, &l));
}

TEST(flock_rules) {
    int a = open("f", O_RDWR | O_CREAT, 0644), b = open("f", O_RDWR);
    RET(flock(a, LOCK_EX));
    RET(flock(b, LOCK_EX | LOCK_NB));
    RET(flock(a, LOCK_SH));
    RET(flock(b, LOCK_SH | LOCK_NB));
    RET(flock(a, LOCK_EX | LOCK_NB));
    RET(flock(b, LOCK_UN));
    RET(flock(a, LOCK_EX | LOCK_NB));
    close(a);
    RET(flock(b, LOCK_EX | LOCK_NB));
    RET(flock(b, 99));
}

TEST(ioctl_on_files) {
    struct winsize ws;
    struct termios t;
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    RET(ioctl(fd, TIOCGWINSZ, &ws));
    RET(tcgetattr(fd, &t));
    RET(isatty(fd));
    RET(ioctl(99, TIOCGWINSZ, &ws));
    int on = 1;
    RET(ioctl(fd, FIONBIO, &on));
    SHOW(fcntl(fd, F_GETFL) & O_NONBLOCK ? 1 : 0);
    RET(ioctl(fd, FIOCLEX));
    RET(fcntl(fd, F_GETFD));
    RET(ioctl(fd, FIONCLEX));
    RET(fcntl(fd, F_GETFD));
}

TEST(memfd_is_a_file) {
    int fd = syscall(SYS_memfd_create, "name", 1);
    CHECK(fd >= 0);
    RET(write(fd, "abc", 3));
    RET(lseek(fd, 0, SEEK_SET));
    char buf[4] = {0};
    RET(read(fd, buf, 4));
    printf("  [%s]\n", buf);
    struct stat st;
    RET(fstat(fd, &st));
    SHOW(st.st_nlink);
}

TEST(sched_calls) {
    RET(sched_yield());
    struct timespec ts = {-1, -1};
    RET(sched_rr_get_interval(0, &ts));
    CHECK(ts.tv_sec == 0 && ts.tv_nsec >= 0);
    RET(sched_rr_get_interval(-1, &ts));
    RET(sched_rr_get_interval(999999, &ts));
    RET(sched_rr_get_interval(0, (void *)16));
    cpu_set_t set;
    CPU_ZERO(&set);
    RET(sched_getaffinity(0, sizeof set, &set));
    CHECK(CPU_COUNT(&set) >= 1);
    unsigned cpu;
    RET(syscall(SYS_getcpu, &cpu, 0L, 0L));
}

// show_affinity prints whether the process has one processor, and that it is the one expected.
static void show_affinity(const char *who, int want) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set))
        printf("  %s: failed\n", who);
    else
        printf("  %s: %s\n", who, CPU_COUNT(&set) == 1 && CPU_ISSET(want, &set) ? "one" : "others");
}

TEST(sched_affinity_is_inherited) {
    cpu_set_t all, one, none;
    CPU_ZERO(&none);
    CPU_ZERO(&one);
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all)) cpu++;
    CPU_SET(cpu, &one);
    RET(sched_setaffinity(0, sizeof none, &none));
    RET(sched_setaffinity(999999, sizeof one, &one));
    RET(sched_setaffinity(-1, sizeof one, &one));
    RET(sched_setaffinity(0, sizeof one, (void *)16));
    RET(sched_getaffinity(999999, sizeof one, &none));
    RET(sched_setaffinity(0, sizeof one, &one));
    show_affinity("itself", cpu);
    fflush(stdout);
    if (fork() == 0) {
        show_affinity("child", cpu);
        CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    show_affinity("still", cpu);
    CHECK(sched_setaffinity(getpid(), sizeof all, &all) == 0);
    cpu_set_t now;
    CPU_ZERO(&now);
    CHECK(sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &all));
}

TEST(proc_self) {
    char buf[256] = {0};
    int fd = open("/dev/null", O_RDONLY);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    RET(readlink(path, buf, sizeof buf));
    printf("  [%s]\n", buf);
    char me[32];
    snprintf(me, sizeof me, "%d", getpid());
    memset(buf, 0, sizeof buf);
    CHECK(readlink("/proc/self", buf, sizeof buf) > 0);
    CHECK(!strcmp(buf, me));
    char cwd[256] = {0}, link[256] = {0};
    CHECK(getcwd(cwd, sizeof cwd) && readlink("/proc/self/cwd", link, sizeof link) > 0);
    CHECK(!strcmp(cwd, link));
    CHECK(strstr(read_file("/proc/self/status"), "\nPid:\t") != 0);
    CHECK(strtol(read_file("/proc/self/stat"), 0, 10) == getpid());
    ERR(access("/proc/999999", F_OK));
    ERR(open("/proc/self/none", O_RDONLY));
    CHECK(strtod(read_file("/proc/uptime"), 0) > 0);
    CHECK(strstr(read_file("/proc/meminfo"), "MemTotal:") != 0);
    CHECK(strstr(read_file("/proc/mounts"), " / ") != 0);
    CHECK(strchr(read_file("/proc/loadavg"), '/') != 0);
    CHECK(strstr(read_file("/proc/stat"), "cpu ") != 0);
    CHECK(strstr(read_file("/proc/version"), "Linux") != 0);
}

TEST(reopen_by_proc_fd) {
    write_file("f", "abc");
    int fd = open("f", O_RDONLY);
    char path[64], c;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR);
    CHECK(again >= 0);
    RET(read(fd, &c, 1));
    RET(lseek(again, 0, SEEK_CUR)); // a new description
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    ERR(open(path, O_RDONLY));
    ERR(open("/dev/fd/999", O_RDONLY));
}

TEST(refused_calls) {
    CHECK(syscall(SYS_reboot, 1L, 2L, 3L, 0L) == -1); // EINVAL for a host's root, EPERM for a container's
    ERR(syscall(SYS_kexec_load, 0L, 0L, 0L, 1L) == 0 ? 0 : -1);
    RET(syscall(SYS_membarrier, 0L, 0L, 0L) >= 0);
}
