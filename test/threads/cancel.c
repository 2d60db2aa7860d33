// Cancellation: where it is acted on, and what runs then.
#include "threads.h"

static int p[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem, started;
static atomic_int cleaned;

static void clean(void *n) { atomic_fetch_add(&cleaned, (int)(uintptr_t)n); }
static void unlock(void *m) { pthread_mutex_unlock(m); }

static void *in_read(void *arg) {
    char c;
    (void)arg;
    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)10);
    sem_post(&started);
    read(p[0], &c, 1);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return 0;
}
static void *in_sem(void *arg) {
    pthread_cleanup_push(clean, (void *)100);
    sem_post(&started);
    sem_wait(&sem);
    pthread_cleanup_pop(0);
    return arg;
}
static void *in_cond(void *arg) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    sem_post(&started);
    for (;;) pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(0);
    return arg;
}
static void *in_sleep(void *arg) {
    sem_post(&started);
    for (;;) sleep(100);
    return arg;
}
static void *in_pause(void *arg) {
    sem_post(&started);
    for (;;) pause();
    return arg;
}
static void *in_join(void *arg) {
    sem_post(&started);
    pthread_join(*(pthread_t *)arg, 0);
    return arg;
}
static void *in_test(void *arg) {
    sem_post(&started);
    for (;;) pthread_testcancel();
    return arg;
}
static void *in_loop_async(void *arg) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
    pthread_cleanup_push(clean, (void *)1000);
    sem_post(&started);
    for (volatile long i = 0;; i++) {}
    pthread_cleanup_pop(0);
    return arg;
}

static void cancel_one(const char *name, void *(*f)(void *), void *arg, int ms) {
    pthread_t t;
    void *r;
    OK(pthread_create(&t, 0, f, arg));
    sem_wait(&started);
    if (ms) sleep_ms(ms);
    OK(pthread_cancel(t));
    OK(pthread_join(t, &r));
    printf("  %s: %s\n", name, r == PTHREAD_CANCELED ? "canceled" : "ended");
}

TEST(cancel_in_blocking_calls) {
    pthread_t self = pthread_self();
    CHECK(pipe(p) == 0);
    sem_init(&sem, 0, 0);
    sem_init(&started, 0, 0);
    for (int ms = 0; ms < 10; ms += 5) {
        cancel_one("read", in_read, 0, ms);
        cancel_one("sem_wait", in_sem, 0, ms);
        cancel_one("pthread_cond_wait", in_cond, 0, ms);
        cancel_one("sleep", in_sleep, 0, ms);
        cancel_one("pause", in_pause, 0, ms);
        cancel_one("pthread_join", in_join, &self, ms);
        cancel_one("pthread_testcancel", in_test, 0, ms);
        cancel_one("a loop", in_loop_async, 0, ms);
    }
    SHOW(atomic_load(&cleaned));
    OK(pthread_mutex_lock(&mutex));
}

// The moment of the cancellation meets all places around the call.
TEST(cancel_is_never_lost) {
    CHECK(pipe(p) == 0);
    sem_init(&started, 0, 0);
    for (int i = 0; i < 2000; i++) {
        pthread_t t;
        void *r;
        OK(pthread_create(&t, 0, in_read, 0));
        sem_wait(&started);
        for (volatile int spin = 0; spin < i % 400 * 4; spin++) {}
        OK(pthread_cancel(t));
        OK(pthread_join(t, &r));
        CHECK(r == PTHREAD_CANCELED);
    }
    SHOW(atomic_load(&cleaned));
}

static void *disabled(void *arg) {
    char c;
    int old;
    OK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
    SHOW(old == PTHREAD_CANCEL_ENABLE);
    sem_post(&started);
    errno = 0;
    RET(read(p[0], &c, 1)); // goes on
    printf("  %c\n", c);
    OK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, 0));
    pthread_testcancel();
    return arg;
}

TEST(cancel_waits_while_disabled) {
    pthread_t t;
    void *r;
    CHECK(pipe(p) == 0);
    sem_init(&started, 0, 0);
    OK(pthread_create(&t, 0, disabled, 0));
    sem_wait(&started);
    sleep_ms(10);
    OK(pthread_cancel(t));
    sleep_ms(10);
    write(p[1], "x", 1);
    OK(pthread_join(t, &r));
    SHOW(r == PTHREAD_CANCELED);
}

static void key_gone(void *v) { atomic_fetch_add(&cleaned, (int)(uintptr_t)v); }
static pthread_key_t key;
static void *with_key(void *arg) {
    pthread_setspecific(key, (void *)5);
    pthread_cleanup_push(clean, (void *)2);
    sem_post(&started);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, 0);
    for (;;) sleep(10);
    pthread_cleanup_pop(0);
    return arg;
}

TEST(cancel_runs_key_destructors) {
    sem_init(&started, 0, 0);
    OK(pthread_key_create(&key, key_gone));
    cancel_one("sleep", with_key, 0, 2);
    SHOW(atomic_load(&cleaned));
}

static void *cancel_self(void *arg) {
    OK(pthread_cancel(pthread_self()));
    SHOW(1);
    pthread_testcancel();
    SHOW(2);
    return arg;
}

TEST(cancel_oneself) {
    pthread_t t;
    void *r;
    OK(pthread_create(&t, 0, cancel_self, 0));
    OK(pthread_join(t, &r));
    SHOW(r == PTHREAD_CANCELED);
}

static volatile sig_atomic_t in_handler;
static void slow(int sig) {
    (void)sig;
    in_handler = 1;
    sem_post(&started);
    for (volatile int i = 0; i < 3000000; i++) {}
    in_handler = 2;
}

// A cancellation that comes while a handler runs ends the call that the handler interrupted.
TEST(cancel_during_a_handler) {
    pthread_t t;
    void *r;
    struct sigaction sa = {.sa_handler = slow, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, 0);
    CHECK(pipe(p) == 0);
    sem_init(&started, 0, 0);
    OK(pthread_create(&t, 0, in_read, 0));
    sem_wait(&started);
    sleep_ms(5);
    OK(pthread_kill(t, SIGUSR1));
    sem_wait(&started);
    OK(pthread_cancel(t));
    OK(pthread_join(t, &r));
    SHOW(r == PTHREAD_CANCELED);
}
