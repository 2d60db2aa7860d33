// What a hostile program tries, as far as Linux defines what becomes of it.
#include "vktest.h"
#include <sys/mman.h>
#include <time.h>

static void nap(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, 0);
}

// A parent that is killed while its vfork child has its memory: it is dead at once, and
// the child goes on.
TEST(hostile_vfork_parent_killed) {
    int p[2], status, started[2];
    CHECK(pipe(p) == 0 && pipe(started) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        static volatile int shared = 1;
        if (vfork() == 0) {
            write(started[1], "s", 1);
            shared = 2;
            nap(300);
            char text[] = {'0' + shared};
            write(p[1], text, 1);
            _exit(0);
        }
        _exit(1);
    }
    close(p[1]);
    char c = 0;
    CHECK(read(started[0], &c, 1) == 1);
    CHECK(kill(parent, SIGKILL) == 0);
    CHECK(waitpid(parent, &status, 0) == parent);
    show_status(status);
    CHECK(read(p[0], &c, 1) == 1); // from the orphan
    SHOW(c);
    RET(read(p[0], &c, 1));
}
