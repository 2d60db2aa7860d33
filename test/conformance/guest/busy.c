// Files that are executed are not written to, and files that are written to are not executed.
#include "attack.h"

// started runs a listed program that stays until it gets a signal.
static pid_t started(const char *path) {
    unlink("/case/ready"), unlink("/case/go");
    pid_t pid = must(fork());
    if (pid == 0) {
        execl(path, "interp", "-w", "/opt/data.txt", (char *)0);
        _exit(1);
    }
    for (int i = 0; i < 5000 && access("/case/ready", F_OK); i++) usleep(1000);
    return pid;
}

static void ended(pid_t pid) {
    kill(pid, SIGKILL);
    must(waitpid(pid, 0, 0));
}

CASE("busy", write_to_a_running_program) {
    copy(INTERP, "p");
    pid_t pid = started("/case/p");
    WANT(err(open("p", O_WRONLY)), ETXTBSY);
    WANT(err(open("p", O_RDWR)), ETXTBSY);
    WANT(err(open("p", O_WRONLY | O_TRUNC)), ETXTBSY);
    WANT(err(truncate("p", 0)), ETXTBSY);
    must(link("p", "q"));
    WANT(err(open("q", O_WRONLY)), ETXTBSY);
    ended(pid);
    int fd;
    WANT(err(fd = open("p", O_WRONLY)), 0);
    close(fd);
}

CASE("busy", write_to_a_running_program_of_the_image) {
    pid_t pid = started(INTERP);
    WANT(err(open(INTERP, O_WRONLY)), ETXTBSY);
    ended(pid);
    append(INTERP, "x");
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
}

CASE("busy", program_open_for_writing) {
    good_program("mark");
    int fd = must(open("mark", O_WRONLY));
    WANT(run("mark", "GOOD"), ETXTBSY);
    WANT(run_forked("mark", "GOOD"), ETXTBSY);
    int d = dup(fd);
    close(fd);
    WANT(run("mark", "GOOD"), ETXTBSY);
    close(d);
    WANT(run("mark", "GOOD"), 0);
}

CASE("busy", program_open_for_writing_in_another_process) {
    good_program("mark");
    int p[2];
    must(pipe(p));
    pid_t pid = must(fork());
    if (pid == 0) {
        must(open("mark", O_RDWR));
        (void)!write(p[1], "x", 1);
        pause();
    }
    char c;
    must(read(p[0], &c, 1));
    WANT(run("mark", "GOOD"), ETXTBSY);
    ended(pid);
    WANT(run("mark", "GOOD"), 0);
}

CASE("busy", refused_program_may_be_written_again) {
    evil_program("mark");
    WANT(run("mark", "EVIL"), EACCES);
    WANT(run_forked("mark", "EVIL"), EACCES);
    put("mark", "x", 1, 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("busy", rename_and_unlink_of_a_running_program) {
    copy(INTERP, "p");
    pid_t pid = started("/case/p");
    WANT(err(rename("p", "q")), 0);
    evil_program("p");
    WANT(run("p", "EVIL"), EACCES);
    WANT(err(unlink("q")), 0);
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/exe", pid);
    WANT(err(open(name, O_WRONLY)), ETXTBSY, EACCES);
    ended(pid);
}
