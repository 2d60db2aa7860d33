// Memory that processes share: POSIX shared memory, named semaphores, locks in mapped files.
#include "threads.h"
#include <sys/wait.h>

enum { SIZE = 8192 };

// shared_file maps a new file of shared memory and removes its name.
static void *shared_file(const char *name) {
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    CHECK(ftruncate(fd, SIZE) == 0);
    void *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    close(fd);
    CHECK(shm_unlink(name) == 0);
    return p;
}

static pid_t child(void (*f)(void *), void *arg) {
    pid_t pid = fork();
    if (pid == 0) {
        f(arg);
        _exit(0);
    }
    return pid;
}

static void wait_for(pid_t pid) {
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
}

TEST(shm_names) {
    char name[40];
    snprintf(name, sizeof name, "/vktest-%d", getpid());
    ERR(shm_open("/vktest-none", O_RDWR, 0));
    ERR(shm_open("/a/b", O_RDWR | O_CREAT, 0600));
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    ERR(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    RET(ftruncate(fd, SIZE));
    char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[4096] = 's';
    int other = shm_open(name, O_RDONLY, 0);
    char *q = mmap(0, SIZE, PROT_READ, MAP_SHARED, other, 0);
    printf("  %c %d\n", q[4096], (int)lseek(other, 0, SEEK_END));
    ERR(mprotect(q, SIZE, PROT_READ | PROT_WRITE));
    RET(shm_unlink(name));
    ERR(shm_unlink(name));
    p[4097] = 't';
    printf("  unlinked: %c\n", q[4097]);
}

struct counters {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    sem_t sem;
    pthread_barrier_t barrier;
    long count;
    int turn;
};

static struct counters *make_counters(void *at, int robust) {
    struct counters *c = at;
    pthread_mutexattr_t m;
    OK(pthread_mutexattr_init(&m));
    OK(pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED));
    OK(pthread_mutexattr_setrobust(&m, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED));
    OK(pthread_mutex_init(&c->mutex, &m));
    pthread_condattr_t v;
    OK(pthread_condattr_init(&v));
    OK(pthread_condattr_setpshared(&v, PTHREAD_PROCESS_SHARED));
    OK(pthread_cond_init(&c->cond, &v));
    pthread_barrierattr_t b;
    OK(pthread_barrierattr_init(&b));
    OK(pthread_barrierattr_setpshared(&b, PTHREAD_PROCESS_SHARED));
    OK(pthread_barrier_init(&c->barrier, &b, 4));
    CHECK(sem_init(&c->sem, 1, 0) == 0);
    return c;
}

static void count_locked(void *arg) {
    struct counters *c = arg;
    pthread_barrier_wait(&c->barrier);
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&c->mutex);
        long seen = c->count;
        if (i % 64 == 0) sched_yield();
        c->count = seen + 1;
        pthread_mutex_unlock(&c->mutex);
    }
    sem_post(&c->sem);
}

static void exclude(void *memory) {
    struct counters *c = make_counters(memory, 0);
    pid_t pids[4];
    for (int i = 0; i < 4; i++) pids[i] = child(count_locked, c);
    for (int i = 0; i < 4; i++) CHECK(sem_wait(&c->sem) == 0);
    for (int i = 0; i < 4; i++) wait_for(pids[i]);
    SHOW(c->count);
}

TEST(shm_locks_exclude) {
    char name[40];
    snprintf(name, sizeof name, "/vktest-%d", getpid());
    exclude(shared_file(name));
    exclude(mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    int fd = open("plain", O_RDWR | O_CREAT, 0600);
    ftruncate(fd, SIZE);
    exclude(mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

static void ping(void *arg) {
    struct counters *c = arg;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&c->mutex);
        while (c->turn != 1) pthread_cond_wait(&c->cond, &c->mutex);
        c->turn = 0;
        pthread_cond_signal(&c->cond);
        pthread_mutex_unlock(&c->mutex);
    }
}

TEST(shm_condition_variable) {
    char name[40];
    snprintf(name, sizeof name, "/vktest-%d", getpid());
    struct counters *c = make_counters(shared_file(name), 0);
    pid_t pid = child(ping, c);
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&c->mutex);
        while (c->turn != 0) pthread_cond_wait(&c->cond, &c->mutex);
        c->turn = 1;
        c->count++;
        pthread_cond_signal(&c->cond);
        pthread_mutex_unlock(&c->mutex);
    }
    wait_for(pid);
    SHOW(c->count);
}

static void die_with_lock(void *arg) {
    struct counters *c = arg;
    pthread_mutex_lock(&c->mutex);
    sem_post(&c->sem);
    sleep_ms(50); // the parent waits for the lock by now, or not yet: either is good
    raise(SIGKILL);
}

TEST(shm_robust_mutex) {
    char name[40];
    snprintf(name, sizeof name, "/vktest-%d", getpid());
    struct counters *c = make_counters(shared_file(name), 1);
    pid_t pid = child(die_with_lock, c);
    while (sem_wait(&c->sem)) {}
    NAME(pthread_mutex_lock(&c->mutex));
    NAME(pthread_mutex_consistent(&c->mutex));
    NAME(pthread_mutex_unlock(&c->mutex));
    NAME(pthread_mutex_lock(&c->mutex));
    NAME(pthread_mutex_unlock(&c->mutex));
    wait_for(pid);
}

// own_address maps the file anew, so that the words have other addresses than in the parent.
static void own_address(void *arg) {
    int fd = open(arg, O_RDWR);
    char *room = mmap(0, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct counters *c = mmap(room + 65536, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    for (int i = 0; i < 200; i++) {
        sem_wait(&c->sem);
        pthread_mutex_lock(&c->mutex);
        c->turn++;
        pthread_cond_signal(&c->cond);
        pthread_mutex_unlock(&c->mutex);
    }
}

TEST(shm_keyed_by_file_and_offset) {
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    ftruncate(fd, SIZE);
    struct counters *c = make_counters(mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), 0);
    pid_t pid = child(own_address, "file");
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&c->mutex);
        sem_post(&c->sem);
        while (c->turn != i + 1) pthread_cond_wait(&c->cond, &c->mutex);
        pthread_mutex_unlock(&c->mutex);
    }
    wait_for(pid);
    SHOW(c->turn);
}

static void post_named(void *arg) {
    sem_t *s = sem_open(arg, 0);
    for (int i = 0; i < 100; i++) sem_post(s);
}

TEST(shm_named_semaphore) {
    char name[40];
    snprintf(name, sizeof name, "/vksem-%d", getpid());
    CHECK(sem_open(name, 0) == SEM_FAILED);
    sem_t *s = sem_open(name, O_CREAT | O_EXCL, 0600, 2);
    CHECK(s != SEM_FAILED);
    CHECK(sem_open(name, O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == EEXIST);
    CHECK(sem_open(name, O_CREAT, 0600, 9) == s);
    int v;
    CHECK(sem_getvalue(s, &v) == 0);
    SHOW(v);
    pid_t pid = child(post_named, name);
    for (int i = 0; i < 102; i++) CHECK(sem_wait(s) == 0);
    wait_for(pid);
    errno = 0;
    ERR(sem_trywait(s));
    RET(sem_unlink(name));
    ERR(sem_unlink(name));
    RET(sem_close(s));
}
