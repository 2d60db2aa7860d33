// Six more computations: structures of doubles, permutations, a floating-point loop with an
// unpredictable end, trees, a table of dynamic programming, and matching of repeated bytes.
#include "cpu.h"
#include <string.h>

static uint32_t seed;
static uint32_t next(void) {
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

// nbody moves five bodies 60,000 steps.
static uint32_t nbody(void) {
    enum { N = 5 };
    static struct {
        double x[3], v[3], mass;
    } b[N];
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 3; k++) b[i].x[k] = i * 1.7 + k, b[i].v[k] = (i - k) * 0.01, b[i].mass = 1.0 / (i + 1);
    for (int step = 0; step < 60000; step++) {
        for (int i = 0; i < N; i++)
            for (int j = i + 1; j < N; j++) {
                double d[3], square = 0.01;
                for (int k = 0; k < 3; k++) d[k] = b[i].x[k] - b[j].x[k], square += d[k] * d[k];
                double pull = 0.001 / (square * __builtin_sqrt(square));
                for (int k = 0; k < 3; k++) {
                    b[i].v[k] -= d[k] * b[j].mass * pull;
                    b[j].v[k] += d[k] * b[i].mass * pull;
                }
            }
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 3; k++) b[i].x[k] += 0.001 * b[i].v[k];
    }
    return (uint32_t)(int64_t)(b[0].x[0] * 1e6);
}

// fannkuch flips the permutations of nine numbers.
static uint32_t fannkuch(void) {
    enum { N = 9 };
    int perm[N], work[N], count[N], most = 0, r = N;
    uint32_t sum = 0;
    for (int i = 0; i < N; i++) perm[i] = i;
    for (uint32_t turn = 0;; turn++) {
        for (; r != 1; r--) count[r - 1] = r;
        int flips = 0;
        memcpy(work, perm, sizeof work);
        for (int k; (k = work[0]) != 0; flips++)
            for (int i = 0, j = k; i < j; i++, j--) {
                int t = work[i];
                work[i] = work[j];
                work[j] = t;
            }
        if (flips > most) most = flips;
        sum += turn & 1 ? -flips : flips;
        for (;; r++) {
            if (r == N) return sum * 100 + (uint32_t)most;
            int first = perm[0];
            for (int i = 0; i < r; i++) perm[i] = perm[i + 1];
            perm[r] = first;
            if (--count[r] > 0) break;
        }
    }
}

// mandelbrot counts the points of a 256 x 256 grid that stay, by up to 200 steps.
static uint32_t mandelbrot(void) {
    enum { N = 256 };
    uint32_t inside = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double cx = 3.0 * j / N - 2.2, cy = 2.4 * i / N - 1.2, x = 0, y = 0;
            int k = 0;
            for (; k < 200 && x * x + y * y < 4; k++) {
                double t = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = t;
            }
            inside += (uint32_t)k;
        }
    return inside;
}

struct tree {
    struct tree *left, *right;
    uint32_t key;
};

static struct tree pool[60000];
static uint32_t used;

static struct tree *insert(struct tree *t, uint32_t key) {
    if (!t) {
        t = &pool[used++];
        *t = (struct tree){0, 0, key};
    } else if (key < t->key) {
        t->left = insert(t->left, key);
    } else if (key > t->key) {
        t->right = insert(t->right, key);
    }
    return t;
}

static uint32_t depth(const struct tree *t) {
    if (!t) return 0;
    uint32_t l = depth(t->left), r = depth(t->right);
    return 1 + (l > r ? l : r);
}

// trees inserts 60,000 keys into a search tree by recursion, and walks it.
static uint32_t trees(void) {
    struct tree *root = 0;
    seed = 19, used = 0;
    for (int i = 0; i < 60000; i++) root = insert(root, next());
    return depth(root) * 100000 + used;
}

// distance is the edit distance of two strings of 1,500 letters.
static uint32_t distance(void) {
    enum { N = 1500 };
    static uint8_t a[N], b[N];
    static uint32_t row[N + 1];
    seed = 23;
    for (int i = 0; i < N; i++) a[i] = next() % 8, b[i] = next() % 8;
    for (int j = 0; j <= N; j++) row[j] = (uint32_t)j;
    for (int i = 1; i <= N; i++) {
        uint32_t diagonal = row[0];
        row[0] = (uint32_t)i;
        for (int j = 1; j <= N; j++) {
            uint32_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[N];
}

// lz finds the longest matches in 256 KiB of text with much repetition, by chains of hashes.
static uint32_t lz(void) {
    enum { N = 1 << 18, BUCKETS = 1 << 14, WINDOW = 1 << 15 };
    static uint8_t text[N];
    static int32_t head[BUCKETS], chain[WINDOW];
    seed = 29;
    for (int i = 0; i < N; i++) {
        uint32_t r = next();
        text[i] = i > 5000 && r % 16 ? text[i - 4000 + (int)(r % 3 == 0)] : (uint8_t)('a' + r % 20);
    }
    memset(head, 0xff, sizeof head);
    uint32_t matched = 0, tokens = 0;
    for (int i = 0; i + 4 < N;) {
        int best = 0;
        uint32_t h = ((uint32_t)text[i] << 16 | (uint32_t)text[i + 1] << 8 | text[i + 2]) * 2654435761u >> 18;
        int32_t at = head[h];
        for (int tries = 32; at >= 0 && i - at < WINDOW && tries-- > 0; at = chain[at & (WINDOW - 1)]) {
            int n = 0;
            while (i + n < N && n < 258 && text[at + n] == text[i + n]) n++;
            if (n > best) best = n;
        }
        chain[i & (WINDOW - 1)] = head[h];
        head[h] = i;
        tokens++;
        matched += (uint32_t)(best >= 3 ? best : 0);
        i += best >= 3 ? best : 1;
    }
    return matched * 31 + tokens;
}

const struct kernel more[] = {
    {"nbody", nbody}, {"fannkuch", fannkuch}, {"mandelbrot", mandelbrot},
    {"trees", trees}, {"distance", distance}, {"lz", lz},
    {0, 0},
};
