// 64 threads on few processors, all at once.
#include "threads.h"
#include <spawn.h>
#include <sys/syscall.h>

#define THREADS 64

static pthread_mutex_t mutex[8] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
                                   PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
                                   PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static long counters[8];

static void *race_mutexes(void *p) {
    unsigned x = (unsigned)(uintptr_t)p + 1;
    for (int i = 0; i < 3000; i++) {
        x = x * 1103515245 + 12345;
        int k = x >> 16 & 7;
        pthread_mutex_lock(&mutex[k]);
        counters[k]++;
        pthread_mutex_unlock(&mutex[k]);
    }
    return p;
}

TEST(stress_mutexes) {
    long sum = 0;
    run_threads(THREADS, race_mutexes);
    for (int i = 0; i < 8; i++) sum += counters[i];
    SHOW(sum);
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int queue[16], queued, taken;
static pthread_cond_t space = PTHREAD_COND_INITIALIZER;

static void *race_conds(void *p) {
    for (int i = 0; i < 300; i++) {
        pthread_mutex_lock(&mutex[0]);
        if ((uintptr_t)p % 2) {
            while (queued == 16) pthread_cond_wait(&space, &mutex[0]);
            queue[queued++] = i;
            pthread_cond_signal(&cond);
        } else {
            while (queued == 0) pthread_cond_wait(&cond, &mutex[0]);
            taken += queue[--queued];
            pthread_cond_signal(&space);
        }
        pthread_mutex_unlock(&mutex[0]);
    }
    return p;
}

TEST(stress_condition_variables) {
    run_threads(THREADS, race_conds);
    SHOW(taken);
}

static pthread_barrier_t barrier;
static void *race_barrier(void *p) {
    for (int i = 0; i < 30; i++) pthread_barrier_wait(&barrier);
    return p;
}

TEST(stress_barriers) {
    pthread_barrier_init(&barrier, 0, THREADS);
    run_threads(THREADS, race_barrier);
    SHOW(1);
}

static sem_t sem[2];
static void *race_sems(void *p) {
    int me = (uintptr_t)p % 2;
    for (int i = 0; i < 300; i++) {
        sem_wait(&sem[me]);
        sem_post(&sem[!me]);
    }
    return p;
}

TEST(stress_semaphores) {
    sem_init(&sem[0], 0, 5);
    sem_init(&sem[1], 0, 0);
    run_threads(THREADS, race_sems);
    int a, b;
    sem_getvalue(&sem[0], &a);
    sem_getvalue(&sem[1], &b);
    SHOW(a + b);
}

static _Thread_local int local[16] = {1, 2, 3};
static void *race_malloc(void *p) {
    char *block[32] = {0};
    unsigned x = (unsigned)(uintptr_t)p * 7 + 1;
    for (int i = 0; i < 1500; i++) {
        x = x * 1103515245 + 12345;
        int k = x >> 16 & 31;
        if (block[k]) {
            if (block[k][0] != (char)k || block[k][1] != (char)(uintptr_t)p) return "corrupt";
            free(block[k]);
        }
        block[k] = malloc(2 + (x >> 8 & (i % 50 == 0 ? 0xfffff : 0x3ff)));
        if (!block[k]) return "no memory";
        block[k][0] = k, block[k][1] = (uintptr_t)p;
        local[3 + k % 13] += 1;
    }
    int sum = 0;
    for (int i = 3; i < 16; i++) sum += local[i];
    for (int i = 0; i < 32; i++) free(block[i]);
    return sum == 1500 && local[0] == 1 && local[2] == 3 ? 0 : "lost";
}

TEST(stress_malloc_and_thread_local_data) {
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++) OK(pthread_create(&t[i], 0, race_malloc, (void *)(uintptr_t)i));
    for (int i = 0; i < THREADS; i++) {
        void *r;
        OK(pthread_join(t[i], &r));
        if (r) printf("  %s\n", (char *)r);
    }
}

static void *nothing(void *p) { return p; }
static void *race_create(void *p) {
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        OK(pthread_create(&t, 0, nothing, 0));
        OK(pthread_join(t, 0));
    }
    return p;
}

TEST(stress_create_and_join) {
    run_threads(THREADS, race_create);
    wait_single();
}

extern char **environ;
CHILD(stress_answer) { return argc > 1 ? atoi(argv[1]) & 63 : 1; }
static void *race_spawn(void *p) {
    char n[16];
    snprintf(n, sizeof n, "%d", (int)(uintptr_t)p);
    char *args[] = {(char *)self, "child", "stress_answer", n, 0};
    for (int i = 0; i < 3; i++) {
        int status;
        pid_t pid = -1;
        if (i % 2) {
            OK(posix_spawn(&pid, self, 0, 0, args, environ));
        } else if ((pid = fork()) == 0) {
            execv(self, args);
            _exit(99);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == ((int)(uintptr_t)p & 63));
    }
    return p;
}

TEST(stress_fork_and_exec_from_threads) { run_threads(THREADS / 2, race_spawn); }

static atomic_int go;
static void *spin(void *p) {
    atomic_fetch_add(&go, 1);
    for (;;)
        if ((uintptr_t)p % 3 == 1) sched_yield();
    return p;
}
static void *block(void *p) {
    atomic_fetch_add(&go, 1);
    pthread_mutex_lock(&mutex[7]);
    return p;
}
static void *exec_now(void *p) {
    char *args[] = {(char *)self, "child", "stress_answer", "17", 0};
    (void)p;
    while (atomic_load(&go) < THREADS - 1) sched_yield();
    execv(self, args);
    return 0;
}
static void *exit_now(void *p) {
    (void)p;
    while (atomic_load(&go) < THREADS - 1) sched_yield();
    exit(18);
    return 0;
}

static int crowd(void *last) {
    pthread_t t;
    pthread_mutex_lock(&mutex[7]);
    for (int i = 0; i < THREADS - 1; i++) OK(pthread_create(&t, 0, i % 2 ? block : spin, (void *)(uintptr_t)i));
    OK(pthread_create(&t, 0, (void *(*)(void *))last, 0));
    for (;;) pause();
}

TEST(stress_exec_while_others_spin) {
    for (int i = 0; i < 3; i++) run_child(crowd, (void *)exec_now);
}
TEST(stress_exit_while_others_block) {
    for (int i = 0; i < 3; i++) run_child(crowd, (void *)exit_now);
}

static atomic_int handled, running;
static void handler(int sig) {
    (void)sig;
    atomic_fetch_add(&handled, 1);
}
static void *take_signals(void *p) {
    volatile unsigned long x = 1;
    atomic_fetch_add(&running, 1);
    while (atomic_load(&running) > 0) {
        for (int i = 0; i < 2000; i++) x = x * 6364136223846793005u + 1442695040888963407u;
        if ((uintptr_t)p % 4 == 0) sched_yield();
        if ((uintptr_t)p % 4 == 1) usleep(100);
    }
    return p;
}

TEST(stress_signals_to_threads) {
    pthread_t t[THREADS];
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, 0);
    sigaction(SIGUSR2, &sa, 0);
    for (int i = 0; i < THREADS; i++) OK(pthread_create(&t[i], 0, take_signals, (void *)(uintptr_t)i));
    while (atomic_load(&running) < THREADS) sched_yield();
    for (int i = 0; i < 1000; i++) {
        if (i % 3)
            pthread_kill(t[i % THREADS], SIGUSR1);
        else
            kill(getpid(), SIGUSR2);
    }
    for (int i = 0; i < 2000 && atomic_load(&handled) < 100; i++) sleep_ms(1);
    atomic_store(&running, -1000);
    for (int i = 0; i < THREADS; i++) OK(pthread_join(t[i], 0));
    CHECK(atomic_load(&handled) >= 100 && atomic_load(&handled) <= 1000);
}

// Threads that make and drop mappings, and read what others have just dropped.
static void *_Atomic slot[16];
static void *race_maps(void *p) {
    unsigned x = (unsigned)(uintptr_t)p + 99;
    int fd = open("/dev/zero", O_RDONLY);
    for (int i = 0; i < 300; i++) {
        x = x * 1103515245 + 12345;
        int k = x >> 16 & 15;
        void *m = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (m == MAP_FAILED) return "no mapping";
        m = atomic_exchange(&slot[k], m);
        if (m) {
            if (read(fd, m, 65536) < 0 && errno != EFAULT) return "read";
            munmap(m, 65536);
        }
        m = atomic_load(&slot[x >> 20 & 15]);
        if (m) read(fd, m, 4096);
    }
    close(fd);
    return 0;
}

TEST(stress_mappings) {
    pthread_t t[16];
    for (int i = 0; i < 16; i++) OK(pthread_create(&t[i], 0, race_maps, (void *)(uintptr_t)i));
    for (int i = 0; i < 16; i++) {
        void *r;
        OK(pthread_join(t[i], &r));
        if (r) printf("  %s\n", (char *)r);
    }
}

static void *cancelled(void *p) {
    for (;;) usleep(50);
    return p;
}
static void *race_cancel(void *p) {
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        void *r;
        OK(pthread_create(&t, 0, cancelled, 0));
        if (i % 2) sched_yield();
        OK(pthread_cancel(t));
        OK(pthread_join(t, &r));
        CHECK(r == PTHREAD_CANCELED);
    }
    return p;
}

TEST(stress_cancel) { run_threads(16, race_cancel); }
