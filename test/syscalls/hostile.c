// What a hostile program tries, as far as Linux defines what becomes of it.
#include "vktest.h"
#include <sys/mman.h>
#include <sys/syscall.h>
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

// A directory that no path leads to.
TEST(hostile_deep_directory) {
    char name[256], path[8192];
    memset(name, 'd', 255);
    name[255] = 0;
    int n = 0;
    while (n < 40 && mkdir(name, 0777) == 0 && chdir(name) == 0) n++;
    SHOW(n);
    RET(syscall(SYS_getcwd, path, (long)sizeof path));
    RET(readlink("/proc/self/cwd", path, sizeof path));
    int f = open("f", O_RDWR | O_CREAT, 0666);
    CHECK(f >= 0 && write(f, "x", 1) == 1);
    CHECK(mmap(0, 4096, PROT_READ, MAP_PRIVATE, f, 0) != MAP_FAILED);
    for (; n > 0; n--) {
        unlink("f");
        CHECK(chdir("..") == 0 && rmdir(name) == 0);
    }
}

// A long copy in the kernel, and the hash of a large file, end when their process is killed.
TEST(hostile_long_calls_are_killed) {
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
            int random = open("/dev/urandom", O_RDONLY);
            long most = 0x7fffffff;
            static char buf[1 << 20];
            for (;;) {
                if (i == 0)
                    syscall(SYS_sendfile, (long)null, (long)zero, 0L, most);
                else
                    read(random, buf, sizeof buf);
            }
        }
        nap(100);
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        kill(pid, SIGKILL);
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        clock_gettime(CLOCK_MONOTONIC, &b);
        show_status(status);
        CHECK(b.tv_sec - a.tv_sec < 2);
    }
}
