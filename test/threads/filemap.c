// Mappings of files in a process with threads: one set of pages for all threads.
#include "threads.h"
#include <setjmp.h>
#include <sys/wait.h>

enum { PAGE = 4096 };

static int make_file(const char *name, int pages) {
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char page[PAGE];
    for (int k = 0; k < pages; k++) {
        memset(page, 'a' + k, PAGE);
        CHECK(write(fd, page, PAGE) == PAGE);
    }
    return fd;
}

static char *map(int fd, int pages, int prot, int flags) {
    char *p = mmap(0, (size_t)pages * PAGE, prot, flags, fd, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static char byte_at(int fd, off_t at) {
    char c = '?';
    pread(fd, &c, 1, at);
    return c;
}

static char *shared, *private, *reading;
static int file;

static void *idle(void *p) {
    sleep_ms(1);
    return p;
}

static void *look_and_write(void *p) {
    printf("  thread sees %c%c %c%c %c\n", shared[0], shared[1], private[0], private[1], reading[2 * PAGE]);
    shared[2] = 't';
    private[2] = 'u';
    return p;
}

static void show(void) {
    printf("  %c%c%c %c%c%c, file %c%c%c\n", shared[0], shared[1], shared[2], private[0], private[1], private[2],
           byte_at(file, 0), byte_at(file, 1), byte_at(file, 2));
}

static void map_all(void) {
    file = make_file("f", 4);
    shared = map(file, 4, PROT_READ | PROT_WRITE, MAP_SHARED);
    private = map(file, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    reading = map(file, 4, PROT_READ, MAP_PRIVATE);
    shared[1] = 's';
    private[1] = 'p';
}

TEST(filemap_before_the_first_thread) {
    map_all();
    run_threads(1, look_and_write);
    show();
}

TEST(filemap_after_the_first_thread) {
    run_threads(1, idle);
    map_all();
    run_threads(1, look_and_write);
    show();
}

TEST(filemap_written_then_closed) {
    file = make_file("f", 2);
    char *p = map(file, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memset(p, 0, PAGE); // a page of zeros hides the file's
    CHECK(mprotect(p, 2 * PAGE, PROT_NONE) == 0);
    run_threads(1, idle);
    CHECK(mprotect(p, 2 * PAGE, PROT_READ) == 0);
    printf("  %d %c\n", p[0], p[PAGE]);
}

static atomic_int stop, wrong;

enum { MAPS = 30 };
static char *many[MAPS];

static void *reader(void *p) {
    while (!stop)
        for (int m = 0; m < MAPS; m++)
            for (int k = 0; k < 4; k++) {
                char c = *(volatile char *)(many[m] + k * PAGE);
                if (c != 'a' + k && c != 'A' + k) wrong = 1;
            }
    return p;
}

static void *writer(void *p) {
    sleep_ms(2);
    for (int m = 0; m < MAPS; m++) {
        CHECK(mprotect(many[m], 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
        for (int k = 0; k < 4; k++) many[m][k * PAGE] = 'A' + k;
        CHECK(mprotect(many[m], 4 * PAGE, PROT_READ) == 0);
    }
    stop = 1;
    return p;
}

static void *read_or_write(void *p) { return (long)p == 0 ? writer(p) : reader(p); }

// Readers never see a page that is neither the file's nor the private one.
TEST(filemap_becomes_writable_under_readers) {
    file = make_file("f", 4);
    for (int m = 0; m < MAPS; m++) many[m] = map(file, 4, PROT_READ, MAP_PRIVATE);
    run_threads(3, read_or_write);
    SHOW(wrong);
    printf("  %c %c\n", many[MAPS - 1][3 * PAGE], byte_at(file, 0));
}

static void in_child(void) {
    shared[3] = 'k';
    private[3] = 'l';
    printf("  child %c%c %c%c %c\n", shared[1], shared[3], private[1], private[3], reading[2 * PAGE]);
    fflush(stdout);
    _exit(0);
}

static void *fork_here(void *p) {
    pid_t pid = fork();
    if (pid == 0) in_child();
    int status;
    waitpid(pid, &status, 0);
    show_status(status);
    return p;
}

TEST(filemap_fork_of_a_thread) {
    map_all();
    run_threads(2, idle);
    fflush(stdout);
    run_threads(1, fork_here);
    printf("  parent %c%c %c%c\n", shared[1], shared[3], private[1], private[3]);
    pid_t pid = fork();
    if (pid == 0) { // a process without threads that has threads' memory, and starts some
        private[5] = 'z';
        run_threads(1, idle);
        if (fork() == 0) in_child();
        wait(0);
        _exit(private[5] == 'z' && shared[3] == 'k' ? 3 : 4);
    }
    int status;
    waitpid(pid, &status, 0);
    show_status(status);
    show();
}

static sigjmp_buf away;
static volatile int caught;

static void on_fault(int sig) {
    caught = sig;
    siglongjmp(away, 1);
}

static void *beyond(void *p) {
    if (!sigsetjmp(away, 1)) (void)*(volatile char *)(shared + 3 * PAGE);
    printf("  signal %d\n", caught);
    return p;
}

TEST(filemap_end_of_file_in_a_thread) {
    signal(SIGBUS, on_fault);
    map_all();
    CHECK(ftruncate(file, PAGE) == 0);
    run_threads(1, beyond);
    CHECK(ftruncate(file, 4 * PAGE) == 0);
    caught = 0;
    run_threads(1, beyond);
}

static void *moves(void *p) {
    char *to = map(-1, 8, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    shared = mremap(shared, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    CHECK(shared == to);
    private = mremap(private, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + 4 * PAGE);
    CHECK(munmap(reading, PAGE) == 0);
    return p;
}

TEST(filemap_moved_by_a_thread) {
    map_all();
    run_threads(1, moves);
    run_threads(1, look_and_write);
    show();
}

static void *cut(void *p) {
    while (!stop) {
        ftruncate(file, PAGE);
        ftruncate(file, 4 * PAGE);
    }
    return p;
}

static void *use(void *p) {
    int null = open("/dev/null", O_WRONLY), pipes[2];
    char buf[64];
    CHECK(pipe(pipes) == 0);
    int good = 0, bad = 0;
    for (int i = 0; i < 3000; i++) {
        good += write(pipes[1], shared + 2 * PAGE, sizeof buf) == sizeof buf ? (read(pipes[0], buf, sizeof buf), 1) : 0;
        bad += pread(file, shared + 3 * PAGE - 8, 16, 0) < 0 && errno == EFAULT;
        bad += stat(shared + 2 * PAGE, &(struct stat){0}) != 0;
    }
    stop = 1;
    close(null);
    CHECK(good <= 3000 && bad <= 6000);
    return p;
}

static void *cut_or_use(void *p) { return (long)p == 0 ? cut(p) : use(p); }

// The kernel's own accesses meet a file that is cut off under them, thousands of times.
TEST(filemap_truncated_under_the_kernel) {
    file = make_file("f", 4);
    shared = map(file, 4, PROT_READ | PROT_WRITE, MAP_SHARED);
    stop = 0;
    run_threads(2, cut_or_use);
    printf("  alive\n");
}
