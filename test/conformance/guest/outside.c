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
