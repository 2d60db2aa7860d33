// Code that makes no call is interrupted, and goes on as if nothing had been.
#include "vktest.h"
#include <math.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

static volatile int fired;
static volatile double noise = 1.5;
static volatile float lanes[16];

// on_tick leaves other values in all kinds of registers.
static void on_tick(int s) {
    (void)s;
    fired++;
    double x = noise;
    for (int i = 0; i < 20; i++) x = sqrt(x * 3.25 + i);
    noise = x;
    float v[16];
    for (int i = 0; i < 16; i++) v[i] = (float)(fired * (i + 1));
    for (int i = 0; i < 16; i++) lanes[i] = v[i] * v[15 - i];
}

static uint64_t mix(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

// Each kernel takes a few milliseconds and gives a checksum.

static uint64_t integers(void) {
    uint32_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
    for (int i = 0; i < 1500000; i++) {
        a += b ^ (c << 3), b ^= d + (a >> 5), c -= e * 31, d = (d << 7 | d >> 25) + f;
        e ^= g + a, f += h - b, g = g * 1103515245 + c, h ^= (h >> 13) + d;
    }
    return mix(mix(mix((uint64_t)a << 32 | b, c), (uint64_t)d << 32 | e), (uint64_t)f << 32 | (g ^ h));
}

static uint64_t longs(void) {
    uint64_t h = 7;
    for (uint64_t i = 1; i < 400000; i++) h = mix(h, i % 7 ? h / (i | 1) : h % (i + 3));
    return h;
}

static uint64_t floats(void) {
    double x = 0.1, y = 0.2, z = 0.3, dt = 0.001;
    for (int i = 0; i < 800000; i++) {
        double dx = 10 * (y - x), dy = x * (28 - z) - y, dz = x * y - 8.0 / 3 * z;
        x += dx * dt, y += dy * dt, z += dz * dt;
    }
    uint64_t a, b;
    memcpy(&a, &x, 8), memcpy(&b, &z, 8);
    return mix(a, b);
}

enum { N = 64 };
static float m1[N][N], m2[N][N], m3[N][N];

// A compiler makes vector instructions of these loops.
static uint64_t vectors(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) m1[i][j] = (float)(i * 3 + j) / 7, m2[i][j] = (float)(j * 5 - i) / 11;
    for (int round = 0; round < 12; round++) {
        memset(m3, 0, sizeof m3);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++)
                for (int j = 0; j < N; j++) m3[i][j] += m1[i][k] * m2[k][j];
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) m1[i][j] = m3[i][j] / 1000;
    }
    uint64_t h = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            uint32_t w;
            memcpy(&w, &m3[i][j], 4);
            h = mix(h, w);
        }
    return h;
}

static uint8_t bytes[1 << 16];

static uint64_t copies(void) {
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
    for (int round = 0; round < 150; round++) {
        memmove(bytes + 1 + round, bytes, sizeof bytes - 256);
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] ^= (uint8_t)round + bytes[sizeof bytes - 1 - i];
    }
    uint64_t h = 0;
    for (size_t i = 0; i < sizeof bytes; i++) h = mix(h, bytes[i]);
    return h;
}

static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static uint64_t calls(void) { return (uint64_t)fib(27); }

static uint64_t (*const kernels[])(void) = {integers, longs, floats, vectors, copies, calls};
enum { COUNT = sizeof kernels / sizeof *kernels };

static void tick(int us) {
    struct itimerval it = {{0, us}, {0, us}};
    CHECK(setitimer(ITIMER_REAL, &it, 0) == 0);
}

TEST(alarms_change_no_result) {
    uint64_t want[COUNT];
    for (int k = 0; k < COUNT; k++) want[k] = kernels[k]();
    signal(SIGALRM, on_tick);
    tick(1000);
    for (int k = 0; k < COUNT; k++) {
        fired = 0;
        int wrong = 0, rounds = 0;
        while (fired < 40) {
            wrong += kernels[k]() != want[k];
            rounds++;
        }
        printf("  kernel %d: %d wrong\n", k, wrong);
        CHECK(rounds > 0);
    }
    tick(0);
}

TEST(stops_change_no_result) {
    uint64_t want[COUNT];
    int stops = 0;
    for (int k = 0; k < COUNT; k++) want[k] = kernels[k]();
    for (int k = 0; k < COUNT; k++) {
        pid_t pid = fork();
        if (pid == 0) {
            int wrong = 0;
            for (int i = 0; i < 15; i++) wrong += kernels[k]() != want[k];
            _exit(wrong);
        }
        int status = 0;
        for (;;) {
            struct timespec t = {0, 1000000};
            nanosleep(&t, 0);
            if (kill(pid, SIGSTOP)) break;
            CHECK(waitpid(pid, &status, WUNTRACED) == pid);
            if (!WIFSTOPPED(status)) break;
            stops++;
            kill(pid, SIGCONT);
        }
        show_status(status);
    }
    CHECK(stops > 20);
}

TEST(a_stopped_loop_uses_no_time) {
    pid_t pid = fork();
    if (pid == 0)
        for (;;) fired++;
    struct timespec t = {0, 30000000};
    nanosleep(&t, 0);
    kill(pid, SIGSTOP);
    int status;
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    show_status(status);
    char path[64], state = 0;
    long a = 0, b = 0, c = 0, d = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *format = ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld";
    sscanf(strrchr(read_file(path), ')'), format, &state, &a, &b);
    printf("  state %c\n", state);
    t.tv_nsec = 100000000;
    nanosleep(&t, 0);
    sscanf(strrchr(read_file(path), ')'), format, &state, &c, &d);
    SHOW(c + d - a - b);
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
}

static int64_t ms_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

TEST(a_loop_dies_from_sigkill) {
    int64_t best = 1000000;
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;) {}
        struct timespec t = {0, 5000000};
        nanosleep(&t, 0);
        int64_t begin = ms_now();
        kill(pid, SIGKILL);
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        int64_t took = ms_now() - begin;
        if (took < best) best = took;
        show_status(status);
    }
    CHECK(best <= 10);
}

TEST(sched_yield_lets_others_run) {
    pid_t kids[4];
    for (int i = 0; i < 4; i++)
        if (!(kids[i] = fork())) {
            for (;;) sched_yield();
        }
    // Among many that only yield, one that computes has nearly all.
    int64_t begin = ms_now();
    for (int i = 0; i < COUNT; i++) kernels[i]();
    CHECK(ms_now() - begin < 5000);
    for (int i = 0; i < 4; i++) {
        kill(kids[i], SIGKILL);
        CHECK(waitpid(kids[i], 0, 0) == kids[i]);
    }
}
