// What a program does that means no good. The children are run by the Go test beside the C
// tests, since Linux has other limits.
#include "threads.h"
#include <sys/syscall.h>

static void *wait_for_ever(void *p) {
    for (;;) pause();
    return p;
}
static void *spin_for_ever(void *p) {
    for (volatile unsigned i = 0;; i++) {}
    return p;
}

static int fill(void *(*f)(void *)) {
    pthread_attr_t a;
    pthread_t t;
    int n = 0, e;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 16384);
    pthread_attr_setguardsize(&a, 0);
    while (n < 20000 && (e = pthread_create(&t, &a, f, 0)) == 0) n++;
    printf("%s %s\n", errno_name(e), n >= 500 ? "many" : "few");
    fflush(stdout);
    return n;
}

CHILD(many_threads) {
    (void)argc, (void)argv;
    fill(wait_for_ever);
    // The process is as good as before.
    int pid = fork();
    printf("fork: %s\n", pid < 0 ? errno_name(errno) : "ok");
    return 0;
}

CHILD(many_spinning_threads) {
    (void)argc, (void)argv;
    pthread_t t;
    for (int i = 0; i < 40; i++)
        if (pthread_create(&t, 0, spin_for_ever, 0)) return 2;
    return 0;
}

// Threads that change what calls are given while the calls look at it.
static char path[4096];
static struct {
    void *base;
    size_t len;
} vectors[16];
static long long words[64];
static char room[0x20000];
static void *change(void *p) {
    unsigned x = (unsigned)(uintptr_t)p;
    for (;;) {
        x = x * 1664525 + 1013904223;
        path[x >> 8 & 4095] = x >> 24;
        // Zeros go to where nothing is, or where they do no harm.
        vectors[x >> 8 & 15].base = x & 1 ? room + (x & 0xffff) : (void *)(uintptr_t)0x7fff0000;
        vectors[x >> 4 & 15].len = x & 2 ? x >> 16 : 0x80000000;
        words[x >> 16 & 63] = (long long)x * x;
    }
    return p;
}

CHILD(racing_arguments) {
    (void)argc, (void)argv;
    pthread_t t;
    long long brief[2] = {0, 100}, none[2] = {0, 0};
    int fd = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
    memset(path, 'a', sizeof path - 1);
    for (int i = 0; i < 3; i++) pthread_create(&t, 0, change, (void *)(uintptr_t)i);
    for (int i = 0; i < 3000; i++) {
        syscall(SYS_openat, -100L, path, 0L, 0L);
        syscall(SYS_writev, (long)fd, vectors, 16L);
        syscall(SYS_readv, (long)zero, vectors, 4L);
        syscall(SYS_poll, words, 32L, 0L);
        syscall(SYS_nanosleep, brief, words);
        syscall(SYS_rt_sigaction, 10L, words, words + 8, 8L);
        syscall(SYS_rt_sigprocmask, 0L, words + 4, words + 5, 8L);
        syscall(SYS_futex, words, 3L, 1L, 1L, words + 2, 0L); // waiting may take as long as the words say
        syscall(SYS_futex, words, 8L, 0L, 0L, 0L, 0L);
        syscall(SYS_select, 64L, words, words + 1, words + 2, none);
        syscall(SYS_set_robust_list, words, 12L);
        syscall(SYS_timer_create, 1L, words, words + 8);
        syscall(SYS_execve, path, vectors, vectors);
    }
    printf("alive\n");
    exit(0);
}

// Robust lists and locks whose words are anything.
static void *end_badly(void *p) {
    static unsigned ring[8];
    ring[0] = (unsigned)(uintptr_t)&ring[2];
    ring[2] = (unsigned)(uintptr_t)&ring[4];
    ring[4] = (unsigned)(uintptr_t)&ring[2];
    ring[1] = (unsigned)(uintptr_t)p;
    ring[6] = 0xfffffff1;
    syscall(SYS_set_robust_list, p ? (void *)ring : (void *)(uintptr_t)0xfffffff8u, 12L);
    syscall(SYS_set_tid_address, (void *)(uintptr_t)(p ? 0xffffffffu : 8));
    syscall(SYS_exit, 0L);
    return 0;
}

CHILD(bad_lists) {
    (void)argc, (void)argv;
    for (unsigned i = 0; i < 200; i++) {
        pthread_attr_t a;
        pthread_t t;
        pthread_attr_init(&a);
        pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
        // The list of threads stays locked: only the kernel is under test from here on.
        if (fork() == 0) {
            pthread_create(&t, &a, end_badly, (void *)(uintptr_t)(i * 0x01234567));
            sleep_ms(1);
            _exit(0);
        }
        wait(0);
    }
    printf("alive\n");
    return 0;
}
