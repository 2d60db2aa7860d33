// The guest's part of cases in which the driver changes things outside meanwhile.
#include "attack.h"

// meet tells the driver that all is ready, and waits until it has done its part.
static void meet(void) {
    char c;
    printf("ready\n");
    fflush(stdout);
    while (read(0, &c, 1) == 1 && c != '\n') {}
}

// Every part of the bundle is changed between two execs. Of a file that was hashed before, the
// code that was hashed may go on being started: that is in a sealed copy.
HOST_CASE(bundle_changed_while_it_runs) {
    WANT(run(MARK, "GOOD"), 0);
    WANT(run("/opt/many/s1", "GOOD"), 0);
    meet();
    WANT(run(MARK, "GOOD"), 0, EACCES, EIO);
    WANT(run("/opt/many/s1", "GOOD"), 0, EACCES, EIO);
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES, EIO); // not hashed yet
    for (int i = 0; i < 50; i++) {
        evil_script("s");
        WANT(run("./s", "EVIL"), EACCES);
        WANT(run("/opt/many/s1", "GOOD"), 0, EACCES, EIO);
    }
    WANT(run("/bin/busybox", "EVIL"), STRANGE); // unchanged, and the code is in a sealed copy
}

// A program is revoked: it is refused in whatever way it is started, soon after.
HOST_CASE(revoked_while_it_runs) {
    good_program("mark");
    int fd = must(open("mark", O_RDONLY));
    WANT(run(MARK, "GOOD"), 0);
    meet();
    for (int i = 0; i < 500 && run(MARK, "GOOD") == 0; i++) usleep(10000);
    WANT(run(MARK, "EVIL"), EACCES);
    WANT(run_forked(MARK, "EVIL"), EACCES);
    WANT(run("mark", "EVIL"), EACCES);
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    WANT(check(MARK), EACCES);
    WANT(run(GOOD_SCRIPT, "GOOD"), 0);
}

// Of mounts: /host is a directory of the host.

HOST_CASE(host_noexec) {
    WANT(run("/host/mark", "GOOD"), EACCES);
    WANT(run_at(must(open("/host/mark", O_RDONLY)), "", AT_EMPTY_PATH, "GOOD"), EACCES);
    must(symlink("/host/mark", "l"));
    WANT(run("l", "GOOD"), EACCES);
    WANT(check("/host/mark"), EACCES);
    evil_script("/host/s");
    WANT(run("/host/s", "EVIL"), EACCES);
    must(unlink(INTERP));
    must(symlink("/host/mark", INTERP));
    WANT(run(GOOD_SCRIPT, "GOOD"), EACCES);
}

HOST_CASE(host_files) {
    WANT(run("/host/good", "GOOD"), 0);
    WANT(run("/host/good.sh", "GOOD"), 0);
    WANT(run("/host/mark", "EVIL"), EACCES);
    WANT(run("/host/s", "EVIL"), EACCES);
    WANT(run_at(must(open("/host/mark", O_RDONLY)), "", AT_EMPTY_PATH, "EVIL"), EACCES);
    append("/host/good", "x");
    WANT(run("/host/good", "EVIL"), EACCES);
}

HOST_CASE(host_changed) {
    int fd = must(open("/host/mark", O_RDONLY));
    for (int i = 0; i < 3; i++) {
        WANT(run("/host/mark", "GOOD"), 0);
        WANT(run("/host/s", "GOOD"), 0);
    }
    meet();
    WANT(run("/host/mark", "EVIL"), EACCES);
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    WANT(run("/host/s", "EVIL"), EACCES);
}

HOST_CASE(host_swap) {
    pid_t pid = must(fork());
    if (pid == 0) {
        execl("/host/s", "s", (char *)0);
        _exit(1);
    }
    for (int i = 0; i < 5000 && access("/case/ready", F_OK); i++) usleep(1000);
    meet();
    close(must(open("/case/go", O_WRONLY | O_CREAT, 0644)));
    int status;
    must(waitpid(pid, &status, 0));
    if (WEXITSTATUS(status) != STATUS_GOOD) bad("the interpreter ended with status %d", WEXITSTATUS(status));
    WANT(run("/host/s", "EVIL"), EACCES);
}

HOST_CASE(host_race) {
    for (int k = 0; k < 8; k++) {
        pid_t pid = must(fork());
        if (pid) continue;
        for (int i = 0; i < number() / 8 + 1; i++) {
            int e = run("/host/s", "EVIL-ARGUMENT");
            if (e != 0 && e != EACCES && e != ENOENT && e != ETXTBSY && e != ELOOP && e != ESTALE) bad("errno %d", e);
        }
        _exit(0);
    }
    for (int k = 0; k < 8; k++) must(wait(0));
}

HOST_CASE(host_links) {
    WANT(run("/host/absolute", "EVIL"), ENOENT);
    WANT(run("/host/relative", "EVIL"), ENOENT);
    WANT(run("/host/mark", "EVIL"), EACCES);
    WANT(run("/host/magic", "do_nothing"), 0); // the guest's own /proc
    WANT(run("/host/../host/mark", "EVIL"), EACCES);
    WANT(run("/host/../../../../etc/passwd", "EVIL"), EACCES);
}

HOST_CASE(host_special) {
    WANT(run("/host/fifo", "EVIL"), EACCES);
    WANT(run("/host/dir", "EVIL"), EACCES);
    WANT(run("/host/socket", "EVIL"), EACCES);
    WANT(run("/host/zero", "EVIL"), EACCES, ENOENT);
    WANT(run("/host/plain", "GOOD"), EACCES);
    WANT(run("/host/none", "EVIL"), ENOENT);
    WANT(err(mknod("/host/device", S_IFCHR | 0755, 0x105)), EPERM, EACCES);
}

HOST_CASE(host_unlisted) { WANT(run("/host/mark", "EVIL"), EACCES); }

HOST_CASE(host_growing) {
    for (int i = 0; i < 20; i++) {
        int e = run("/host/mark", "GOOD"); // listed at the moment when it is as it was
        if (e != EACCES && e != 0) bad("errno %d", e);
    }
}

HOST_CASE(host_setuid) {
    struct stat st;
    must(stat("/host/mark", &st));
    if (st.st_mode & 06000) bad("mode %o", st.st_mode);
    WANT(run("/host/mark", "GOOD"), 0);
}

HOST_CASE(host_directory) {
    must(chdir("/host/d"));
    WANT(run("./mark", "GOOD"), 0);
    meet();
    WANT(run("/host/d/mark", "EVIL"), ENOENT);
    WANT(run("./mark", "GOOD"), 0, ENOENT, ESTALE); // the directory that we are in
    WANT(run("../mark", "EVIL"), EACCES, ENOENT, ESTALE);
}

HOST_CASE(wait_to_be_looked_at) {
    WANT(run(MARK, "GOOD"), 0);
    meet();
    WANT(run(MARK, "GOOD"), 0);
}

// Of the audit.

HOST_CASE(audit_a_few) {
    evil_program("mark");
    for (int i = 0; i < 3; i++) WANT(run(MARK, "GOOD"), 0);
    for (int i = 0; i < 5; i++) WANT(run("/case/mark", "EVIL"), EACCES);
}

HOST_CASE(audit_forged) {
    static const char *const names[] = {
        "x\n{\"time\":\"2026-01-01T00:00:00Z\",\"action\":\"exec\",\"pid\":1,\"path\":\"\",\"entry\":\"forged\"}\n",
        "x\",\"entry\":\"forged\",\"y\":\"",
        "x\xff\xfe\",\"entry\":\"forged",
        "\x1b[2J\r\nlevel=WARN msg=forged",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        evil_program(names[i]);
        WANT(run(names[i], "EVIL"), EACCES);
    }
}

HOST_CASE(audit_flood) {
    evil_script("s");
    for (int i = 0; i < 5000; i++)
        if (run("./s", "EVIL") != EACCES) bad("executed");
    WANT(run(MARK, "GOOD"), 0);
}
