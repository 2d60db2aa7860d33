// The heap: blocks that come and go in an order that makes and ends groups of all sizes keep what was
// written to them, and calloc's are zero, whatever was there before.
#include "vktest.h"

enum { BLOCKS = 400, STEPS = 20000, LARGEST = 300000 };

static unsigned char *blocks[BLOCKS];
static size_t sizes[BLOCKS];
static uint32_t seed = 41;

static uint32_t next(void) {
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

// size is often small, seldom large, and for some time of one kind.
static size_t size(int step) {
    int bits = 4 + step / 1000 % 15;
    size_t n = 1 + next() % ((1u << bits) + next() % 97);
    return n < LARGEST ? n : LARGEST;
}

static unsigned char mark(int i, size_t at) { return (unsigned char)(i * 31 + at * 7 + 1); }

static int marked(int i) {
    unsigned char *p = blocks[i];
    size_t n = sizes[i];
    for (size_t at = 0; at < n; at += n / 8 + 1)
        if (p[at] != mark(i, at)) return 0;
    return p[n - 1] == mark(i, n - 1);
}

static int zero(const unsigned char *p, size_t n) {
    for (size_t at = 0; at < n; at++)
        if (p[at]) return 0;
    return 1;
}

// fill gives block i a new size.
static void fill(int i, size_t n) {
    unsigned char *p = blocks[i];
    switch (next() % 3) {
    case 0:
        free(p);
        p = calloc(1, n);
        if (!p || !zero(p, n)) CHECK(!"calloc gives zeros");
        break;
    case 1: p = realloc(p, n); break;
    default: free(p), p = malloc(n);
    }
    CHECK(p != 0);
    blocks[i] = p, sizes[i] = n;
    memset(p, 255, n);
    for (size_t at = 0; at < n; at += n / 8 + 1) p[at] = mark(i, at);
    p[n - 1] = mark(i, n - 1);
}

TEST(blocks_that_come_and_go_keep_their_bytes) {
    int good = 1;
    for (int step = 0; step < STEPS; step++) {
        int i = (int)(next() % BLOCKS);
        if (blocks[i]) good &= marked(i);
        if (next() % 50 == 0)
            for (int k = 0; k < BLOCKS; k++) free(blocks[k]), blocks[k] = 0;
        fill(i, size(step));
    }
    SHOW(good);
}

static int work(void *arg) {
    (void)arg;
    for (int step = 0; step < 5000; step++) fill((int)(next() % BLOCKS), size(step));
    return 7;
}

TEST(a_child_has_a_heap_of_its_own) {
    for (int i = 0; i < BLOCKS; i++) fill(i, 1 + next() % 40000);
    for (int i = 0; i < BLOCKS; i += 2) free(blocks[i]), blocks[i] = 0;
    run_child(work, NULL);
    int good = 1;
    for (int i = 1; i < BLOCKS; i += 2) good &= marked(i);
    SHOW(good);
}
