// Interpreters that are given unlisted code as data. Nothing unlisted is executed by execve
// here: the listed interpreter reads it. The secure bits of Linux 6.14 forbid that, and the
// interpreters of the bundle honour them. /bin/mark is started by what they interpret, so its
// word EVIL in /marks means that they did.
#include "attack.h"
#include <stdarg.h>
#include <sys/prctl.h>

enum { RESTRICT_FILE = 1 << 8 | 1 << 9, DENY_INTERACTIVE = 1 << 10 | 1 << 11 };

static void forbid(int bits) {
    must(prctl(PR_SET_SECUREBITS, bits));
    put_text("evil.sh", "/bin/mark EVIL\n", 0755);
    put_text("evil.lua", "os.execute('/bin/mark EVIL')\n", 0755);
    put_text("evil.awk", "BEGIN { system(\"/bin/mark EVIL\") }\n", 0755);
    put_text("evil.sed", "w /case/ran\n", 0755);
    put_text("input", "a line\n", 0644);
}

// with runs a program with the rest of the arguments, and with a file as standard input; "|"
// before its name makes it a pipe that the file is written to.
static int with(const char *input, const char *path, ...) {
    char *argv[16] = {0};
    va_list list;
    va_start(list, path);
    for (int i = 0; i < 15 && (argv[i] = va_arg(list, char *)); i++) {}
    va_end(list);
    fflush(stdout);
    pid_t pid = must(fork());
    if (pid == 0) {
        int p[2], quiet = open("/dev/null", O_WRONLY);
        dup2(quiet, 1);
        dup2(quiet, 2);
        if (input[0] == '|') {
            size_t n;
            char *text = get(input + 1, &n);
            must(pipe(p));
            (void)!write(p[1], text, n);
            close(p[1]);
            dup2(p[0], 0);
        } else {
            dup2(open(input, O_RDONLY), 0);
        }
        alarm(5);
        execv(path, argv);
        _exit(126);
    }
    int status;
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define NULL_INPUT "/dev/null"
#define SH(...) with(NULL_INPUT, "/bin/sh", "sh", __VA_ARGS__, (char *)0)
#define BUSYBOX(...) with(NULL_INPUT, "/bin/busybox", __VA_ARGS__, (char *)0)
#define LUA(...) with(NULL_INPUT, "/usr/bin/lua5.4", "lua", __VA_ARGS__, (char *)0)

static void no_trace(void) {
    if (!access("/case/ran", F_OK)) bad("unlisted commands were obeyed");
}

CASE("interpreters", control_listed_scripts_go_on_working) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE);
    WANT(run("/opt/shell.sh", "GOOD"), 0);
    int s = SH("/opt/shell.sh");
    if (s != STATUS_GOOD) bad("sh with a listed script: status %d", s);
    WANT(run("/opt/lua.lua", "GOOD"), 0);
}

CASE("interpreters", control_without_the_bits_they_interpret) {
    put_text("s", "exit 42\n", 0644);
    if (SH("s") != STATUS_GOOD) bad("sh FILE does not work");
    if (SH("-c", "exit 42") != STATUS_GOOD) bad("sh -c does not work");
    if (with("s", "/bin/sh", "sh", (char *)0) != STATUS_GOOD) bad("sh <FILE does not work");
    if (LUA("-e", "os.exit(42)") != STATUS_GOOD) bad("lua -e does not work");
    if (BUSYBOX("awk", "BEGIN { exit 42 }") != STATUS_GOOD) bad("awk does not work");
}

CASE("interpreters", sh_with_a_script) {
    forbid(RESTRICT_FILE);
    if (SH("evil.sh") == 0) bad("status 0");
    SH("/case/evil.sh");
    SH("-e", "./evil.sh", "x");
    SH("/proc/self/cwd/evil.sh");
    put_text("listed-line", "#!/bin/sh\n/bin/mark EVIL\n", 0755);
    SH("listed-line");
}

CASE("interpreters", sh_with_a_command) {
    forbid(DENY_INTERACTIVE);
    if (SH("-c", "/bin/mark EVIL") == 0) bad("status 0");
    SH("-ec", "/bin/mark EVIL");
    if (BUSYBOX("sh", "-c", "/bin/mark EVIL") == 0) bad("busybox sh: status 0");
    BUSYBOX("ash", "-c", "/bin/mark EVIL");
    pid_t pid = must(fork());
    if (pid == 0) _exit(system("/bin/mark EVIL") != 0);
    must(waitpid(pid, 0, 0));
}

CASE("interpreters", sh_from_standard_input) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE); // what /dev/stdin leads to may be a file
    with("evil.sh", "/bin/sh", "sh", (char *)0);
    with("|evil.sh", "/bin/sh", "sh", (char *)0);
    with("evil.sh", "/bin/sh", "sh", "-s", (char *)0);
    with("evil.sh", "/bin/busybox", "ash", (char *)0);
    with("|evil.sh", "/bin/busybox", "sh", (char *)0);
    with("evil.sh", "/bin/sh", "sh", "/dev/stdin", (char *)0);
    with("|evil.sh", "/bin/sh", "sh", "/dev/fd/0", (char *)0);
    with("evil.sh", "/bin/sh", "sh", "-i", (char *)0);
}

CASE("interpreters", sh_reads_another_file) {
    forbid(RESTRICT_FILE);
    SH("-c", ". ./evil.sh");
    SH("-c", ". /case/evil.sh; true");
    BUSYBOX("ash", "-c", ". ./evil.sh");
    BUSYBOX("ash", "-c", "source ./evil.sh");
    SH("-c", "command . ./evil.sh");
    setenv("PATH", "/case:/bin", 1);
    SH("-c", ". evil.sh");
}

CASE("interpreters", sh_environment_and_profiles) {
    forbid(RESTRICT_FILE);
    setenv("ENV", "/case/evil.sh", 1);
    setenv("BASH_ENV", "/case/evil.sh", 1);
    setenv("HOME", "/case", 1);
    put_text(".profile", "/bin/mark EVIL\n", 0755);
    put_text("nothing", "exit\n", 0644);
    with("nothing", "/bin/sh", "sh", "-i", (char *)0);
    with("nothing", "/bin/sh", "-sh", (char *)0);
    with("nothing", "/bin/sh", "sh", "-l", (char *)0);
    with("nothing", "/bin/busybox", "ash", "-i", (char *)0);
    with("nothing", "/bin/busybox", "ash", "-l", (char *)0);
    with("nothing", "/bin/busybox", "-ash", (char *)0);
    put_text("p", "/bin/mark EVIL\n", 0755);
    must(rename("p", "/etc/profile"));
    with("nothing", "/bin/sh", "-sh", (char *)0);
    setenv("ENV", "$(/bin/mark EVIL)", 1);
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_SECUREBITS, RESTRICT_FILE | DENY_INTERACTIVE);
        _exit(with("nothing", "/bin/sh", "sh", "-i", (char *)0) == 0);
    }
    must(waitpid(pid, 0, 0));
}

CASE("interpreters", awk) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE);
    if (BUSYBOX("awk", "-f", "evil.awk") == 0) bad("awk -f: status 0");
    BUSYBOX("awk", "BEGIN { system(\"/bin/mark EVIL\") }");
    with("evil.awk", "/bin/busybox", "awk", "-f", "-", (char *)0);
    with("evil.awk", "/bin/busybox", "awk", "-f", "/dev/stdin", (char *)0);
    BUSYBOX("awk", "-e", "BEGIN { system(\"/bin/mark EVIL\") }");
    BUSYBOX("awk", "BEGIN { \"/bin/mark EVIL\" | getline }");
}

CASE("interpreters", sed) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE);
    if (BUSYBOX("sed", "-f", "evil.sed", "input") == 0) bad("sed -f: status 0");
    BUSYBOX("sed", "w /case/ran", "input");
    BUSYBOX("sed", "-e", "w /case/ran", "input");
    BUSYBOX("sed", "-n", "-e", "p", "-f", "evil.sed", "input");
    with("evil.sed", "/bin/busybox", "sed", "-f", "/dev/stdin", "input", (char *)0);
    no_trace();
}

CASE("interpreters", ed) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE);
    put_text("evil.ed", "w /case/ran\n!/bin/mark EVIL\nq\n", 0755);
    with("evil.ed", "/bin/busybox", "ed", "input", (char *)0);
    with("|evil.ed", "/bin/busybox", "ed", "input", (char *)0);
    no_trace();
}

CASE("interpreters", vi) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE);
    put_text("evil.vi", ":w! /case/ran\n:!/bin/mark EVIL\n:q!\n", 0755);
    put_text(".exrc", "!/bin/mark EVIL\n", 0755);
    setenv("HOME", "/case", 1);
    setenv("EXINIT", "!/bin/mark EVIL", 1);
    with("evil.vi", "/bin/busybox", "vi", "-c", "!/bin/mark EVIL", "input", (char *)0);
    with("|evil.vi", "/bin/busybox", "vi", "input", (char *)0);
    no_trace();
}

CASE("interpreters", programs_that_start_programs) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE);
    evil_program("mark");
    evil_script("s");
    BUSYBOX("env", "/case/mark", "EVIL");
    BUSYBOX("nice", "/case/mark", "EVIL");
    BUSYBOX("nohup", "/case/mark", "EVIL");
    BUSYBOX("setsid", "/case/mark", "EVIL");
    BUSYBOX("timeout", "5", "/case/mark", "EVIL");
    BUSYBOX("time", "/case/mark", "EVIL");
    BUSYBOX("chroot", "/", "/case/mark", "EVIL");
    BUSYBOX("find", "input", "-exec", "/case/mark", "EVIL", ";");
    with("input", "/bin/busybox", "xargs", "/case/mark", "EVIL", (char *)0);
    BUSYBOX("run-parts", "/case");
    BUSYBOX("start-stop-daemon", "-S", "-x", "/case/mark", "--", "EVIL");
    BUSYBOX("time", "./s");
    BUSYBOX("watch", "-n", "1", "-t", "/bin/mark EVIL");
}

CASE("interpreters", lua_with_a_file) {
    forbid(RESTRICT_FILE);
    if (LUA("evil.lua") == 0) bad("lua FILE: status 0");
    LUA("./evil.lua", "x");
    LUA("-l", "evil");
    LUA("-e", "dofile('evil.lua')");
    LUA("-e", "local f = loadfile('evil.lua'); if f then f() end");
    LUA("-e", "package.path = '/case/?.lua'; require 'evil'");
    setenv("LUA_INIT", "@/case/evil.lua", 1);
    LUA("-v");
    setenv("LUA_PATH", "/case/?.lua", 1);
    LUA("-l", "evil");
}

CASE("interpreters", lua_without_a_file) {
    forbid(DENY_INTERACTIVE);
    if (LUA("-e", "os.execute('/bin/mark EVIL')") == 0) bad("lua -e: status 0");
    with("evil.lua", "/usr/bin/lua5.4", "lua", (char *)0);
    with("|evil.lua", "/usr/bin/lua5.4", "lua", "-", (char *)0);
    with("evil.lua", "/usr/bin/lua5.4", "lua", "-i", (char *)0);
    setenv("LUA_INIT", "os.execute('/bin/mark EVIL')", 1);
    LUA("-v");
}

CASE("interpreters", lua_loads_strings_and_bytecode) {
    forbid(RESTRICT_FILE | DENY_INTERACTIVE);
    // A listed script that loads what it is given: a string, a file, a module, dumped code.
    int s = LUA("/opt/load.lua");
    if (s != STATUS_GOOD) bad("the listed script loaded something: status %d", s);
}
