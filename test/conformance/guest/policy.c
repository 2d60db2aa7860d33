// What a signer's policy forbids. The driver gives the policy of the same name to the entry of
// this program.
#include "attack.h"
#include <sys/prctl.h>
#include <sys/resource.h>

HOST_CASE(withheld_call_is_refused) {
    put_text("f", "text", 0644);
    int fd = must(open("f", O_RDWR));
    WANT(err(ftruncate(fd, 0)), EPERM);
    WANT(err(memfd_create("x", 0)), EPERM);
    WANT(err(symlink("f", "l")), EPERM);
    WANT(err(syscall(SYS_ftruncate, (long)fd, 0L)), EPERM);
    WANT(err(access("l", F_OK)), ENOENT);
    pid_t pid = must(fork());
    if (pid == 0) {
        WANT(err(symlink("f", "l")), EPERM);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
}

HOST_CASE(withheld_call_kills) {
    put_text("f", "text", 0644);
    int status;
    pid_t pid = must(fork());
    if (pid == 0) {
        signal(SIGSYS, SIG_IGN);
        int fd = open("f", O_RDWR);
        (void)!ftruncate(fd, 0);
        _exit(0);
    }
    must(waitpid(pid, &status, 0));
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) bad("wait status %x, expected SIGSYS", status);
    struct stat st;
    must(stat("f", &st));
    if (st.st_size != 4) bad("the call was made");
}

HOST_CASE(starts_nothing) {
    WANT(run(MARK, "EVIL"), EACCES);
    WANT(run_forked(MARK, "EVIL"), EACCES);
    WANT(run_at(must(open(MARK, O_RDONLY)), "", AT_EMPTY_PATH, "EVIL"), EACCES);
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
    WANT(run("/proc/self/exe", "do_nothing"), EACCES);
    good_program("mark");
    WANT(run("mark", "EVIL"), EACCES);
    WANT(check(MARK), EACCES);
}

HOST_CASE(starts_one_program_alone) {
    WANT(run(MARK, "EVIL"), EACCES);
    WANT(run(GOOD_SCRIPT, "GOOD"), 0); // its interpreter is interp
    WANT(run("/bin/sh", "EVIL"), EACCES);
    must(unlink(INTERP));
    copy(MARK, INTERP);
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES); // what is in its place may not be started
}

static int shell(const char *command) {
    pid_t pid = must(fork());
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)0);
        _exit(99);
    }
    int status;
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The policy is inherited: what we may not start, nobody whom we start may start for us.
HOST_CASE(deputy_that_starts_for_it) {
    int s;
    if ((s = shell("exit 7")) != 7) bad("the shell may be started: status %d", s);
    if ((s = shell("/bin/mark EVIL")) != 126) bad("mark by a shell: status %d", s);
    if ((s = shell("exec /bin/mark EVIL")) != 126) bad("mark by exec in a shell: status %d", s);
    if ((s = shell("/bin/busybox sh -c '/bin/mark EVIL'")) != 126) bad("mark by two shells: status %d", s);
    if ((s = shell("busybox env /bin/mark EVIL")) != 126) bad("mark by env: status %d", s);
    if ((s = shell("echo EVIL | busybox xargs /bin/mark")) == STATUS_GOOD) bad("mark by xargs: status %d", s);
    shell("busybox find /opt/data.txt -exec /bin/mark EVIL \\;");
    shell("/opt/good.sh");
    WANT(run(MARK, "EVIL"), EACCES);
}

HOST_CASE(deputy_with_more_rights) {
    WANT(err(symlink("x", "l")), EPERM);
    shell(
        "ln -s /opt l; busybox ln -s /opt l; rm /opt/data.txt; busybox rm -f /opt/data.txt; exec busybox ln -s /opt l");
    WANT(err(access("/opt/data.txt", F_OK)), 0);
    struct stat st;
    WANT(err(lstat("l", &st)), ENOENT);
}

// Without inherit a child that executes has its own policy, and one that does not has ours.
HOST_CASE(policy_of_a_child) {
    pid_t pid = must(fork());
    if (pid == 0) {
        WANT(err(symlink("x", "l")), EPERM);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
    shell("busybox ln -s /opt l");
    struct stat st;
    WANT(err(lstat("l", &st)), 0);
}

HOST_CASE(paths_that_are_open) {
    int fd;
    WANT(err(open("/case/new", O_WRONLY | O_CREAT, 0644)), 0);
    WANT(err(open("/opt/data.txt", O_RDONLY)), 0);
    WANT(err(open("/opt/data.txt", O_WRONLY)), EACCES);
    WANT(err(open("/etc/passwd", O_RDONLY)), EACCES);
    WANT(err(open("/case/../etc/passwd", O_RDONLY)), EACCES);
    WANT(err(open("/opt/../etc/passwd", O_RDONLY)), EACCES);
    must(symlink("/etc/passwd", "/case/l"));
    WANT(err(open("/case/l", O_RDONLY)), EACCES);
    must(symlink("/etc", "/case/d"));
    WANT(err(open("/case/d/passwd", O_RDONLY)), EACCES);
    WANT(err(open("/proc/self/root/etc/passwd", O_RDONLY)), EACCES);
    WANT(err(link("/etc/passwd", "/case/h")), EACCES);
    WANT(err(rename("/etc/passwd", "/case/h")), EACCES);
    WANT(err(rename("/opt/data.txt", "/case/h")), EACCES);
    WANT(err(unlink("/opt/data.txt")), EACCES);
    WANT(err(truncate("/opt/data.txt", 0)), EACCES);
    WANT(err(chmod("/opt/evil.sh", 0755)), EACCES);
    WANT(err(mkdir("/opt/new", 0755)), EACCES);
    WANT(err(symlink("x", "/opt/new")), EACCES);
    struct stat st;
    WANT(err(stat("/etc/passwd", &st)), EACCES);
    fd = open("/etc", O_PATH);
    if (fd >= 0) WANT(err(openat(fd, "passwd", O_RDONLY)), EACCES);
    fd = open("/", O_RDONLY | O_DIRECTORY);
    if (fd >= 0) WANT(err(openat(fd, "etc/passwd", O_RDONLY)), EACCES);
    WANT(err(chdir("/etc") || open("passwd", O_RDONLY) < 0 ? -1 : 0), EACCES);
    WANT(run(MARK, "GOOD"), 0);
    evil_program("mark");
    WANT(run("mark", "EVIL"), EACCES);
}

HOST_CASE(values_of_arguments) {
    char name[16];
    WANT(err(prctl(PR_SET_NAME, "x", 0, 0, 0)), 0);
    WANT(err(prctl(PR_GET_NAME, name, 0, 0, 0)), 0);
    WANT(err(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)), EPERM);
    WANT(err(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)), EPERM);
    WANT(err(syscall(SYS_prctl, 0x10000000fL, "x", 0L, 0L, 0L)), 0, EPERM); // the upper half is not looked at
    WANT(err(fcntl(1, F_GETFD)), 0);
    WANT(err(fcntl(1, F_DUPFD, 10)), EPERM);
}

HOST_CASE(limits_of_an_entry) {
    struct rlimit r;
    must(getrlimit(RLIMIT_AS, &r));
    if (r.rlim_max != 64 << 20) bad("RLIMIT_AS is %lld", (long long)r.rlim_max);
    r.rlim_cur = r.rlim_max = RLIM_INFINITY;
    WANT(err(setrlimit(RLIMIT_AS, &r)), EPERM);
    if (mmap(0, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) bad("128 MB were mapped");
    int status;
    pid_t pid = must(fork());
    if (pid == 0)
        for (volatile int i = 0;; i++) {}
    must(waitpid(pid, &status, 0));
    if (!WIFSIGNALED(status)) bad("a process ran longer than its limit: %x", status);
}

HOST_CASE(securebits_of_an_entry) {
    const int expected = 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11;
    if ((prctl(PR_GET_SECUREBITS) & expected) != expected) bad("the bits are %x", prctl(PR_GET_SECUREBITS));
    WANT(err(prctl(PR_SET_SECUREBITS, 0)), EPERM);
    int s;
    put_text("evil.sh", "/bin/mark EVIL\n", 0755);
    if ((s = shell("/bin/mark EVIL")) == STATUS_GOOD) bad("sh -c ran");
}
