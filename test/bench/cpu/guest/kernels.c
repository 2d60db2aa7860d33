// Six computations of different character: integer loops over memory, floating point,
// bit operations, calls through pointers, and unpredictable branches.
#include "cpu.h"
#include <string.h>

static uint32_t seed;
static uint32_t next(void) {
    seed = seed * 1664525u + 1013904223u;
    return seed;
}

// sieve counts the primes below a million.
static uint32_t sieve(void) {
    enum { N = 1000000 };
    static uint8_t composite[N];
    memset(composite, 0, N);
    uint32_t count = 0;
    for (uint32_t i = 2; i < N; i++) {
        if (composite[i]) continue;
        count++;
        for (uint32_t j = i * 2; j < N; j += i) composite[j] = 1;
    }
    return count;
}

// matmul multiplies two 160 x 160 matrices of doubles.
static uint32_t matmul(void) {
    enum { N = 160 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) a[i][j] = i + j, b[i][j] = 2 * i - j, c[i][j] = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++) c[i][j] += a[i][k] * b[k][j];
    double trace = 0;
    for (int i = 0; i < N; i++) trace += c[i][i];
    return (uint32_t)(int64_t)trace;
}

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

// sha256 runs the compression function over 512 KiB (constants are stand-ins: the work is
// the same, and nothing depends on the digest).
static uint32_t sha256(void) {
    static uint32_t k[64], w[64];
    uint32_t h[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    seed = 7;
    for (int i = 0; i < 64; i++) k[i] = next();
    for (int block = 0; block < 8192; block++) {
        for (int i = 0; i < 16; i++) w[i] = h[i & 7] + (uint32_t)(block * i);
        for (int i = 16; i < 64; i++) {
            uint32_t x = w[i - 15], y = w[i - 2];
            w[i] = w[i - 16] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[i - 7] + (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
        }
        uint32_t s[8];
        memcpy(s, h, sizeof s);
        for (int i = 0; i < 64; i++) {
            uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
                          k[i] + w[i];
            uint32_t t2 =
                (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1;
            s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t1 + t2;
        }
        for (int i = 0; i < 8; i++) h[i] += s[i];
    }
    return h[0];
}

static int compare(const uint32_t *a, const uint32_t *b) { return *a < *b ? -1 : *a > *b; }

static int (*volatile comparison)(const uint32_t *, const uint32_t *) = compare;

// sift restores the heap below i. The order is known only by calling through a pointer.
static void sift(uint32_t *v, uint32_t i, uint32_t n, int (*order)(const uint32_t *, const uint32_t *)) {
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && order(&v[child], &v[child + 1]) < 0) child++;
        if (order(&v[i], &v[child]) >= 0) return;
        uint32_t t = v[i];
        v[i] = v[child];
        v[child] = t;
    }
}

// sort sorts 50,000 numbers by a comparison through a pointer. It is a heap sort of its own:
// the two C libraries' qsort were compiled differently.
static uint32_t sort(void) {
    enum { N = 50000 };
    static uint32_t v[N];
    int (*order)(const uint32_t *, const uint32_t *) = comparison;
    seed = 11;
    for (int i = 0; i < N; i++) v[i] = next();
    for (uint32_t i = N / 2; i-- > 0;) sift(v, i, N, order);
    for (uint32_t n = N; --n > 0;) {
        uint32_t t = v[0];
        v[0] = v[n];
        v[n] = t;
        sift(v, 0, n, order);
    }
    return v[N / 2];
}

// interp runs a small bytecode machine: a switch in a loop, hard to predict.
static uint32_t interp(void) {
    enum { ADD, XOR, SHIFT, LOAD, STORE, LOOP, OPS };
    static uint8_t code[256];
    static uint32_t mem[256];
    seed = 3;
    for (int i = 0; i < 255; i++) code[i] = (next() >> 16) % LOOP;
    code[255] = LOOP;
    uint32_t acc = 1, rounds = 12000;
    for (uint32_t pc = 0;; pc++) {
        switch (code[pc & 255]) {
        case ADD: acc += pc; break;
        case XOR: acc ^= 0x9e3779b9u + pc; break;
        case SHIFT: acc = rotr(acc, pc & 31); break;
        case LOAD: acc += mem[acc & 255]; break;
        case STORE: mem[acc & 255] = acc; break;
        case LOOP:
            if (--rounds == 0) return acc;
        }
    }
}

// hash fills and probes an open-addressed table of 64 Ki slots.
static uint32_t hash(void) {
    enum { SLOTS = 1 << 16, KEYS = 40000 };
    static uint32_t table[SLOTS];
    memset(table, 0, sizeof table);
    uint32_t probes = 0;
    for (int round = 0; round < 4; round++) {
        seed = 5;
        for (int i = 0; i < KEYS; i++) {
            uint32_t key = next() | 1, at = (key * 2654435761u) >> 16;
            while (table[at] && table[at] != key) at = (at + 1) & (SLOTS - 1), probes++;
            table[at] = key;
        }
    }
    return probes;
}

const struct kernel kernels[] = {
    {"sieve", sieve}, {"matmul", matmul}, {"sha256", sha256}, {"sort", sort}, {"interp", interp}, {"hash", hash},
    {0, 0},
};
