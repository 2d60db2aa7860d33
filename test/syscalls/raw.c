// Calls that the C library reaches in another way: each by its number.
#include "vktest.h"
#include <sched.h>
#include <sys/syscall.h>

TEST(raw_time_calls) {
    int64_t tv[2] = {0}, tz[1];
    RET(syscall(SYS_gettimeofday, tv, 0L));
    CHECK(tv[0] > 1700000000 && tv[1] >= 0 && tv[1] < 1000000);
    RET(syscall(SYS_gettimeofday, 0L, tz));
    int64_t t = 0;
    CHECK(syscall(SYS_time, &t) >= tv[0]);
    CHECK(t >= tv[0]);
    syscall(SYS_alarm, 0L);
    RET(syscall(SYS_alarm, 50L));
    CHECK(syscall(SYS_alarm, 0L) > 0);
    tv[0] = 0, tv[1] = 1000;
    RET(syscall(SYS_select, 0L, 0L, 0L, 0L, tv));
    tv[1] = 1000000;
    RET(syscall(SYS_settimeofday, tv, 0L) == -1);
    RET(syscall(SYS_clock_settime, 99L, tv) == -1);
}

TEST(raw_file_times) {
    write_file("f", "");
    int64_t times[2] = {100, 200}, tv[4] = {300, 1, 400, 2};
    struct stat st;
    RET(syscall(SYS_utime, "f", times));
    RET(stat("f", &st));
    printf("  %lld %lld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);
    RET(syscall(SYS_utimes, "f", tv));
    RET(stat("f", &st));
    printf("  %lld %lld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);
    tv[0] = 500;
    RET(syscall(SYS_futimesat, (long)AT_FDCWD, "f", tv));
    RET(stat("f", &st));
    printf("  %lld %lld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);
    tv[1] = 1000000;
    RET(syscall(SYS_utimes, "f", tv));
    CHECK(syscall(SYS_creat, "g", 0600L) >= 0);
    RET(stat("g", &st));
    printf("  %o\n", st.st_mode);
}

TEST(raw_limits_and_group) {
    uint64_t limit[2] = {0, 0};
    RET(syscall(SYS_getrlimit, 7L, limit));
    limit[0] = 64;
    RET(syscall(SYS_setrlimit, 7L, limit));
    limit[0] = 0;
    RET(syscall(SYS_getrlimit, 7L, limit));
    SHOW(limit[0]);
    CHECK(syscall(SYS_getpgrp) == getpgrp());
}

static int by_exit(void *unused) {
    (void)unused;
    syscall(SYS_exit, 6L);
    return 1;
}

static int by_clone(void *unused) {
    (void)unused;
    long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0) _exit(8);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
    return 0;
}

TEST(raw_exit_and_clone) {
    run_child(by_exit, 0);
    run_child(by_clone, 0);
}

TEST(raw_futex) {
    int word = 1;
    struct {
        int64_t sec, nsec;
    } ts = {0, 1000000};
    RET(syscall(SYS_futex, &word, 0L, 2L, 0L, 0L, 0L));
    RET(syscall(SYS_futex, &word, 0L, 1L, &ts, 0L, 0L));
    RET(syscall(SYS_futex, &word, 1L, 1L, 0L, 0L, 0L));
    RET(syscall(SYS_futex, (char *)&word + 1, 0L, 1L, 0L, 0L, 0L));
    RET(syscall(SYS_futex, &word, 99L, 1L, 0L, 0L, 0L));
}

TEST(raw_robust_list) {
    static struct {
        size_t next;
        long offset;
        size_t pending;
    } head;
    size_t at, len;
    head.next = (size_t)&head;
    ERR(syscall(SYS_set_robust_list, &head, sizeof head));
    ERR(syscall(SYS_set_robust_list, &head, 1L));
    (void)at, (void)len;
    ERR(syscall(SYS_get_robust_list, 999999L, &at, &len));
}

TEST(raw_memory_locks) {
    static char page[8192];
    RET(syscall(SYS_mlock2, page, 4096L, 0L));
    RET(syscall(SYS_mlock2, page, 4096L, 77L));
    RET(syscall(SYS_munlockall));
    RET(syscall(SYS_mlockall, 0L));
}

TEST(raw_scheduler) {
    RET(syscall(SYS_sched_getscheduler, 0L));
    RET(syscall(SYS_sched_getscheduler, 999999L));
    RET(syscall(SYS_sched_get_priority_max, 0L));
    RET(syscall(SYS_sched_get_priority_min, 1L));
    RET(syscall(SYS_sched_get_priority_max, 1L));
    RET(syscall(SYS_sched_get_priority_max, 77L));
    int param = 5;
    RET(syscall(SYS_sched_getparam, 0L, &param));
    SHOW(param);
    RET(syscall(SYS_sched_setscheduler, 0L, 0L, &param));
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    RET(syscall(SYS_sched_setaffinity, 0L, (long)sizeof set, &set));
    CPU_ZERO(&set);
    RET(syscall(SYS_sched_setaffinity, 0L, (long)sizeof set, &set));
}

TEST(raw_identity) {
    enum { VERSION_3 = 0x20080522 };
    struct {
        uint32_t version;
        int pid;
    } header = {VERSION_3, 0};
    uint32_t data[6];
    RET(syscall(SYS_capget, &header, data));
    header.version = 1;
    RET(syscall(SYS_capget, &header, data));
    header.version = VERSION_3;
    header.pid = 999999;
    RET(syscall(SYS_capget, &header, data));
    header.pid = 0;
    RET(syscall(SYS_capset, &header, data) >= -1);
    RET(syscall(SYS_setfsuid, -1L));
    RET(syscall(SYS_setfsgid, -1L));
    RET(syscall(SYS_personality, 0xffffffffL));
}

static int as_nobody(void *unused) {
    (void)unused;
    RET(setuid(1000));
    RET(syscall(SYS_sethostname, "x", 1L));
    RET(syscall(SYS_setdomainname, "x", 1L));
    RET(syscall(SYS_syslog, 5L, 0L, 0L));
    return 0;
}

TEST(raw_privileged) {
    if (geteuid() == 0) run_child(as_nobody, 0);
}
