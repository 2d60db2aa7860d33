// futex(2) itself.
#include "threads.h"
#include <sys/syscall.h>

// What linux/futex.h has, which not every C library brings.
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_TID_MASK 0x3fffffffu
struct robust_list {
    struct robust_list *next;
};
struct robust_list_head {
    struct robust_list list;
    long futex_offset;
    struct robust_list *list_op_pending;
};

static long futex(void *word, int op, unsigned v, const struct timespec *t, void *word2, unsigned v3) {
    return syscall(SYS_futex, word, (long)op, (long)v, t, word2, (long)v3);
}
static long futex_n(void *word, int op, unsigned v, unsigned n, void *word2, unsigned v3) {
    return syscall(SYS_futex, word, (long)op, (long)v, (long)n, word2, (long)v3);
}

static _Atomic unsigned word, other;
static atomic_int asleep, woken;

static void *wait_bits(void *p) {
    atomic_fetch_add(&asleep, 1);
    if (futex(&word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE, 0, 0, 0, 1u << (uintptr_t)p) == 0) atomic_fetch_add(&woken, 1);
    return p;
}

static void settle(int n) {
    while (atomic_load(&asleep) < n) sched_yield();
    sleep_ms(20);
}
static void await(int n) {
    for (int i = 0; i < 1000 && atomic_load(&woken) < n; i++) sleep_ms(1);
    sleep_ms(5);
    SHOW(atomic_load(&woken));
}

TEST(futex_wake_by_bits_and_requeue) {
    pthread_t t[8];
    for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, wait_bits, (void *)(uintptr_t)i);
    settle(8);
    RET(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE, 10, 0, 0, 0x5));
    await(2);
    RET(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE, 10, 0, 0, 0));
    RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 1, 0, 0, 0));
    await(3);
    RET(futex_n(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1, 2, (void *)&other, 1));
    RET(futex_n(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1, 2, (void *)&other, 0));
    await(4);
    RET(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE, 10, 0, 0, 0));
    await(6);
    RET(futex_n(&word, FUTEX_REQUEUE | FUTEX_PRIVATE, 0, 10, (void *)&other, 0));
    RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 10, 0, 0, 0));
    RET(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE, 10, 0, 0, 0));
    await(8);
    for (int i = 0; i < 8; i++) pthread_join(t[i], 0);
}

TEST(futex_errors_and_timeouts) {
    struct timespec t = {0, 5000000}, past = {0, 0}, bad = {0, -1}, at;
    RET(futex(&word, FUTEX_WAIT, 1, 0, 0, 0));
    RET(futex(&word, FUTEX_WAIT, 0, &t, 0, 0));
    RET(futex(&word, FUTEX_WAIT, 0, &bad, 0, 0));
    RET(futex(&word, FUTEX_WAIT_BITSET, 0, &past, 0, FUTEX_BITSET_MATCH_ANY));
    RET(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, 0, FUTEX_BITSET_MATCH_ANY));
    at = in_ms(CLOCK_MONOTONIC, 5);
    RET(futex(&word, FUTEX_WAIT_BITSET, 0, &at, 0, FUTEX_BITSET_MATCH_ANY));
    at = in_ms(CLOCK_REALTIME, 5);
    RET(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &at, 0, FUTEX_BITSET_MATCH_ANY));
    RET(futex(&word, FUTEX_WAIT_BITSET, 0, &past, 0, 0));
    RET(futex((char *)&word + 2, FUTEX_WAIT, 0, 0, 0, 0));
    RET(futex((void *)16, FUTEX_WAIT, 0, 0, 0, 0));
    RET(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, 0, 0, 0));
    RET(futex_n(&word, FUTEX_REQUEUE, -1, 1, (void *)&other, 0));
}

static void nothing(int sig) { (void)sig; }
static pthread_t waiter;
static void *interrupt(void *p) {
    sleep_ms(10);
    pthread_kill(waiter, SIGUSR1);
    sleep_ms(10);
    atomic_store(&word, 1);
    futex(&word, FUTEX_WAKE, 1, 0, 0, 0);
    return p;
}

TEST(futex_wait_and_signals) {
    for (int restart = 0; restart < 2; restart++)
        for (int timed = 0; timed < 2; timed++) {
            pthread_t t;
            struct timespec far = {100, 0};
            struct sigaction sa = {.sa_handler = nothing, .sa_flags = restart ? SA_RESTART : 0};
            sigaction(SIGUSR1, &sa, 0);
            waiter = pthread_self();
            atomic_store(&word, 0);
            pthread_create(&t, 0, interrupt, 0);
            RET(futex(&word, FUTEX_WAIT, 0, timed ? &far : 0, 0, 0));
            pthread_join(t, 0);
        }
}

static void *lock_pi(void *p) {
    RET(futex(&word, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
    RET(futex(&word, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
    RET(futex(&word, FUTEX_LOCK_PI, 0, 0, 0, 0));
    SHOW((atomic_load(&word) & FUTEX_TID_MASK) == (unsigned)gettid());
    return p; // with the lock, which nobody hears of
}

TEST(futex_lock_pi) {
    pthread_t t;
    struct timespec at = in_ms(CLOCK_REALTIME, 5);
    RET(futex(&word, FUTEX_LOCK_PI, 0, 0, 0, 0));
    SHOW(atomic_load(&word) == (unsigned)gettid());
    RET(futex(&word, FUTEX_LOCK_PI, 0, 0, 0, 0));
    pthread_create(&t, 0, lock_pi, 0);
    sleep_ms(20);
    SHOW(atomic_load(&word) == ((unsigned)gettid() | FUTEX_WAITERS));
    RET(futex(&word, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
    pthread_join(t, 0);
    atomic_store(&other, 999999);
    RET(futex(&other, FUTEX_LOCK_PI, 0, &at, 0, 0));
}

// A futex in shared memory is one for all processes, unless it is private.
TEST(futex_across_processes) {
    _Atomic unsigned *shared = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0) {
        int r = futex(&shared[1025], FUTEX_WAIT, 0, 0, 0, 0);
        _exit(r == 0 ? 7 : errno);
    }
    int n = 0, status;
    sleep_ms(5);
    for (int i = 0; i < 1000 && n == 0; i++) {
        n = futex(&shared[1025], FUTEX_WAKE | FUTEX_PRIVATE, 1, 0, 0, 0);
        CHECK(n == 0);
        n = futex(&shared[1025], FUTEX_WAKE, 1, 0, 0, 0);
        sleep_ms(1);
    }
    SHOW(n);
    waitpid(pid, &status, 0);
    show_status(status);
}

static struct entry {
    struct robust_list list;
    _Atomic unsigned lock;
} held, pending;
static struct robust_list_head head;

static void *end_with_locks(void *p) {
    head.list.next = &held.list;
    held.list.next = p ? &held.list : &head.list; // a ring that does not come back
    head.futex_offset = (char *)&held.lock - (char *)&held;
    head.list_op_pending = &pending.list;
    held.lock = gettid() | FUTEX_WAITERS;
    pending.lock = gettid();
    CHECK(syscall(SYS_set_robust_list, &head, sizeof head) == 0);
    syscall(SYS_exit, 0);
    return 0;
}

TEST(robust_list_is_walked) {
    for (int ring = 0; ring < 2; ring++) {
        pthread_t t;
        pthread_create(&t, 0, end_with_locks, ring ? &ring : 0);
        wait_single();
        printf("  %x %x\n", held.lock, pending.lock);
    }
}

#define FUTEX_WAKE_OP 5
#define CHANGE(op, arg, cmp, with)                                                                                     \
    ((unsigned)(op) << 28 | (unsigned)(cmp) << 24 | ((unsigned)(arg) & 0xfff) << 12 | ((unsigned)(with) & 0xfff))

static void *wait_at(void *p) {
    atomic_fetch_add(&asleep, 1);
    if (futex(p, FUTEX_WAIT | FUTEX_PRIVATE, atomic_load((_Atomic unsigned *)p), 0, 0, 0) == 0)
        atomic_fetch_add(&woken, 1);
    return p;
}

TEST(futex_wake_op) {
    pthread_t t[6];
    for (int i = 0; i < 6; i++) pthread_create(&t[i], 0, wait_at, i < 3 ? (void *)&word : (void *)&other);
    settle(6);
    atomic_store(&other, 5); // the comparison is with 5: equal
    RET(futex_n(&word, FUTEX_WAKE_OP | FUTEX_PRIVATE, 1, 2, (void *)&other, CHANGE(1, -7, 0, 5)));
    await(3);
    SHOW(other);
    // -2 is not greater than -1: only waiters of the first
    RET(futex_n(&word, FUTEX_WAKE_OP | FUTEX_PRIVATE, 1, 2, (void *)&other, CHANGE(0, 9, 4, -1)));
    await(4);
    SHOW(other);
    // both of one word, at least one of each
    RET(futex_n(&word, FUTEX_WAKE_OP | FUTEX_PRIVATE, 0, 0, (void *)&other, CHANGE(2, 6, 5, 9)));
    await(6);
    for (int i = 0; i < 6; i++) pthread_join(t[i], 0);
}

TEST(futex_wake_op_changes_and_compares) {
    static const unsigned values[] = {0, 1, 0x7ff, 0x80000000u, 0xffffffffu};
    for (int op = 0; op < 16; op++)
        for (int cmp = 0; cmp < 8; cmp++)
            for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
                int arg = i == 3 ? 33 : -1 + (int)i * 5;
                atomic_store(&other, values[i]);
                RET(futex_n(&word, FUTEX_WAKE_OP, 1, 1, (void *)&other, CHANGE(op, arg, cmp, -1 + (int)i)));
                SHOW(other);
            }
    RET(futex_n(&word, FUTEX_WAKE_OP, 1, 1, (char *)&other + 1, 0));
    RET(futex_n(&word, FUTEX_WAKE_OP, 1, 1, (void *)16, 0));
}
