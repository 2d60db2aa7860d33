// Scripts: their first line, chains of interpreters, and changes between the hash and the
// interpreter's first look.
#include "attack.h"

CASE("scripts", unlisted_script) {
    evil_script("s");
    WANT(run("./s", "EVIL"), EACCES);
    WANT(run_forked("./s", "EVIL"), EACCES);
}

CASE("scripts", listed_script_with_more_text) {
    good_script("s");
    append("s", "mark EVIL\n");
    WANT(run("./s", "EVIL"), EACCES);
}

CASE("scripts", listed_line_with_another_body) {
    put_text("s", "#!/bin/interp\nmark EVIL\n#\n", 0755);
    WANT(run("./s", "EVIL"), EACCES);
}

CASE("scripts", first_line_tricks) {
    static const char *const texts[] = {
        "#! /bin/interp\nmark EVIL\n",
        "#!\t/bin/interp\nmark EVIL\n",
        "#!/bin/interp \nmark EVIL\n",
        "#!/bin/interp\r\nmark EVIL\n",
        "#!/bin/interp -w\nmark EVIL\n",
        "#!/bin/../bin/interp\nmark EVIL\n",
        "#!//bin/interp\nmark EVIL\n",
        "#!interp\nmark EVIL\n",
        "#!/bin/mark EVIL\n",
        "#!/bin/mark EVIL\nmark EVIL\n",
        "#!/usr/bin/env interp\nmark EVIL\n",
        "#!/bin/busybox sh\n/bin/mark EVIL\n",
        "#!/bin/sh\n/bin/mark EVIL\n",
        "#!/bin/sh -c /bin/mark\n",
        "#!/proc/self/exe\nmark EVIL\n",
        "\n#!/bin/interp\nmark EVIL\n",
        "\xef\xbb\xbf#!/bin/interp\nmark EVIL\n",
        "#!\n/bin/interp\nmark EVIL\n",
        "#!/case/s\nmark EVIL\n",
        "# !/bin/interp\nmark EVIL\n",
        "#!/bin/mark",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_text("s", texts[i], 0755);
        WANT(run("./s", "EVIL"), EACCES);
    }
}

CASE("scripts", zero_byte_in_the_first_line) {
    put("s", "#!/bin/interp\0x\nmark EVIL\n", 27, 0755);
    WANT(run("./s", "EVIL"), EACCES);
    put("s", "#!/bin/mark\0EVIL\n", 17, 0755);
    WANT(run("./s", "EVIL"), EACCES);
}

CASE("scripts", endless_first_line) {
    static char line[70000];
    memset(line, ' ', sizeof line);
    memcpy(line, "#!", 2);
    memcpy(line + 60000, "/bin/interp\nmark EVIL\n", 22);
    put("s", line, sizeof line, 0755);
    WANT(run("./s", "EVIL"), EACCES);
    memset(line + 2, 'a', sizeof line - 2);
    put("s", line, sizeof line, 0755);
    WANT(run("./s", "EVIL"), EACCES);
}

CASE("scripts", listed_argument_goes_to_the_interpreter) { WANT(run("/opt/argument.sh", "GOOD"), 0); }

CASE("scripts", listed_carriage_return) {
    WANT(run("/opt/carriage-return.sh", "GOOD"), ENOENT);
    evil_program("evil");
    must(rename("evil", "/bin/interp\r"));
    WANT(run("/opt/carriage-return.sh", "EVIL"), EACCES);
    put_text("i", "#!/bin/mark EVIL\n", 0755);
    must(rename("i", "/bin/interp\r"));
    WANT(run("/opt/carriage-return.sh", "EVIL"), EACCES);
}

CASE("scripts", listed_relative_interpreter) {
    WANT(run("/opt/relative.sh", "GOOD"), ENOENT);
    evil_program("interp");
    WANT(run("/opt/relative.sh", "EVIL"), EACCES);
    evil_script("interp");
    WANT(run("/opt/relative.sh", "EVIL"), EACCES);
    copy(INTERP, "interp");
    WANT(run("/opt/relative.sh", "GOOD"), 0);
}

CASE("scripts", chain_of_five) { WANT(run("/opt/chain5", "GOOD"), 0); }

CASE("scripts", chain_of_six) {
    WANT(run("/opt/chain6", "GOOD"), ELOOP);
    WANT(run("/opt/chain7", "GOOD"), ELOOP);
}

CASE("scripts", unlisted_link_in_a_chain) {
    static const char *const links[] = {"/opt/chain1", "/opt/chain2", "/opt/chain3", "/opt/chain4"};
    for (int i = 3; i >= 0; i--) {
        evil_script("evil");
        must(rename("evil", links[i]));
        WANT(run("/opt/chain5", "EVIL"), EACCES);
    }
}

CASE("scripts", script_that_is_its_own_interpreter) {
    WANT(run("/opt/self", "GOOD"), ELOOP);
    put_text("s", "#!/case/s\n", 0755);
    WANT(run("/case/s", "EVIL"), EACCES);
}

CASE("scripts", interpreter_without_x_bit) {
    must(chmod(INTERP, 0644));
    WANT(run(GOOD_SCRIPT, "GOOD"), EACCES);
}

CASE("scripts", interpreter_is_a_directory) {
    must(unlink(INTERP));
    must(mkdir(INTERP, 0755));
    WANT(run(GOOD_SCRIPT, "GOOD"), EACCES);
}

CASE("scripts", interpreter_is_gone) {
    must(unlink(INTERP));
    WANT(run(GOOD_SCRIPT, "GOOD"), ENOENT);
}

CASE("scripts", interpreter_by_link_to_unlisted) {
    evil_program("evil");
    must(unlink(INTERP));
    must(symlink("/case/evil", INTERP));
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
    must(unlink(INTERP));
    must(symlink("/bin/busybox", INTERP)); // listed, but it has no such applet
    WANT(run(GOOD_SCRIPT, "GOOD"), STRANGE);
}

CASE("scripts", another_listed_program_in_the_interpreters_place) {
    must(unlink(INTERP));
    copy("/bin/busybox", "b");
    must(rename("b", INTERP));
    WANT(run(GOOD_SCRIPT, "GOOD"), STRANGE, EACCES); // it is listed, and finds no applet of this name
}

CASE("scripts", script_by_descriptor) {
    good_script("s");
    int fd = must(open("s", O_RDONLY));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "GOOD"), 0);
    must(fcntl(fd, F_SETFD, FD_CLOEXEC));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "GOOD"), ENOENT);
    evil_script("s2");
    fd = must(open("s2", O_RDONLY));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

// Between the hash and the interpreter's first look. The listed script /opt/wait.sh says
// -w: its interpreter waits until the script was changed.

static pid_t begin(const char *path, char *option) {
    extern char **environ;
    char *argv[] = {(char *)path, option, 0};
    unlink("/case/go"), unlink("/case/ready");
    pid_t pid = must(fork());
    if (pid == 0) {
        execve(path, argv, environ);
        _exit(errno);
    }
    for (int i = 0; i < 5000 && access("/case/ready", F_OK); i++) {
        if (waitpid(pid, 0, WNOHANG) == pid) {
            bad("%s did not start", path);
            return -1;
        }
        usleep(2000);
    }
    return pid;
}

// finish lets the interpreter go on. What it did is in the marks; that it ran the hashed
// bytes is in its status. It may also have refused (46, 47).
static void finish(pid_t pid) {
    int status;
    close(must(open("/case/go", O_WRONLY | O_CREAT, 0644)));
    if (pid < 0) return;
    must(waitpid(pid, &status, 0));
    int got = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (got != STATUS_GOOD && got != 46 && got != 47) bad("the interpreter ended with status %d", got);
}

#define EVIL_WAIT "#!/bin/interp -w\nmark EVIL\n"

CASE("swap", rename_over_the_script) {
    copy("/opt/wait.sh", "s");
    put_text("evil", EVIL_WAIT, 0755);
    pid_t pid = begin("/case/s", 0);
    must(rename("evil", "s"));
    finish(pid);
}

CASE("swap", write_into_the_script) {
    copy("/opt/wait.sh", "s");
    pid_t pid = begin("/case/s", 0);
    int fd = open("s", O_WRONLY | O_TRUNC);
    if (fd >= 0) must(write(fd, EVIL_WAIT, strlen(EVIL_WAIT)));
    finish(pid);
}

CASE("swap", write_through_a_descriptor_opened_before) {
    copy("/opt/wait.sh", "s");
    int fd = must(open("s", O_RDWR));
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {"/case/s", 0}, *envp[] = {0};
        execve("/case/s", argv, envp);
        _exit(errno == ETXTBSY ? 47 : 1);
    }
    for (int i = 0; i < 200 && access("/case/ready", F_OK); i++) usleep(1000);
    (void)!ftruncate(fd, 0);
    (void)!pwrite(fd, EVIL_WAIT, strlen(EVIL_WAIT), 0);
    finish(pid);
}

CASE("swap", unlink_and_create) {
    copy("/opt/wait.sh", "s");
    pid_t pid = begin("/case/s", 0);
    must(unlink("s"));
    put_text("s", EVIL_WAIT, 0755);
    finish(pid);
}

CASE("swap", symbolic_link_turned) {
    copy("/opt/wait.sh", "s");
    put_text("evil", EVIL_WAIT, 0755);
    must(symlink("s", "l"));
    pid_t pid = begin("/case/l", 0);
    must(symlink("evil", "l2"));
    must(rename("l2", "l"));
    finish(pid);
}

CASE("swap", directory_turned) {
    must(mkdir("d", 0755));
    must(mkdir("e", 0755));
    copy("/opt/wait.sh", "d/s");
    put_text("e/s", EVIL_WAIT, 0755);
    pid_t pid = begin("/case/d/s", 0);
    must(rename("d", "old"));
    must(rename("e", "d"));
    finish(pid);
}

CASE("swap", names_exchanged) {
    copy("/opt/wait.sh", "s");
    put_text("evil", EVIL_WAIT, 0755);
    pid_t pid = begin("/case/s", 0);
    must(syscall(SYS_renameat2, (long)AT_FDCWD, "s", (long)AT_FDCWD, "evil", 2L));
    finish(pid);
}

CASE("swap", descriptor_replaced) {
    copy("/opt/wait.sh", "s");
    put_text("evil", EVIL_WAIT, 0755);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {"s", 0}, *envp[] = {0};
        int fd = must(open("s", O_RDONLY));
        syscall(SYS_execveat, (long)fd, "", argv, envp, (long)AT_EMPTY_PATH);
        _exit(1);
    }
    for (int i = 0; i < 5000 && access("/case/ready", F_OK); i++) usleep(1000);
    must(rename("evil", "s"));
    finish(pid);
}

CASE("swap", relative_name_and_another_directory) {
    must(mkdir("d", 0755));
    copy("/opt/wait.sh", "s");
    put_text("d/s", EVIL_WAIT, 0755);
    must(chdir("/case"));
    pid_t pid = begin("./s", 0);
    must(rename("d/s", "s"));
    finish(pid);
}

CASE("swap", listed_script_of_the_image) {
    put_text("evil", EVIL_WAIT, 0755);
    pid_t pid = begin("/opt/wait.sh", 0);
    must(rename("evil", "/opt/wait.sh"));
    finish(pid);
}

CASE("swap", link_of_a_chain) {
    put_text("evil", EVIL_WAIT, 0755);
    pid_t pid = begin("/opt/wait2.sh", 0); // its interpreter is /opt/wait.sh
    must(rename("evil", "/opt/wait.sh"));
    finish(pid);
}

CASE("swap", truncated_and_grown) {
    copy("/opt/wait.sh", "s");
    pid_t pid = begin("/case/s", 0);
    (void)!truncate("s", 0);
    int fd = open("s", O_WRONLY);
    if (fd >= 0) (void)!write(fd, EVIL_WAIT, strlen(EVIL_WAIT));
    finish(pid);
}

CASE("swap", on_the_tmpfs) {
    copy("/opt/wait.sh", "/tmp/s");
    put_text("/tmp/evil", EVIL_WAIT, 0755);
    pid_t pid = begin("/tmp/s", 0);
    must(rename("/tmp/evil", "/tmp/s"));
    finish(pid);
}

CASE("swap", listed_for_listed) {
    copy("/opt/wait.sh", "s");
    copy("/opt/wait3.sh", "t"); // listed as well; ends with status 44
    pid_t pid = begin("/case/s", 0);
    must(rename("t", "s"));
    finish(pid);
}
