// Kinds of files, and rights, that execve refuses before any hashing.
#include "attack.h"
#include <sys/resource.h>
#include <sys/sysmacros.h>

CASE("kinds", directory) {
    must(mkdir("mark", 0755));
    WANT(run("mark", "EVIL"), EACCES);
    WANT(run("/", "EVIL"), EACCES);
    WANT(run(".", "EVIL"), EACCES);
    WANT(run("mark/..", "EVIL"), EACCES);
}

CASE("kinds", fifo_does_not_block) {
    must(mkfifo("mark", 0755));
    WANT(run("mark", "EVIL"), EACCES);
    pid_t pid = must(fork());
    if (pid == 0) {
        int fd = open("mark", O_WRONLY);
        for (;;) (void)!write(fd, EVIL_TEXT, strlen(EVIL_TEXT));
    }
    WANT(run("mark", "EVIL"), EACCES);
    kill(pid, SIGKILL);
}

CASE("kinds", fifo_as_interpreter) {
    must(unlink(INTERP));
    must(mkfifo(INTERP, 0755));
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
}

CASE("kinds", devices) {
    WANT(run("/dev/null", "EVIL"), EACCES);
    WANT(run("/dev/zero", "EVIL"), EACCES);
    WANT(run("/dev/stdin", "EVIL"), EACCES, ENOENT);
    chmod("/dev/null", 0777);
    chmod("/dev/zero", 0777);
    WANT(run("/dev/null", "EVIL"), EACCES);
    WANT(run("/dev/zero", "EVIL"), EACCES);
    int e = err(mknod("mark", S_IFCHR | 0755, makedev(1, 5)));
    if (e == 0) WANT(run("mark", "EVIL"), EACCES);
}

CASE("kinds", pipe_descriptor) {
    int p[2];
    must(pipe(p));
    must(write(p[1], EVIL_TEXT, strlen(EVIL_TEXT)));
    close(p[1]);
    WANT(run_at(p[0], "", AT_EMPTY_PATH, "EVIL"), EACCES);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", p[0]);
    WANT(run(name, "EVIL"), EACCES);
}

CASE("kinds", no_x_bit) {
    good_program("mark");
    must(chmod("mark", 0644));
    WANT(run("mark", "GOOD"), EACCES);
    must(chmod("mark", 0));
    WANT(run("mark", "GOOD"), EACCES);
    must(chmod("mark", 0100));
    WANT(run("mark", "GOOD"), 0); // root needs one x bit, and no right to read
}

CASE("kinds", x_bit_of_others) {
    good_program("mark");
    must(chmod("mark", 0700));
    must(chmod("/marks", 0777));
    pid_t pid = must(fork());
    if (pid == 0) {
        must(setgid(1000));
        must(setuid(1000));
        WANT(run("mark", "GOOD"), EACCES);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
    must(chmod("mark", 0711));
    pid = must(fork());
    if (pid == 0) {
        must(setgid(1000));
        must(setuid(1000));
        WANT(run("mark", "GOOD"), 0);
        WANT(err(open("mark", O_RDONLY)), EACCES);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
}

CASE("kinds", directory_without_search) {
    must(mkdir("d", 0700));
    good_program("d/mark");
    pid_t pid = must(fork());
    if (pid == 0) {
        must(setuid(1000));
        WANT(run("d/mark", "GOOD"), EACCES);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
}

CASE("kinds", unreadable_unlisted) {
    evil_program("mark");
    must(chmod("mark", 0111));
    pid_t pid = must(fork());
    if (pid == 0) {
        must(setuid(1000));
        WANT(run("mark", "EVIL"), EACCES);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
}

CASE("kinds", set_user_id_gives_no_unlisted_code) {
    evil_program("mark");
    must(chmod("mark", 06755));
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("kinds", files_of_proc) {
    WANT(run("/proc/version", "EVIL"), EACCES);
    WANT(run("/proc/self/mem", "EVIL"), EACCES, ENOENT);
    WANT(run("/proc/self/fd", "EVIL"), EACCES);
    WANT(run("/proc/1/exe", "do_nothing"), 0); // ours
    WANT(err(chmod("/proc/version", 0777)), EPERM, EROFS, EACCES);
}

CASE("kinds", binfmt_misc_is_not_there) {
    WANT(err(open("/proc/sys/fs/binfmt_misc/register", O_WRONLY)), ENOENT);
    WANT(err(mkdir("/proc/sys/fs/binfmt_misc", 0755)), ENOENT, EPERM, EACCES, EROFS, EEXIST);
    put_text("mark", "EVILMAGIC\n", 0755);
    WANT(run("mark", "EVIL"), EACCES);
    WANT(err(open("/proc/sys/kernel/modprobe", O_WRONLY)), ENOENT, EACCES);
    WANT(err(open("/proc/sys/kernel/core_pattern", O_WRONLY)), ENOENT, EACCES);
}

CASE("kinds", no_exec_by_mount) {
    WANT(err(syscall(SYS_mount, "none", "/case", "tmpfs", 0L, "")), EPERM, ENOSYS);
    WANT(err(syscall(SYS_mount, "/case", "/bin", "", 4096L, "")), EPERM, ENOSYS); // MS_BIND
    WANT(err(syscall(SYS_mount, "overlay", "/bin", "overlay", 0L, "lowerdir=/bin,upperdir=/case,workdir=/tmp")), EPERM,
         ENOSYS);
    WANT(err(syscall(SYS_umount2, "/tmp", 0L)), EPERM, ENOSYS);
    WANT(err(syscall(SYS_pivot_root, "/case", "/case")), EPERM, ENOSYS);
    WANT(err(syscall(SYS_unshare, 0x20000L)), EPERM, ENOSYS);
    WANT(err(syscall(SYS_setns, 0L, 0L)), EPERM, ENOSYS);
    WANT(err(syscall(428, (long)AT_FDCWD, "/case", 1L)), EPERM, ENOSYS);                         // open_tree
    WANT(err(syscall(429, (long)AT_FDCWD, "/case", (long)AT_FDCWD, "/bin", 0L)), EPERM, ENOSYS); // move_mount
    WANT(err(syscall(430, "tmpfs", 0L)), EPERM, ENOSYS);                                         // fsopen
}

CASE("kinds", files_of_noexec_mounts) {
    char line[1024];
    FILE *f = fopen("/proc/mounts", "r");
    if (!f) cannot("/proc/mounts");
    while (fgets(line, sizeof line, f)) {
        char target[256], type[64], flags[512], path[300];
        if (sscanf(line, "%*s %255s %63s %511s", target, type, flags) != 3) continue;
        if (!strstr(flags, "noexec")) continue;
        snprintf(path, sizeof path, "%s/mark", target);
        int fd = open(path, O_WRONLY | O_CREAT, 0755);
        if (fd < 0) continue;
        close(fd);
        copy(MARK, path);
        WANT(run(path, "GOOD"), EACCES);
        unlink(path);
    }
    fclose(f);
}
