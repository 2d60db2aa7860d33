// Descriptors that are passed over UNIX sockets: the receiver may execute through one what it
// may execute anyway, and nothing else.
#include "attack.h"
#include "passing.h"

// passed gives what a child that sends fd is received as; fd is closed here, so that the passed
// one is the last.
static int passed(int fd) {
    int p[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    pid_t pid = must(fork());
    if (pid == 0) {
        pass(p[1], fd);
        _exit(0);
    }
    close(fd);
    close(p[1]);
    int got = receive(p[0]);
    must(waitpid(pid, 0, 0));
    close(p[0]);
    return got;
}

static int by_fexecve(void *fd) {
    char *argv[] = {"mark", "EVIL", 0}, *env[] = {0};
    fexecve(*(int *)fd, argv, env);
    return errno;
}

static void each_way(int fd, int expected) {
    char name[64], again[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    snprintf(again, sizeof again, "/dev/fd/%d", fd);
    WANT(run_with(by_fexecve, &fd), expected);
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), expected);
    WANT(run(name, "EVIL"), expected);
    WANT(run_forked(name, "EVIL"), expected);
    WANT(check_fd(fd), expected);
    WANT(run(again, "EVIL"), expected, ENOENT);
}

CASE("passing", passed_unlisted_file) {
    evil_program("mark");
    each_way(passed(must(open("mark", O_RDONLY))), EACCES);
}

CASE("passing", passed_unlisted_path_descriptor) {
    evil_program("mark");
    int fd = passed(must(open("mark", O_PATH)));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

CASE("passing", passed_unlisted_file_that_is_unlinked) {
    evil_program("mark");
    int fd = must(open("mark", O_RDONLY));
    must(unlink("mark"));
    each_way(passed(fd), EACCES);
}

CASE("passing", passed_unlisted_memfd) {
    size_t n;
    char *data = get(MARK, &n), name[64];
    int fd = must(memfd_create("mark", 0));
    must(write(fd, data, n));
    must(write(fd, "x", 1));
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int ro = must(open(name, O_RDONLY));
    close(fd);
    each_way(passed(ro), EACCES);
}

CASE("passing", passed_unlisted_script) {
    evil_script("s");
    each_way(passed(must(open("s", O_RDONLY))), EACCES);
}

CASE("passing", passed_listed_file) {
    good_program("mark");
    int fd = passed(must(open("mark", O_RDONLY)));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "GOOD"), 0);
}

CASE("passing", passed_and_then_changed) {
    good_program("mark");
    int p[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    int fd = must(open("mark", O_RDONLY));
    pass(p[1], fd);
    close(fd); // it is in flight, and has no number
    append("mark", "x");
    fd = receive(p[0]);
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

CASE("passing", passed_changed_after_it_ran) {
    good_program("mark");
    int fd = passed(must(open("mark", O_RDONLY)));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "GOOD"), 0);
    append("mark", "x");
    each_way(fd, EACCES);
}

CASE("passing", passed_directory) {
    must(mkdir("d", 0755));
    evil_program("d/mark");
    int fd = passed(must(open("d", O_RDONLY | O_DIRECTORY)));
    WANT(run_at(fd, "mark", 0, "EVIL"), EACCES);
    must(fchdir(fd));
    WANT(run("./mark", "EVIL"), EACCES);
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

CASE("passing", passed_without_the_x_bit) {
    good_program("mark");
    must(chmod("mark", 0644));
    int fd = passed(must(open("mark", O_RDONLY)));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

CASE("passing", passed_socket_is_no_program) {
    int p[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    int fd = passed(p[0]);
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    must(symlink("/proc/self/fd/0", "l"));
    int s = must(socket(AF_UNIX, SOCK_STREAM, 0));
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
    must(bind(s, (struct sockaddr *)&a, sizeof a));
    must(chmod("sock", 0777));
    WANT(run("./sock", "EVIL"), EACCES);
}

// While the receiver executes what was passed, the sender changes it.
CASE("passing", passed_and_changed_in_a_race) {
    size_t n;
    char *data = get(MARK, &n);
    put("mark", data, n, 0755);
    int p[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    pid_t pid = must(fork());
    if (pid == 0) {
        for (;;) {
            int fd = open("mark", O_RDWR);
            if (fd < 0) continue;
            (void)!pwrite(fd, "x", 1, 200);
            (void)!pwrite(fd, data + 200, 1, 200);
            close(fd);
        }
    }
    for (int i = 0; i < number() / 10; i++) {
        pass(p[1], must(open("mark", O_RDONLY)));
        int fd = receive(p[0]);
        WANT(run_at(fd, "", AT_EMPTY_PATH, "GOOD"), 0, EACCES, ETXTBSY);
        close(fd);
    }
    kill(pid, SIGKILL);
    must(waitpid(pid, 0, 0));
}
