// Mappings of files: mmap's pages are the file's.
#include "vktest.h"
#include <setjmp.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

// make_file makes a file of n pages, page k full of 'a' + k, and size bytes long.
static int make_file(const char *name, int n, off_t size) {
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char page[PAGE];
    for (int k = 0; k < n; k++) {
        memset(page, 'a' + k, PAGE);
        if (write(fd, page, PAGE) != PAGE) return -1;
    }
    if (ftruncate(fd, size)) return -1;
    return fd;
}

static char *map(int fd, int pages, int prot, int flags, int at) {
    char *p = mmap(0, (size_t)pages * PAGE, prot, flags, fd, (off_t)at * PAGE);
    CHECK(p != MAP_FAILED);
    return p;
}

static char byte_at(int fd, off_t at) {
    char c = '?';
    pread(fd, &c, 1, at);
    return c;
}

static sigjmp_buf away;
static volatile int caught, code;
static char *volatile where;

static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)context;
    caught = sig, code = info->si_code, where = info->si_addr;
    siglongjmp(away, 1);
}

static void catch_faults(void) {
    struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &a, 0);
    sigaction(SIGSEGV, &a, 0);
}

// touch reads or writes a byte and tells what came of it.
static void touch(const char *what, char *p, int offset, int write) {
    caught = 0;
    if (!sigsetjmp(away, 1)) {
        if (write)
            *(volatile char *)(p + offset) = 'W';
        else
            (void)*(volatile char *)(p + offset);
    }
    if (caught)
        printf("  %s: signal %d code %d at %d\n", what, caught, code, (int)(where - p));
    else
        printf("  %s: fine\n", what);
}

TEST(filemap_shared_is_the_file) {
    int fd = make_file("f", 3, 3 * PAGE);
    char *p = map(fd, 3, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    char *q = map(fd, 2, PROT_READ, MAP_SHARED, 1);
    printf("  %c %c %c %c %c\n", p[0], p[PAGE], p[2 * PAGE], q[0], q[PAGE]);
    p[PAGE + 5] = 'P';
    printf("  through the mapping: read %c, other mapping %c\n", byte_at(fd, PAGE + 5), q[5]);
    RET(pwrite(fd, "Q", 1, PAGE + 6));
    printf("  through the file: %c %c\n", p[PAGE + 6], q[6]);
    RET(msync(p, 3 * PAGE, MS_SYNC));
    close(fd);
    p[0] = 'R';
    fd = open("f", O_RDONLY);
    printf("  reopened: %c %c\n", byte_at(fd, 0), p[0]);
    unlink("f");
    close(fd);
    printf("  unlinked: %c %c\n", p[0], q[5]);
    RET(munmap(p, 3 * PAGE));
    printf("  %c\n", q[5]);
}

TEST(filemap_private_keeps_its_own) {
    int fd = make_file("f", 3, 3 * PAGE);
    char *p = map(fd, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    p[0] = 'X';
    printf("  file %c, mapping %c\n", byte_at(fd, 0), p[0]);
    RET(pwrite(fd, "YY", 2, 0));
    printf("  written page %c%c\n", p[0], p[1]);
    RET(pwrite(fd, "Z", 1, PAGE));
    printf("  untouched page %c\n", p[PAGE]);
    RET(madvise(p, PAGE, MADV_DONTNEED));
    printf("  discarded %c%c\n", p[0], p[1]);
}

TEST(filemap_offsets_and_parts) {
    int fd = make_file("f", 8, 8 * PAGE);
    char *p = map(fd, 6, PROT_READ | PROT_WRITE, MAP_SHARED, 2);
    RET(munmap(p + PAGE, PAGE));
    RET(munmap(p + 3 * PAGE, PAGE));
    printf("  %c %c %c %c\n", p[0], p[2 * PAGE], p[4 * PAGE], p[5 * PAGE]);
    catch_faults();
    touch("hole", p, PAGE, 0);
    RET(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
    touch("read-only", p, 4 * PAGE, 1);
    touch("next to it", p, 5 * PAGE, 1);
    printf("  %c %c\n", byte_at(fd, 6 * PAGE), byte_at(fd, 7 * PAGE));
    RET(mprotect(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE));
    touch("writable again", p, 4 * PAGE, 1);
    printf("  %c\n", byte_at(fd, 6 * PAGE));
    char *q = mmap(p + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    printf("  fixed over the hole: %d %c\n", q == p + PAGE, q[0]);
}

TEST(filemap_end_of_file) {
    int fd = make_file("f", 1, 100);
    char *p = map(fd, 3, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    char *q = map(fd, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    int rest = 0;
    for (int k = 100; k < PAGE; k++) rest |= p[k] | q[k];
    printf("  rest of the last page %d\n", rest);
    catch_faults();
    touch("shared, beyond", p, PAGE, 0);
    touch("shared, write", p, 2 * PAGE + 7, 1);
    touch("private, beyond", q, PAGE + 1, 0);
    touch("private, write", q, PAGE + 1, 1);
    RET(ftruncate(fd, PAGE + 1));
    touch("grown", p, PAGE, 1);
    touch("grown, private", q, PAGE, 1);
    touch("still beyond", p, 2 * PAGE, 0);
    printf("  %c %c\n", p[PAGE], byte_at(fd, PAGE));
    RET(ftruncate(fd, 10));
    touch("cut", p, PAGE, 0);
    touch("cut, private", q, PAGE, 0);
    printf("  %d %d\n", p[9], p[10]);
    RET(ftruncate(fd, 2 * PAGE));
    printf("  %d %d\n", p[10], p[PAGE]);
}

TEST(filemap_kernel_meets_the_end) {
    int fd = make_file("f", 2, PAGE);
    char *p = map(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    int pipes[2];
    pipe(pipes);
    RET(write(pipes[1], p + PAGE, 10));
    RET(write(pipes[1], "0123456789", 10));
    RET(read(pipes[0], p + PAGE, 10));
    RET(read(fd, p + PAGE, 10));
    int other = open("g", O_RDWR | O_CREAT, 0644);
    RET(write(other, p + PAGE, 10));
    RET(write(other, p + PAGE - 5, 5));
    RET(ftruncate(fd, 2 * PAGE));
    RET(write(other, p + PAGE, 10));
    RET(lseek(other, 0, SEEK_END));
    RET(stat(p + PAGE, &(struct stat){0}));
    RET(ftruncate(fd, PAGE));
    RET(stat(p + PAGE, &(struct stat){0}));
}

TEST(filemap_into_itself) {
    int fd = make_file("f", 4, 4 * PAGE);
    char *p = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    RET(pread(fd, p + PAGE, PAGE, 0));
    RET(pwrite(fd, p, PAGE, 3 * PAGE));
    printf("  %c %c %c %c\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    RET(pwrite(fd, p + 3 * PAGE, PAGE, 4 * PAGE - 10));
    SHOW(lseek(fd, 0, SEEK_END));
}

static char *shared_page, *private_page;

static int child_writes(void *arg) {
    (void)arg;
    shared_page[1] = 'c';
    private_page[1] = 'c';
    return private_page[0] == 'p' && shared_page[0] == 's' ? 0 : 1;
}

TEST(filemap_fork) {
    int fd = make_file("f", 2, 2 * PAGE);
    shared_page = map(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    private_page = map(fd, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, 1);
    shared_page[0] = 's';
    private_page[0] = 'p';
    run_child(child_writes, 0);
    printf("  %c%c %c%c\n", shared_page[0], shared_page[1], private_page[0], private_page[1]);
    RET(pwrite(fd, "zz", 2, PAGE));
    printf("  %c%c\n", private_page[0], private_page[1]);
}

static int grandchild(void *arg) {
    int fd = *(int *)arg;
    munmap(shared_page, PAGE);
    return run_child(child_writes, 0) == 0 || byte_at(fd, 1) == 'c';
}

static int only_private(void *arg) {
    (void)arg;
    private_page[2] = 'd';
    return private_page[0] == 'p' && private_page[1] == 'b';
}

static int deep(void *arg) {
    for (int k = 0; k < 3; k++) {
        pid_t pid = fork();
        if (pid) {
            int status;
            waitpid(pid, &status, 0);
            return WEXITSTATUS(status);
        }
        private_page[3 + k] = '0' + k;
    }
    return only_private(arg) && memcmp(private_page + 3, "012", 3) == 0 ? 7 : 8;
}

TEST(filemap_fork_deep) {
    int fd = make_file("f", 2, 2 * PAGE);
    shared_page = map(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    private_page = map(fd, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, 1);
    private_page[0] = 'p';
    run_child(deep, 0);
    printf("  %c%c%c\n", private_page[0], private_page[1], private_page[3]);
    run_child(grandchild, &fd);
}

TEST(filemap_remap) {
    int fd = make_file("f", 6, 6 * PAGE);
    char *p = map(fd, 3, PROT_READ | PROT_WRITE, MAP_SHARED, 1);
    p[0] = 'S';
    char *q = mremap(p, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    printf("  shared, grown: %c %c %c\n", q[0], q[2 * PAGE], q[4 * PAGE]);
    q[4 * PAGE] = 'T';
    printf("  %c\n", byte_at(fd, 5 * PAGE));
    q = mremap(q, 5 * PAGE, PAGE, 0);
    printf("  shrunk: %c\n", q[0]);
    char *r = map(fd, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, 2);
    r[0] = 'X';
    char *room = map(-1, 8, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
    char *m = mremap(r, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
    CHECK(m == room);
    printf("  private, moved: %c%c %c %c\n", m[0], m[1], m[PAGE], m[2 * PAGE]);
    pwrite(fd, "V", 1, 3 * PAGE);
    printf("  still the file: %c, own page: %c\n", m[PAGE], m[0]);
    catch_faults();
    touch("old place", r, 0, 0);
}

TEST(filemap_access) {
    int fd = make_file("f", 1, PAGE);
    int r = open("f", O_RDONLY), w = open("f", O_WRONLY);
    char *p;
    ERR((p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0)) == MAP_FAILED ? -1 : 0);
    ERR((p = mmap(0, PAGE, PROT_READ, MAP_SHARED, w, 0)) == MAP_FAILED ? -1 : 0);
    ERR((p = mmap(0, PAGE, PROT_READ, MAP_SHARED, r, 0)) == MAP_FAILED ? -1 : 0);
    ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    pwrite(fd, "N", 1, 0);
    printf("  %c\n", p[0]);
    ERR((p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 0)) == MAP_FAILED ? -1 : 0);
    p[0] = 'x';
    ERR((p = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, r, 0)) == MAP_FAILED ? -1 : 0);
    ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    p[0] = 'y';
    printf("  %c\n", byte_at(fd, 0));
    ERR((p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED ? -1 : 0);
    close(fd);
    RET(mprotect(p, PAGE, PROT_READ));
    RET(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    int pipes[2];
    pipe(pipes);
    ERR(mmap(0, PAGE, PROT_READ, MAP_SHARED, pipes[0], 0) == MAP_FAILED ? -1 : 0);
    int z = open("/dev/zero", O_RDWR);
    p = map(z, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    p[PAGE] = 1;
    printf("  %d %d\n", p[0], p[PAGE]);
}

TEST(filemap_sparse) {
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    RET(ftruncate(fd, 1L << 30));
    char *p = map(fd, 16, PROT_READ | PROT_WRITE, MAP_SHARED, 1000);
    printf("  %d\n", p[0]);
    p[5 * PAGE + 1] = 'x';
    printf("  %c\n", byte_at(fd, 1005 * PAGE + 1));
    RET(munmap(p, 16 * PAGE));
    printf("  %c\n", byte_at(fd, 1005 * PAGE + 1));
    struct stat st;
    fstat(fd, &st);
    CHECK(st.st_blocks <= 16 * 8);
}

TEST(filemap_seals) {
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    ftruncate(fd, 2 * PAGE);
    char *private = map(fd, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    char *p = map(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    p[0] = 's';
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    munmap(p, 2 * PAGE);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    ERR(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    private[0] = 'x';
    p = map(fd, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    p[1] = 'y';
    printf("  %c %c %c\n", byte_at(fd, 0), p[0], p[1]);
}

TEST(filemap_in_proc_maps) {
    int fd = make_file("mapped file", 4, 4 * PAGE);
    char *p = map(fd, 3, PROT_READ, MAP_SHARED, 1);
    struct stat st;
    fstat(fd, &st);
    FILE *f = fopen("/proc/self/maps", "r");
    char line[500];
    int found = 0;
    while (fgets(line, sizeof line, f)) {
        unsigned long start, end, offset, inode;
        char prot[5], name[300];
        if (sscanf(line, "%lx-%lx %4s %lx %*s %lu %299[^\n]", &start, &end, prot, &offset, &inode, name) != 6) continue;
        if (start != (unsigned long)(uintptr_t)p) continue;
        found = 1;
        printf("  %lx %s %lx %d %s\n", end - start, prot, offset, inode == st.st_ino, strrchr(name, '/'));
    }
    CHECK(found);
}

// A page of each of many files, as programs have them that make a named semaphore for each of their locks.
TEST(filemap_many_files) {
    enum { MANY = 200 };
    static char *pages[MANY];
    for (int k = 0; k < MANY; k++) {
        char name[20];
        snprintf(name, sizeof name, "many%d", k);
        int fd = make_file(name, 1, PAGE);
        pages[k] = map(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
        close(fd);
        unlink(name);
        if (pages[k] == MAP_FAILED) return;
        pages[k][1] = (char)k;
    }
    int wrong = 0;
    for (int k = 0; k < MANY; k++) wrong += pages[k][0] != 'a' || pages[k][1] != (char)k;
    printf("  %d wrong\n", wrong);
    for (int k = 0; k < MANY; k++) munmap(pages[k], PAGE);
}
