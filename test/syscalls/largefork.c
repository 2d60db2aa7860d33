// Forks of a process with much memory: what parent, children and grandchildren see of each other's
// writes, of what is unmapped, protected, discarded, moved and shared.
#include "vktest.h"
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 4096, PAGES = 2048 }; // 8 MiB

static unsigned char *large(int value) {
    unsigned char *p = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) _exit(99);
    for (int i = 0; i < PAGES; i++) p[i * PAGE] = (unsigned char)(value + i);
    return p;
}

// wrong counts pages of [from, to) that do not hold value + number.
static int wrong(const unsigned char *p, int from, int to, int value) {
    int n = 0;
    for (int i = from; i < to; i++) n += p[i * PAGE] != (unsigned char)(value + i);
    return n;
}

static void fill(unsigned char *p, int from, int to, int step, int value) {
    for (int i = from; i < to; i += step) p[i * PAGE] = (unsigned char)(value + i);
}

// ends gives a child's exit status, which is a count of wrong pages, at most 100.
static int ends(pid_t pid) {
    int status = -1;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

static void finish(int n) { _exit(n > 100 ? 100 : n); }

TEST(large_fork_again_and_again) {
    unsigned char *p = large(1);
    for (int round = 0; round < 12; round++) {
        int value = 1 + round;
        pid_t pid = fork();
        if (pid == 0) {
            int n = wrong(p, 0, PAGES, value);
            fill(p, 0, PAGES, 3, 77);
            finish(n);
        }
        CHECK(ends(pid) == 0);
        CHECK(wrong(p, 0, PAGES, value) == 0);
        fill(p, 0, PAGES, 1, value + 1);
    }
}

TEST(large_fork_parent_writes_a_part_each_time) {
    unsigned char *p = large(0);
    for (int round = 0; round < 20; round++) {
        int tenth = round % 10 * (PAGES / 10);
        memset(p + tenth * PAGE, round, PAGE);
        pid_t pid = fork();
        if (pid == 0) finish(p[tenth * PAGE] != round || p[tenth * PAGE + PAGE - 1] != round);
        CHECK(ends(pid) == 0);
    }
}

TEST(large_fork_children_live_on) {
    enum { KIDS = 6 };
    unsigned char *p = large(5);
    pid_t kids[KIDS];
    int go[2];
    char c;
    CHECK(pipe(go) == 0);
    for (int k = 0; k < KIDS; k++) {
        kids[k] = fork();
        if (kids[k] == 0) {
            close(go[1]);
            int n = wrong(p, 0, PAGES, 5 + k);
            fill(p, k, PAGES, 7, 200 + k);
            if (read(go[0], &c, 1) != 0) n++;
            for (int i = 0; i < PAGES; i++)
                n += p[i * PAGE] != (unsigned char)((i >= k && (i - k) % 7 == 0 ? 200 + k : 5 + k) + i);
            finish(n);
        }
        fill(p, 0, PAGES, 1, 5 + k + 1); // the children must not see it
    }
    close(go[0]);
    close(go[1]);
    for (int k = 0; k < KIDS; k++) CHECK(ends(kids[k]) == 0);
    CHECK(wrong(p, 0, PAGES, 5 + KIDS) == 0);
}

TEST(large_fork_grandchildren) {
    unsigned char *p = large(9);
    pid_t pid = fork();
    if (pid == 0) {
        fill(p, 0, PAGES / 2, 1, 10);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            int n = wrong(p, 0, PAGES / 2, 10) + wrong(p, PAGES / 2, PAGES, 9);
            fill(p, 0, PAGES, 1, 11);
            pid_t last = fork();
            if (last == 0) finish(wrong(p, 0, PAGES, 11));
            finish(n + ends(last));
        }
        int n = ends(grandchild);
        finish(n + wrong(p, 0, PAGES / 2, 10) + wrong(p, PAGES / 2, PAGES, 9));
    }
    CHECK(ends(pid) == 0);
    CHECK(wrong(p, 0, PAGES, 9) == 0);
}

TEST(large_fork_layout_changes) {
    unsigned char *p = large(20);
    for (int round = 0; round < 3; round++) {
        pid_t pid = fork();
        if (pid == 0) finish(wrong(p, 1000, PAGES, 20));
        CHECK(ends(pid) == 0);
        switch (round) {
        case 0: // a hole, which a child has too, and new memory there
            CHECK(munmap(p + 100 * PAGE, 50 * PAGE) == 0);
            CHECK(mmap(p + 120 * PAGE, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                       0) == p + 120 * PAGE);
            CHECK(p[125 * PAGE] == 0);
            break;
        case 1: // discarded pages are zero
            CHECK(madvise(p + 300 * PAGE, 100 * PAGE, MADV_DONTNEED) == 0);
            CHECK(p[350 * PAGE] == 0);
            break;
        }
    }
    pid_t pid = fork();
    if (pid == 0) {
        int n = p[350 * PAGE] != 0 || p[125 * PAGE] != 0;
        p[350 * PAGE] = 1;
        finish(n + wrong(p, 0, 100, 20) + wrong(p, 150, 300, 20) + wrong(p, 400, PAGES, 20));
    }
    CHECK(ends(pid) == 0);
    CHECK(p[350 * PAGE] == 0);
}

static void on_fault(int sig) { _exit(sig); }

TEST(large_fork_protection) {
    unsigned char *p = large(30);
    CHECK(mprotect(p + 10 * PAGE, 500 * PAGE, PROT_READ) == 0);
    CHECK(mprotect(p + 600 * PAGE, 500 * PAGE, PROT_NONE) == 0);
    for (int round = 0; round < 3; round++) {
        for (int where = 10; where <= 600; where += 590) {
            pid_t pid = fork();
            if (pid == 0) {
                signal(SIGSEGV, on_fault);
                if (wrong(p, 0, 600, 30)) _exit(1);
                p[(where + 5) * PAGE] = 0;
                _exit(2);
            }
            RET(ends(pid));
        }
        pid_t pid = fork();
        if (pid == 0) {
            if (mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE)) _exit(1);
            finish(wrong(p, 0, PAGES, 30));
        }
        CHECK(ends(pid) == 0);
        fill(p, 1200, PAGES, 1, 30);
    }
}

TEST(large_fork_move) {
    unsigned char *p = large(40);
    pid_t pid = fork();
    if (pid == 0) finish(wrong(p, 0, PAGES, 40));
    CHECK(ends(pid) == 0);
    unsigned char *q = mremap(p, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    pid = fork();
    if (pid == 0) finish(wrong(q, 0, PAGES, 40) + (q[PAGES * PAGE] != 0));
    CHECK(ends(pid) == 0);
}

TEST(large_fork_shared_memory) {
    unsigned char *p = large(50);
    unsigned char *s = mmap(0, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(s != MAP_FAILED);
    for (int round = 1; round < 4; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            s[5 * PAGE] = (unsigned char)round;
            finish(wrong(p, 0, PAGES, 50));
        }
        CHECK(ends(pid) == 0);
        CHECK(s[5 * PAGE] == round);
    }
}

// brk_by moves the break, which the C library's sbrk does not do.
static unsigned char *brk_by(long by) {
    char *now = (char *)syscall(SYS_brk, 0), *to = (char *)syscall(SYS_brk, now + by);
    return to == now + by ? (unsigned char *)now : 0;
}

TEST(large_fork_heap) {
    unsigned char *p = brk_by(PAGES * PAGE);
    CHECK(p != 0);
    p += PAGE - 1;
    p -= (uintptr_t)p % PAGE;
    fill(p, 0, PAGES - 1, 1, 60);
    for (int round = 0; round < 3; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            int n = wrong(p, 0, PAGES - 1, 60);
            n += !brk_by(-(PAGES / 2) * PAGE) + !brk_by(PAGES / 2 * PAGE);
            finish(n + wrong(p, 0, PAGES / 2 - 2, 60) + (p[(PAGES - 2) * PAGE] != 0));
        }
        CHECK(ends(pid) == 0);
        CHECK(wrong(p, 0, PAGES - 1, 60) == 0);
    }
}

TEST(large_fork_vfork_and_exec) {
    unsigned char *p = large(70);
    for (int round = 0; round < 3; round++) {
        pid_t pid = vfork();
        if (pid == 0) {
            p[7 * PAGE] = (unsigned char)(100 + round);
            _exit(0);
        }
        CHECK(ends(pid) == 0);
        CHECK(p[7 * PAGE] == 100 + round);
        pid = fork();
        if (pid == 0) {
            char *argv[] = {"/bin/true", 0};
            if (p[7 * PAGE] != 100 + round) _exit(9);
            execve("/bin/true", argv, (char *[]){0});
            _exit(8);
        }
        CHECK(ends(pid) == 0);
    }
}
