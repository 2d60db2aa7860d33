// AT_EXECVE_CHECK: may this file be executed? Nothing is.
#include "attack.h"
#include <sys/prctl.h>

CASE("check", listed_files) {
    WANT(check(MARK), 0);
    WANT(check(GOOD_SCRIPT), 0);
    good_script("s");
    WANT(check("s"), 0);
}

CASE("check", unlisted_files) {
    evil_program("mark");
    evil_script("s");
    WANT(check("mark"), EACCES);
    WANT(check("s"), EACCES);
    put("empty", "", 0, 0755);
    WANT(check("empty"), EACCES);
    put_text("text", "print('x')\n", 0755);
    WANT(check("text"), EACCES);
}

CASE("check", by_descriptor) {
    evil_script("s");
    WANT(check_fd(must(open("s", O_RDONLY))), EACCES);
    WANT(check_fd(must(open("s", O_PATH))), EACCES);
    good_script("g");
    WANT(check_fd(must(open("g", O_RDONLY))), 0);
}

CASE("check", right_to_execute_is_needed) {
    put_text("s", GOOD_TEXT, 0644);
    WANT(check("s"), EACCES);
    WANT(check("/opt"), EACCES);
    WANT(check("/dev/null"), EACCES);
    WANT(check("none"), ENOENT);
    WANT(check_fd(999), EBADF);
}

CASE("check", pipes_and_terminals_cannot_be_checked) {
    int p[2];
    must(pipe(p));
    WANT(check_fd(p[0]), EACCES);
}

CASE("check", listed_without_its_interpreter) {
    must(unlink(INTERP));
    WANT(check(GOOD_SCRIPT), 0); // the question is about this file alone, as on Linux
}

CASE("check", unknown_flags) {
    char *argv[] = {"mark", 0};
    WANT(err(syscall(SYS_execveat, (long)AT_FDCWD, MARK, argv, argv + 1, (long)(AT_EXECVE_CHECK | 0x20000))), EINVAL);
}

// A file whose check passed and that is then changed must show its interpreter the bytes
// that were checked, or not be changed at all.
static void look(int fd, const char *how) {
    char text[64] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0) return;
    if (n != (ssize_t)strlen(GOOD_TEXT) || memcmp(text, GOOD_TEXT, n))
        bad("after the check and %s the descriptor reads %.20s", how, text);
}

CASE("check", write_after_the_check) {
    good_script("s");
    int fd = must(open("s", O_RDONLY));
    WANT(check_fd(fd), 0);
    int w = open("s", O_WRONLY);
    if (w >= 0) (void)!write(w, EVIL_TEXT, strlen(EVIL_TEXT));
    look(fd, "a write");
}

CASE("check", truncate_after_the_check) {
    good_script("s");
    int fd = must(open("s", O_RDONLY));
    WANT(check_fd(fd), 0);
    (void)!truncate("s", 3);
    look(fd, "a truncation");
}

CASE("check", writer_from_before_the_check) {
    good_script("s");
    int w = must(open("s", O_RDWR)), fd = must(open("s", O_RDONLY));
    int e = check_fd(fd);
    if (e != 0) { // somebody may write: refused
        WANT(e, ETXTBSY);
        return;
    }
    (void)!pwrite(w, EVIL_TEXT, strlen(EVIL_TEXT), 0);
    look(fd, "a write through a descriptor opened before");
}

CASE("check", checked_by_name_changed_and_checked_again) {
    good_script("s");
    WANT(check("s"), 0);
    evil_script("t");
    must(rename("t", "s"));
    WANT(check("s"), EACCES);
}

static int obey(const char *option, const char *path) {
    pid_t pid = must(fork());
    if (pid == 0) {
        execl(INTERP, "interp", option, path, (char *)0);
        _exit(1);
    }
    int status;
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

CASE("check", interpreter_that_asks) {
    good_script("s");
    if (obey("-c", "s") != STATUS_GOOD) bad("a listed script was not obeyed");
    evil_script("t");
    if (obey("-c", "t") != 47) bad("an unlisted script was not refused");
    put_text("u", "#!/bin/sh\nmark EVIL\n", 0755);
    if (obey("-c", "u") != 47) bad("an unlisted script of another interpreter was not refused");
}

CASE("check", swap_between_check_and_read) {
    good_script("s");
    evil_script("evil");
    pid_t pid = must(fork());
    if (pid == 0) {
        execl(INTERP, "interp", "-C", "s", (char *)0);
        _exit(1);
    }
    for (int i = 0; i < 5000 && access("/case/ready", F_OK); i++) usleep(1000);
    int fd = open("s", O_WRONLY);
    if (fd >= 0) (void)!write(fd, EVIL_TEXT, strlen(EVIL_TEXT));
    must(rename("evil", "s"));
    close(must(open("/case/go", O_WRONLY | O_CREAT, 0644)));
    int status;
    must(waitpid(pid, &status, 0));
    if (WEXITSTATUS(status) != STATUS_GOOD && WEXITSTATUS(status) != 46) bad("status %d", WEXITSTATUS(status));
}

#define SECBIT_EXEC_RESTRICT_FILE (1 << 8)
#define SECBIT_EXEC_RESTRICT_FILE_LOCKED (1 << 9)
#define SECBIT_EXEC_DENY_INTERACTIVE (1 << 10)
#define SECBIT_EXEC_DENY_INTERACTIVE_LOCKED (1 << 11)

CASE("check", locked_securebits_stay) {
    int all = SECBIT_EXEC_RESTRICT_FILE | SECBIT_EXEC_RESTRICT_FILE_LOCKED | SECBIT_EXEC_DENY_INTERACTIVE |
              SECBIT_EXEC_DENY_INTERACTIVE_LOCKED;
    WANT(err(prctl(PR_SET_SECUREBITS, all)), 0);
    WANT(err(prctl(PR_SET_SECUREBITS, 0)), EPERM);
    WANT(err(prctl(PR_SET_SECUREBITS, all & ~SECBIT_EXEC_RESTRICT_FILE)), EPERM);
    if (prctl(PR_GET_SECUREBITS) != all) bad("the bits are %x", prctl(PR_GET_SECUREBITS));
    pid_t pid = must(fork());
    if (pid == 0) {
        if (prctl(PR_GET_SECUREBITS) != all) bad("after fork the bits are %x", prctl(PR_GET_SECUREBITS));
        WANT(err(prctl(PR_SET_SECUREBITS, 0)), EPERM);
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
}
