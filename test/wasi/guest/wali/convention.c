// A program by the convention of those that others built against the published WALI: module
// and memory as their toolchain links them (shared, at most 32,768 pages, exported, filled by
// a start function that waits and notifies), no exported table, helpers for arguments and the
// environment, SYS_exit by two types, a thread by __wasm_thread_spawn, a signal handler and a
// thread's function as indices of table 0. There is no libc: these are the imports themselves.

#define WALI(name) __attribute__((import_module("wali"), import_name(#name)))

typedef long long ll;
WALI(__init) int init(void);
WALI(__deinit) int deinit(void);
WALI(__cl_get_argc) int get_argc(void);
WALI(__cl_get_argv_len) int get_argv_len(int i);
WALI(__cl_copy_argv) int copy_argv(char *to, int i);
WALI(__get_init_envfile) int get_envfile(char *to, int size);
WALI(__wasm_thread_spawn) int spawn(void (*f)(int, void *), void *arg);
WALI(SYS_open) ll sys_open(const char *name, int flags, int mode);
WALI(SYS_read) ll sys_read(int fd, void *buf, int size);
WALI(SYS_write) ll sys_write(int fd, const void *buf, int size);
WALI(SYS_getpid) ll sys_getpid(void);
WALI(SYS_kill) ll sys_kill(int pid, int sig);
WALI(SYS_rt_sigaction) ll sys_rt_sigaction(int sig, const void *new, void *old, int size);
WALI(SYS_mmap) ll sys_mmap(int addr, int size, int prot, int flags, int fd, ll off);
WALI(SYS_futex) ll sys_futex(int *at, int op, int value, void *timeout, int *at2, int value3);
WALI(SYS_exit) ll sys_exit(int code);
WALI(SYS_exit) void sys_exit_void(int code);
WALI(SYS_exit_group) ll sys_exit_group(int code);

enum { O_RDONLY = 0, SIGUSR1 = 10, FUTEX_WAIT = 0, FUTEX_WAKE = 1, STACK = 8192 };

static int length(const char *s) {
    int n = 0;
    while (s[n]) n++;
    return n;
}

static void say(const char *s) { sys_write(1, s, length(s)); }

static void require(int ok, const char *what) {
    if (ok) return;
    say("failed: "), say(what), say("\n");
    sys_exit_group(1);
}

static volatile int got;
static void handler(int sig) { got = sig; }

// The kernel's struct sigaction, packed.
struct __attribute__((packed)) action {
    int handler;
    ll flags;
    int restorer;
    ll mask;
};

// What a thread is given; start.S reads the first member.
struct thread {
    char *stack;
    int tid;
    int done;
};

static _Alignas(16) char stack[STACK];
static volatile int own = 5;
static const char *message = "initialised by the start function\n";

void run(int tid, struct thread *t) {
    t->tid = tid;
    __atomic_store_n(&t->done, 1, __ATOMIC_SEQ_CST);
    sys_futex(&t->done, FUTEX_WAKE, 1, 0, 0, 0);
    sys_exit_void(0);
}

extern void thread_start(int tid, void *arg);

static void environment(void) {
    char name[64], text[4096];
    require(get_envfile(name, sizeof name) == 1, "__get_init_envfile");
    int fd = sys_open(name, O_RDONLY, 0);
    require(fd >= 0, "open of the environment's file");
    int n = sys_read(fd, text, sizeof text), found = 0;
    static const char want[] = "GREETING=";
    for (int i = 0; i + 9 < n; i++) {
        int k = 0;
        while (k < 9 && text[i + k] == want[k]) k++;
        if (k < 9) continue;
        int end = i;
        while (end < n && text[end] != '\n') end++;
        sys_write(1, text + i, end - i);
        say("\n");
        found = 1;
        break;
    }
    require(found, "GREETING in the environment");
}

void _start(void) {
    init();
    say(message);
    int argc = get_argc();
    for (int i = 1; i < argc; i++) {
        char arg[64];
        require(get_argv_len(i) < (int)sizeof arg, "length of an argument");
        copy_argv(arg, i);
        say(arg), say("\n");
    }
    environment();

    struct action a = {(int)handler, 0, 0, 0};
    require(sys_rt_sigaction(SIGUSR1, &a, 0, 8) == 0, "rt_sigaction");
    require(sys_kill(sys_getpid(), SIGUSR1) == 0 && got == SIGUSR1, "a signal handler");

    ll page = sys_mmap(0, 65536, 3, 0x22, -1, 0);
    require(page > 0 && *(int *)(long)page == 0, "mmap");
    *(int *)(long)page = own;

    static struct thread t = {stack + STACK};
    require(spawn(thread_start, &t) > 0, "__wasm_thread_spawn");
    while (!__atomic_load_n(&t.done, __ATOMIC_SEQ_CST)) sys_futex(&t.done, FUTEX_WAIT, 0, 0, 0, 0);
    require(t.tid > 0 && t.tid != sys_getpid(), "the id of a thread");
    say("thread\n");
    deinit();
    sys_exit(*(int *)(long)page + 4);
}
