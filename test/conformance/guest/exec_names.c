// Names by which unlisted content may be reached.
#include "attack.h"
#include <spawn.h>

extern char **environ;

CASE("names", symbolic_link) {
    evil_program("mark");
    must(symlink("mark", "l"));
    must(symlink("l", "ll"));
    WANT(run("l", "EVIL"), EACCES);
    WANT(run("ll", "EVIL"), EACCES);
    must(symlink(MARK, "good"));
    WANT(run("good", "GOOD"), 0);
}

CASE("names", symbolic_link_in_place_of_a_program) {
    evil_program("mark");
    must(unlink(MARK));
    must(symlink("/case/mark", MARK));
    WANT(run(MARK, "EVIL"), EACCES);
}

CASE("names", symbolic_link_loop_and_dangling) {
    must(symlink("loop", "loop"));
    must(symlink("none", "dangling"));
    WANT(run("loop", "EVIL"), ELOOP);
    WANT(run("dangling", "EVIL"), ENOENT);
    WANT(run("none", "EVIL"), ENOENT);
    WANT(run("", "EVIL"), ENOENT);
}

CASE("names", hard_link) {
    evil_program("mark");
    must(link("mark", "l"));
    WANT(run("l", "EVIL"), EACCES);
    must(link(MARK, "good"));
    WANT(run("good", "GOOD"), 0);
    append("good", "x"); // the same file under both names
    WANT(run("good", "EVIL"), EACCES);
    WANT(run(MARK, "EVIL"), EACCES);
}

CASE("names", proc_self_exe) {
    int fd = must(open("/proc/self/exe", O_RDONLY));
    evil_program("mark");
    WANT(err(open("/proc/self/exe", O_WRONLY)), ETXTBSY, EACCES);
    close(fd);
    must(unlink("/bin/attack"));
    must(rename("mark", "/bin/attack"));
    WANT(run("/bin/attack", "EVIL"), EACCES);
    WANT(run("/proc/self/exe", "do_nothing"), 0); // the program that runs, still listed
}

CASE("names", proc_fd_of_unlisted_file) {
    evil_program("mark");
    char name[64];
    int fd = must(open("mark", O_RDONLY));
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    WANT(run(name, "EVIL"), EACCES);
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    WANT(run(name, "EVIL"), EACCES);
    int path = must(open("mark", O_PATH));
    snprintf(name, sizeof name, "/proc/self/fd/%d", path);
    WANT(run(name, "EVIL"), EACCES);
}

CASE("names", proc_fd_of_another_process) {
    evil_program("mark");
    int fd = must(open("mark", O_RDONLY)), p[2];
    must(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        close(p[1]);
        (void)!read(p[0], &c, 1);
        _exit(0);
    }
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, fd);
    WANT(run(name, "EVIL"), EACCES);
    snprintf(name, sizeof name, "/proc/%d/cwd/mark", pid);
    WANT(run(name, "EVIL"), EACCES);
    snprintf(name, sizeof name, "/proc/%d/root/case/mark", pid);
    WANT(run(name, "EVIL"), EACCES);
    close(p[1]);
    waitpid(pid, 0, 0);
}

CASE("names", proc_magic_directories) {
    evil_program("mark");
    WANT(run("/proc/self/cwd/mark", "EVIL"), EACCES);
    WANT(run("/proc/self/root/case/mark", "EVIL"), EACCES);
    WANT(run("/proc/thread-self/cwd/mark", "EVIL"), EACCES, ENOENT);
    WANT(run("/proc/self/environ", "EVIL"), EACCES);
    WANT(run("/proc/self/cmdline", "EVIL"), EACCES);
    WANT(run("/proc/self/maps", "EVIL"), EACCES);
}

CASE("names", descriptor_with_empty_path) {
    evil_program("mark");
    int fd = must(open("mark", O_RDONLY));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    int path = must(open("mark", O_PATH));
    WANT(run_at(path, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    WANT(run_at(fd, "", 0, "EVIL"), ENOENT);
    int good = must(open(MARK, O_RDONLY));
    WANT(run_at(good, "", AT_EMPTY_PATH, "GOOD"), 0);
}

CASE("names", descriptor_of_a_directory) {
    must(mkdir("d", 0755));
    evil_program("d/mark");
    int fd = must(open("d", O_RDONLY | O_DIRECTORY));
    WANT(run_at(fd, "mark", 0, "EVIL"), EACCES);
    WANT(run_at(fd, "../d/mark", 0, "EVIL"), EACCES);
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    must(symlink("mark", "d/l"));
    WANT(run_at(fd, "l", AT_SYMLINK_NOFOLLOW, "EVIL"), ELOOP);
    WANT(run_at(fd, "l", 0, "EVIL"), EACCES);
}

CASE("names", execveat_bad_arguments) {
    WANT(run_at(AT_FDCWD, MARK, 0x80000, "EVIL"), EINVAL);
    WANT(run_at(999, "mark", 0, "EVIL"), EBADF);
    WANT(run_at(999, "", AT_EMPTY_PATH, "EVIL"), EBADF);
    int fd = must(open(MARK, O_RDONLY));
    WANT(run_at(fd, "x", 0, "EVIL"), ENOTDIR);
    WANT(run_at(fd, (char *)0, AT_EMPTY_PATH, "EVIL"), EFAULT, EACCES, 0);
}

static int by_fexecve(void *fd) {
    char *argv[] = {"mark", "EVIL", 0};
    fexecve(*(int *)fd, argv, environ);
    return errno;
}

CASE("names", fexecve_of_unlisted_file) {
    evil_program("mark");
    int fd = must(open("mark", O_RDONLY | O_CLOEXEC));
    WANT(run_with(by_fexecve, &fd), EACCES);
    evil_script("s");
    fd = must(open("s", O_RDONLY));
    WANT(run_with(by_fexecve, &fd), EACCES);
}

CASE("names", posix_spawn_of_unlisted_file) {
    evil_program("mark");
    char *argv[] = {"mark", "EVIL", 0};
    pid_t pid;
    WANT(posix_spawn(&pid, "mark", 0, 0, argv, environ), EACCES);
    must(setenv("PATH", "/case", 1));
    WANT(posix_spawnp(&pid, "mark", 0, 0, argv, environ), EACCES);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, "/case");
    WANT(posix_spawn(&pid, "./mark", &actions, 0, argv, environ), EACCES);
}

CASE("names", path_search) {
    evil_program("ls");
    must(setenv("PATH", "/case:/bin", 1));
    char *argv[] = {"ls", "EVIL", 0};
    pid_t pid = fork();
    if (pid == 0) {
        execvp("ls", argv); // finds ours, EACCES, goes on to /bin/ls, which is listed and knows no EVIL
        _exit(9);
    }
    waitpid(pid, 0, 0);
    WANT(run("/case/ls", "EVIL"), EACCES);
}

CASE("names", deleted_file) {
    evil_program("mark");
    int fd = must(open("mark", O_RDONLY));
    must(unlink("mark"));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    WANT(run(name, "EVIL"), EACCES);
}

CASE("names", deleted_listed_file_then_changed) {
    good_program("mark");
    int fd = must(open("mark", O_RDWR));
    int ro = must(open("mark", O_RDONLY));
    must(unlink("mark"));
    must(lseek(fd, 0, SEEK_END));
    must(write(fd, "x", 1));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

CASE("names", nameless_file) {
    int fd = must(open("/case", O_TMPFILE | O_RDWR, 0755));
    must(write(fd, EVIL_TEXT, strlen(EVIL_TEXT)));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES, ETXTBSY);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int ro = must(open(name, O_RDONLY));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ro);
    must(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    WANT(run("named", "EVIL"), EACCES);
}

CASE("names", odd_forms_of_a_path) {
    evil_program("mark");
    WANT(run("//case//mark", "EVIL"), EACCES);
    WANT(run("/case/../case/./mark", "EVIL"), EACCES);
    WANT(run("/bin/../case/mark", "EVIL"), EACCES);
    WANT(run("mark/", "EVIL"), ENOTDIR);
    WANT(run("mark/.", "EVIL"), ENOTDIR);
    WANT(run("/bin/mark/../../case/mark", "EVIL"), ENOTDIR);
}

CASE("names", case_and_unicode) {
    static const char *const names[] = {"MARK",
                                        "Mark",
                                        "mark ",
                                        "mark\n",
                                        "mark.",
                                        "m\xc3\xa4rk",
                                        "ma\xcc\x88rk",
                                        "\xef\xbb\xbfmark",
                                        "mark\xe2\x80\xae",
                                        "mark\xff\xfe",
                                        "\xc0\xafmark",
                                        "mark\\..\\x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        evil_program(names[i]);
        WANT(run(names[i], "EVIL"), EACCES);
    }
    WANT(run("/bin/MARK", "EVIL"), ENOENT);
    WANT(run("/BIN/mark", "EVIL"), ENOENT);
}

CASE("names", listed_paths_mean_nothing) {
    evil_program("/usr/local/bin/mark");
    WANT(run("/usr/local/bin/mark", "EVIL"), EACCES);
    evil_program("evil");
    must(rename("/bin", "/bin.old"));
    must(mkdir("/bin", 0755));
    must(rename("evil", MARK));
    WANT(run(MARK, "EVIL"), EACCES);
    WANT(run("/bin.old/mark", "GOOD"), 0);
}

CASE("names", changed_root) {
    must(mkdir("root", 0755));
    must(mkdir("root/bin", 0755));
    evil_program("root/bin/mark");
    pid_t pid = fork();
    if (pid == 0) {
        must(chroot("root"));
        must(chdir("/"));
        WANT(run("/bin/mark", "EVIL"), EACCES);
        _exit(0);
    }
    waitpid(pid, 0, 0);
}

CASE("names", interpreter_in_a_changed_root) {
    must(mkdir("root", 0755));
    must(mkdir("root/bin", 0755));
    evil_program("root/bin/interp");
    good_script("root/s");
    pid_t pid = fork();
    if (pid == 0) {
        must(chroot("root"));
        must(chdir("/"));
        WANT(run("/s", "EVIL"), EACCES);
        _exit(0);
    }
    waitpid(pid, 0, 0);
}

CASE("names", too_long) {
    static char name[5000];
    memset(name, 'a', 300);
    WANT(run(name, "EVIL"), ENAMETOOLONG);
    for (int i = 0; i < 4998; i += 2) name[i] = '.', name[i + 1] = '/';
    WANT(run(name, "EVIL"), ENAMETOOLONG);
}
