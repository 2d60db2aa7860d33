// Threads: their start and end, and what each has of its own.
#include "threads.h"
#include <dirent.h>
#include <limits.h>
#include <sys/syscall.h>
#include <threads.h>

static void *add_one(void *p) { return (char *)p + 1; }

TEST(thread_join_gives_the_result) {
    char buf[64];
    pthread_t t[64];
    for (int i = 0; i < 64; i++) OK(pthread_create(&t[i], 0, add_one, buf + i));
    for (int i = 0; i < 64; i++) {
        void *r;
        OK(pthread_join(t[i], &r));
        CHECK(r == buf + i + 1);
    }
}

static void deep_exit(int n) {
    volatile char pad[256];
    pad[0] = n;
    if (n == 0) pthread_exit("from below");
    deep_exit(n - 1);
    pad[1] = n;
}

static void *exit_below(void *p) {
    (void)p;
    deep_exit(20);
    return "returned";
}

TEST(thread_exit_from_a_called_function) {
    pthread_t t;
    void *r;
    OK(pthread_create(&t, 0, exit_below, 0));
    OK(pthread_join(t, &r));
    printf("  %s\n", (char *)r);
}

static sem_t done;
static void *post(void *p) { return sem_post(&done), p; }

TEST(thread_detached) {
    pthread_attr_t a;
    pthread_t t;
    sem_init(&done, 0, 0);
    OK(pthread_attr_init(&a));
    OK(pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED));
    for (int i = 0; i < 20; i++) OK(pthread_create(&t, &a, post, 0));
    OK(pthread_create(&t, 0, post, 0));
    OK(pthread_detach(t));
    for (int i = 0; i < 21; i++) sem_wait(&done);
}

static void *show_self(void *p) {
    pthread_t *self = p;
    sem_wait(&done); // it is written
    CHECK(pthread_equal(*self, pthread_self()));
    CHECK(gettid() != getpid());
    CHECK(syscall(SYS_gettid) == gettid());
    return 0;
}

TEST(thread_has_its_own_id) {
    pthread_t t;
    CHECK(gettid() == getpid());
    sem_init(&done, 0, 0);
    OK(pthread_create(&t, 0, show_self, &t));
    sem_post(&done);
    OK(pthread_join(t, 0));
}

static void *use_stack(void *p) {
    size_t n = (size_t)p;
    volatile char big[200000];
    for (size_t i = 0; i < n && i < sizeof big; i += 100) big[i] = i;
    return (void *)(uintptr_t)big[100];
}

TEST(thread_stack_of_its_own_size) {
    pthread_attr_t a;
    pthread_t t;
    size_t size, guard;
    void *r, *mem = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_init(&a);
    OK(pthread_attr_setstacksize(&a, 1 << 20));
    OK(pthread_attr_getstacksize(&a, &size));
    OK(pthread_attr_setguardsize(&a, 65536));
    OK(pthread_attr_getguardsize(&a, &guard));
    SHOW(size);
    SHOW(guard);
    SHOW(pthread_attr_setstacksize(&a, 100));
    OK(pthread_create(&t, &a, use_stack, (void *)200000));
    OK(pthread_join(t, &r));
    SHOW((long)r);
    OK(pthread_attr_setstack(&a, mem, 1 << 20));
    OK(pthread_create(&t, &a, use_stack, (void *)200000));
    OK(pthread_join(t, &r));
    SHOW((long)r);
}

// Thread-local data: initial values, zeros, alignment, addresses.
struct wide {
    _Alignas(64) char text[64];
};
static _Thread_local int initial = 42;
static _Thread_local int zero;
static _Thread_local struct wide wide = {"wide"};
static _Thread_local char odd[3] = {1, 2, 3};
static _Thread_local int *pointer = &(int){7};

static void *look_at_tls(void *p) {
    CHECK(initial == 42 && zero == 0 && !strcmp(wide.text, "wide") && odd[2] == 3 && *pointer == 7);
    CHECK((uintptr_t)&wide % 64 == 0);
    CHECK(&initial != p);
    initial = zero = (int)(uintptr_t)&p;
    odd[1] = 9;
    strcpy(wide.text, "changed");
    sched_yield();
    CHECK(initial == (int)(uintptr_t)&p);
    return &initial;
}

TEST(thread_local_data) {
    pthread_t t[8];
    initial = 5;
    CHECK((uintptr_t)&wide % 64 == 0);
    for (int i = 0; i < 8; i++) OK(pthread_create(&t[i], 0, look_at_tls, &initial));
    for (int i = 0; i < 8; i++) OK(pthread_join(t[i], 0));
    SHOW(initial);
    SHOW(zero);
    printf("  %s\n", wide.text);
}

static void *open_missing(void *p) {
    open("/none/such", O_RDONLY);
    int before = errno;
    for (int i = 0; i < 100; i++) sched_yield();
    CHECK(errno == before);
    return p;
}

TEST(thread_errno_is_its_own) {
    pthread_t t;
    errno = EDOM;
    OK(pthread_create(&t, 0, open_missing, 0));
    OK(pthread_join(t, 0));
    CHECK(errno == EDOM);
}

static pthread_key_t key, again;
static atomic_int destroyed, rounds;

static void destroy(void *p) { atomic_fetch_add(&destroyed, (int)(uintptr_t)p); }
static void set_again(void *p) {
    atomic_fetch_add(&rounds, 1);
    pthread_setspecific(again, p);
}
static void *use_key(void *p) {
    CHECK(pthread_getspecific(key) == 0);
    OK(pthread_setspecific(key, p));
    OK(pthread_setspecific(again, p));
    CHECK(pthread_getspecific(key) == p);
    return 0;
}

TEST(thread_keys_and_destructors) {
    pthread_t t[10];
    OK(pthread_key_create(&key, destroy));
    OK(pthread_key_create(&again, set_again));
    OK(pthread_setspecific(key, (void *)1000));
    for (int i = 0; i < 10; i++) OK(pthread_create(&t[i], 0, use_key, (void *)(uintptr_t)(i + 1)));
    for (int i = 0; i < 10; i++) OK(pthread_join(t[i], 0));
    SHOW(atomic_load(&destroyed));
    SHOW(atomic_load(&rounds) == 10 * PTHREAD_DESTRUCTOR_ITERATIONS);
    CHECK(pthread_getspecific(key) == (void *)1000);
    OK(pthread_key_delete(key));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int inits;
static void init(void) {
    sleep_ms(20);
    atomic_fetch_add(&inits, 1);
}
static void *do_once(void *p) {
    OK(pthread_once(&once, init));
    CHECK(atomic_load(&inits) == 1);
    return p;
}

TEST(thread_once) {
    run_threads(16, do_once);
    SHOW(atomic_load(&inits));
}

static mtx_t mtx;
static cnd_t cnd;
static tss_t tss;
static once_flag flag = ONCE_FLAG_INIT;
static int c11_value, c11_inits;
static void c11_init(void) { c11_inits++; }
static int c11_thread(void *p) {
    call_once(&flag, c11_init);
    tss_set(tss, p);
    mtx_lock(&mtx);
    c11_value += *(int *)tss_get(tss);
    cnd_broadcast(&cnd);
    mtx_unlock(&mtx);
    if (*(int *)p == 3) thrd_exit(33);
    return *(int *)p * 10;
}

TEST(c11_threads) {
    thrd_t t[4];
    int n[4] = {1, 2, 3, 4}, r;
    mtx_init(&mtx, mtx_timed);
    cnd_init(&cnd);
    tss_create(&tss, 0);
    for (int i = 0; i < 4; i++) CHECK(thrd_create(&t[i], c11_thread, &n[i]) == thrd_success);
    mtx_lock(&mtx);
    while (c11_value < 10) cnd_wait(&cnd, &mtx);
    CHECK(mtx_trylock(&mtx) == thrd_busy);
    mtx_unlock(&mtx);
    for (int i = 0; i < 4; i++) {
        CHECK(thrd_join(t[i], &r) == thrd_success);
        SHOW(r);
    }
    SHOW(c11_inits);
    SHOW(thrd_equal(thrd_current(), thrd_current()) != 0);
}

static int before, parent, child;
static void in_before(void) { before++; }
static void in_parent(void) { parent++; }
static void in_child(void) { child++; }
static void *fork_there(void *p) {
    pid_t pid = fork();
    if (pid == 0) _exit(before == 1 && parent == 0 && child == 1 ? 3 : 4);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    show_status(status);
    return p;
}

TEST(thread_atfork) {
    OK(pthread_atfork(in_before, in_parent, in_child));
    run_threads(1, fork_there);
    printf("  %d %d %d\n", before, parent, child);
}

static pthread_barrier_t all_here, go_on;
static void *meet(void *p) {
    char name[16];
    snprintf(name, sizeof name, "worker%d", (int)(uintptr_t)p);
    pthread_setname_np(pthread_self(), name);
    pthread_barrier_wait(&all_here);
    pthread_barrier_wait(&go_on);
    return p;
}

static int count_entries(const char *path, int numeric) {
    int n = 0;
    struct dirent *e;
    DIR *d = opendir(path);
    while (d && (e = readdir(d))) n += !numeric || (e->d_name[0] >= '1' && e->d_name[0] <= '9');
    if (d) closedir(d);
    return n;
}

TEST(thread_shows_in_proc) {
    pthread_t t[5];
    char path[64], text[64];
    pthread_barrier_init(&all_here, 0, 6);
    pthread_barrier_init(&go_on, 0, 6);
    for (int i = 0; i < 5; i++) OK(pthread_create(&t[i], 0, meet, (void *)(uintptr_t)i));
    pthread_barrier_wait(&all_here);
    SHOW(count_entries("/proc/self/task", 1));
    char *status = strstr(read_file("/proc/self/status"), "Threads:");
    printf("  %.10s\n", status ? status : "none");
    int named = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
        snprintf(text, sizeof text, "%s", read_file(path));
        named += !strncmp(text, "worker", 6);
        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        snprintf(text, sizeof text, "\nPid:\t%s\n", e->d_name);
        CHECK(strstr(read_file(path), text));
        snprintf(text, sizeof text, "\nTgid:\t%d\n", getpid());
        CHECK(strstr(read_file(path), text));
    }
    SHOW(named);
    pthread_barrier_wait(&go_on);
    for (int i = 0; i < 5; i++) OK(pthread_join(t[i], 0));
    wait_single();
    SHOW(count_entries("/proc/self/task", 1));
}

static void *burn(void *p) {
    struct timespec t;
    do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    while (t.tv_sec == 0 && t.tv_nsec < 30000000);
    return p;
}

TEST(thread_cpu_clocks) {
    pthread_t t;
    clockid_t clock;
    struct timespec mine, process;
    pthread_create(&t, 0, burn, 0);
    pthread_join(t, 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &mine);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &process);
    CHECK(mine.tv_sec == 0 && mine.tv_nsec < 30000000);
    CHECK(process.tv_sec > 0 || process.tv_nsec >= 30000000);
    OK(pthread_getcpuclockid(pthread_self(), &clock));
    CHECK(clock_gettime(clock, &process) == 0);
}
