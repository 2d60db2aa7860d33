// Mutexes, condition variables, locks, barriers, semaphores.
#include "threads.h"

#define COUNT 2000

static pthread_mutex_t mutex;
static long counter;

static void *count_up(void *p) {
    for (int i = 0; i < COUNT; i++) {
        pthread_mutex_lock(&mutex);
        long seen = counter;
        if (i % 64 == 0) sched_yield();
        counter = seen + 1;
        pthread_mutex_unlock(&mutex);
    }
    return p;
}

static void set_mutex(int type, int robust, int protocol, int shared) {
    pthread_mutexattr_t a;
    OK(pthread_mutexattr_init(&a));
    OK(pthread_mutexattr_settype(&a, type));
    OK(pthread_mutexattr_setrobust(&a, robust));
    OK(pthread_mutexattr_setprotocol(&a, protocol));
    OK(pthread_mutexattr_setpshared(&a, shared));
    OK(pthread_mutex_init(&mutex, &a));
}

TEST(mutex_kinds_exclude) {
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
    for (int type = 0; type < 3; type++)
        for (int robust = 0; robust < 2; robust++)
            for (int pi = 0; pi < 2; pi++) {
                counter = 0;
                set_mutex(types[type], robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED,
                          pi ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
                run_threads(4, count_up);
                CHECK(counter == 4 * COUNT);
                OK(pthread_mutex_destroy(&mutex));
            }
}

static void *try_and_unlock(void *p) {
    NAME(pthread_mutex_trylock(&mutex));
    NAME(pthread_mutex_unlock(&mutex));
    return p;
}

TEST(mutex_errors) {
    set_mutex(PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0);
    OK(pthread_mutex_lock(&mutex));
    NAME(pthread_mutex_lock(&mutex));
    run_threads(1, try_and_unlock);
    OK(pthread_mutex_unlock(&mutex));
    NAME(pthread_mutex_unlock(&mutex));
    set_mutex(PTHREAD_MUTEX_RECURSIVE, 0, 0, 0);
    for (int i = 0; i < 3; i++) OK(pthread_mutex_lock(&mutex));
    for (int i = 0; i < 3; i++) OK(pthread_mutex_unlock(&mutex));
    NAME(pthread_mutex_unlock(&mutex));
}

static void *wait_briefly(void *p) {
    struct timespec t = in_ms(CLOCK_REALTIME, 20);
    NAME(pthread_mutex_timedlock(&mutex, &t));
    if (!p) return p;
    t.tv_nsec = 1000000000;
    NAME(pthread_mutex_timedlock(&mutex, &t));
    return p;
}

TEST(mutex_timed) {
    for (int pi = 0; pi < 2; pi++) {
        set_mutex(PTHREAD_MUTEX_NORMAL, 0, pi, 0);
        OK(pthread_mutex_lock(&mutex));
        pthread_t w;
        OK(pthread_create(&w, 0, wait_briefly, pi ? 0 : &mutex));
        OK(pthread_join(w, 0));
        OK(pthread_mutex_unlock(&mutex));
    }
}

static void *lock_and_end(void *p) {
    OK(pthread_mutex_lock(&mutex));
    return p;
}

static sem_t locked;
static void *lock_and_end_later(void *p) {
    OK(pthread_mutex_lock(&mutex));
    sem_post(&locked);
    sleep_ms(10);
    return p;
}

static void *lock_a_dead_ones(void *p) {
    NAME(pthread_mutex_lock(&mutex));
    OK(pthread_mutex_consistent(&mutex));
    OK(pthread_mutex_unlock(&mutex));
    return p;
}

TEST(mutex_robust) {
    for (int pi = 0; pi < 2; pi++) {
        pthread_t t;
        set_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, pi, 0);
        run_threads(1, lock_and_end);
        run_threads(1, lock_a_dead_ones);
        if (pi) continue; // musl waits for ever for one that cannot be recovered
        run_threads(1, lock_and_end);
        NAME(pthread_mutex_lock(&mutex));
        OK(pthread_mutex_unlock(&mutex)); // not made consistent
        NAME(pthread_mutex_lock(&mutex));
        // Somebody waits when the owner ends.
        set_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0, 0);
        OK(pthread_create(&t, 0, lock_and_end_later, 0));
        sem_wait(&locked);
        NAME(pthread_mutex_lock(&mutex));
        OK(pthread_join(t, 0));
        OK(pthread_mutex_consistent(&mutex));
        OK(pthread_mutex_unlock(&mutex));
    }
}

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    sem_t sem;
    pthread_barrier_t barrier;
    pthread_rwlock_t lock;
    int value;
};

static struct shared *share(void) {
    struct shared *s = mmap(0, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t m;
    pthread_condattr_t c;
    pthread_barrierattr_t b;
    pthread_rwlockattr_t l;
    CHECK(s != MAP_FAILED);
    pthread_mutexattr_init(&m);
    pthread_mutexattr_setpshared(&m, 1);
    pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST);
    OK(pthread_mutex_init(&s->mutex, &m));
    pthread_condattr_init(&c);
    pthread_condattr_setpshared(&c, 1);
    OK(pthread_cond_init(&s->cond, &c));
    OK(sem_init(&s->sem, 1, 0));
    pthread_barrierattr_init(&b);
    pthread_barrierattr_setpshared(&b, 1);
    OK(pthread_barrier_init(&s->barrier, &b, 2));
    pthread_rwlockattr_init(&l);
    pthread_rwlockattr_setpshared(&l, 1);
    OK(pthread_rwlock_init(&s->lock, &l));
    return s;
}

TEST(process_shared_locks) {
    struct shared *s = share();
    pid_t pid = fork();
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&s->mutex);
        int seen = s->value;
        if (i % 50 == 0) sched_yield();
        s->value = seen + 1;
        pthread_mutex_unlock(&s->mutex);
    }
    pthread_barrier_wait(&s->barrier);
    if (pid == 0) {
        pthread_mutex_lock(&s->mutex);
        s->value = -1;
        pthread_cond_signal(&s->cond);
        pthread_mutex_unlock(&s->mutex);
        sem_wait(&s->sem);
        pthread_rwlock_wrlock(&s->lock);
        s->value = -2;
        pthread_rwlock_unlock(&s->lock);
        pthread_mutex_lock(&s->mutex);
        _exit(0); // with the lock
    }
    pthread_mutex_lock(&s->mutex);
    while (s->value != -1) {
        CHECK(s->value == 1000);
        pthread_cond_wait(&s->cond, &s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
    OK(pthread_rwlock_rdlock(&s->lock));
    sem_post(&s->sem);
    sleep_ms(10);
    SHOW(s->value);
    OK(pthread_rwlock_unlock(&s->lock));
    int status;
    waitpid(pid, &status, 0);
    show_status(status);
    SHOW(s->value);
    NAME(pthread_mutex_lock(&s->mutex));
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn, waiting;

static void *take_turns(void *p) {
    int me = (int)(uintptr_t)p;
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % 8 != me) pthread_cond_wait(&cond, &mutex);
        turn++;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return p;
}

TEST(cond_broadcast_in_turns) {
    set_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 0);
    run_threads(8, take_turns);
    SHOW(turn);
}

static void *wait_for_signal(void *p) {
    pthread_mutex_lock(&mutex);
    waiting++;
    pthread_cond_wait(&cond, &mutex);
    waiting--;
    pthread_mutex_unlock(&mutex);
    return p;
}

TEST(cond_signal_wakes_one) {
    pthread_t t[4];
    set_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 0);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, wait_for_signal, 0);
    for (int left = 4; left > 0; left--) {
        for (;;) {
            pthread_mutex_lock(&mutex);
            int n = waiting;
            pthread_mutex_unlock(&mutex);
            if (n == left) break;
            sched_yield();
        }
        sleep_ms(2);
        CHECK(waiting == left);
        pthread_cond_signal(&cond);
    }
    for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
    SHOW(waiting);
}

TEST(cond_timed_on_both_clocks) {
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    set_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        pthread_condattr_t a;
        pthread_cond_t c;
        struct timespec t, after;
        pthread_condattr_init(&a);
        OK(pthread_condattr_setclock(&a, clocks[i]));
        OK(pthread_cond_init(&c, &a));
        pthread_mutex_lock(&mutex);
        t = in_ms(clocks[i], 30);
        NAME(pthread_cond_timedwait(&c, &mutex, &t));
        clock_gettime(clocks[i], &after);
        CHECK(after.tv_sec > t.tv_sec || (after.tv_sec == t.tv_sec && after.tv_nsec >= t.tv_nsec));
        NAME(pthread_cond_timedwait(&c, &mutex, &t));
        pthread_mutex_unlock(&mutex);
    }
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int readers, writers;
static int wrong;

static void *read_or_write(void *p) {
    for (int i = 0; i < 300; i++) {
        if ((i + (int)(uintptr_t)p) % 5 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            if (atomic_fetch_add(&writers, 1) != 0 || atomic_load(&readers)) wrong++;
            if (i % 16 == 0) sched_yield();
            atomic_fetch_sub(&writers, 1);
        } else {
            pthread_rwlock_rdlock(&rwlock);
            atomic_fetch_add(&readers, 1);
            if (atomic_load(&writers)) wrong++;
            atomic_fetch_sub(&readers, 1);
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return p;
}

TEST(rwlock_excludes_writers) {
    struct timespec t = in_ms(CLOCK_REALTIME, 10);
    run_threads(8, read_or_write);
    SHOW(wrong);
    OK(pthread_rwlock_rdlock(&rwlock));
    OK(pthread_rwlock_tryrdlock(&rwlock));
    NAME(pthread_rwlock_trywrlock(&rwlock));
    NAME(pthread_rwlock_timedwrlock(&rwlock, &t));
    OK(pthread_rwlock_unlock(&rwlock));
    OK(pthread_rwlock_unlock(&rwlock));
    OK(pthread_rwlock_wrlock(&rwlock));
    NAME(pthread_rwlock_tryrdlock(&rwlock));
}

static pthread_barrier_t barrier;
static atomic_int serial, phase[100];

static void *pass_barriers(void *p) {
    for (int i = 0; i < 100; i++) {
        atomic_fetch_add(&phase[i], 1);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) atomic_fetch_add(&serial, 1);
        CHECK(atomic_load(&phase[i]) == 10);
    }
    return p;
}

TEST(barrier_holds_back) {
    OK(pthread_barrier_init(&barrier, 0, 10));
    run_threads(10, pass_barriers);
    SHOW(atomic_load(&serial));
    OK(pthread_barrier_destroy(&barrier));
}

static pthread_spinlock_t spin;
static void *spin_count(void *p) {
    for (int i = 0; i < COUNT; i++) {
        pthread_spin_lock(&spin);
        counter++;
        pthread_spin_unlock(&spin);
    }
    return p;
}

TEST(spin_locks) {
    OK(pthread_spin_init(&spin, 0));
    counter = 0;
    run_threads(4, spin_count);
    SHOW(counter);
    OK(pthread_spin_lock(&spin));
    NAME(pthread_spin_trylock(&spin));
}

static sem_t items, room;
static int buffer[8], head, tail;
static atomic_int sum;

static void *produce_or_consume(void *p) {
    for (int i = 0; i < 500; i++) {
        if ((uintptr_t)p % 2) {
            sem_wait(&room);
            pthread_mutex_lock(&mutex);
            buffer[head++ % 8] = i;
            pthread_mutex_unlock(&mutex);
            sem_post(&items);
        } else {
            sem_wait(&items);
            pthread_mutex_lock(&mutex);
            atomic_fetch_add(&sum, buffer[tail++ % 8]);
            pthread_mutex_unlock(&mutex);
            sem_post(&room);
        }
    }
    return p;
}

TEST(semaphores) {
    int v;
    struct timespec t = in_ms(CLOCK_REALTIME, 20);
    set_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 0);
    OK(sem_init(&items, 0, 0));
    OK(sem_init(&room, 0, 8));
    run_threads(8, produce_or_consume);
    SHOW(atomic_load(&sum));
    OK(sem_getvalue(&room, &v));
    SHOW(v);
    RET(sem_trywait(&items));
    RET(sem_timedwait(&items, &t));
    RET(sem_init(&items, 0, 0x80000000u));
}
