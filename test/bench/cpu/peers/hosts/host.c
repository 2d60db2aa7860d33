// The host of host.go for programs that wasm2c translated. The functions that the module
// imports follow this text; each calls call().
#include "module.h"
#include "wasm-rt-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct Z_wali_instance_t {
    int unused;
};

static Z_guest_instance_t guest;
static int argc;
static char **argv;
static jmp_buf end;
static int status, pass;
static u64 next;

static struct {
    u64 sum, size;
} digest;

// What munmap gave back, by size.
static struct area {
    u64 at, size;
} areas[65536];
static int free_areas;

static u8 *memory(void) { return Z_guestZ_memory(&guest)->data; }

static u64 page_up(u64 n) { return (n + 4095) & ~4095ull; }

static void output(int fd, const u8 *p, u64 n) {
    if (fd == 2 || pass) {
        if (write(fd, p, n) < 0) abort();
        return;
    }
    u64 sum = digest.sum;
    for (u64 i = 0; i < n; i++) sum = (sum ^ p[i]) * 1099511628211ull;
    digest.sum = sum;
    digest.size += n;
}

static u64 transfer(int writes, int vectored, const u64 *a) {
    u64 total = 0, count = vectored ? a[2] : 1;
    for (u64 k = 0; k < count; k++) {
        u64 at = a[1], n = a[2];
        if (vectored) {
            u32 v[2];
            memcpy(v, memory() + a[1] + 8 * k, sizeof v);
            at = v[0], n = v[1];
        }
        if (writes) {
            output(a[0], memory() + at, n);
            total += n;
            continue;
        }
        ssize_t got = a[0] == 0 ? 0 : read(a[0], memory() + at, n);
        if (got < 0) return -errno;
        total += got;
        if ((u64)got < n) break;
    }
    return total;
}

static u64 put_stat(u64 at, int error, const struct stat *s) {
    if (error) return -errno;
    u8 *p = memory() + at;
    u64 links = 1, size = s->st_size, block = 4096, modified = 1000000000;
    u32 mode = s->st_mode;
    memset(p, 0, 144);
    memcpy(p + 16, &links, 8);
    memcpy(p + 24, &mode, 4);
    memcpy(p + 48, &size, 8);
    memcpy(p + 56, &block, 8);
    memcpy(p + 88, &modified, 8);
    return 0;
}

static u64 map(u64 size, u64 flags) {
    if (!(flags & 0x20)) return -ENODEV;
    size = page_up(size);
    for (int i = free_areas; i-- > 0;)
        if (areas[i].size == size) {
            u64 at = areas[i].at;
            areas[i] = areas[--free_areas];
            memset(memory() + at, 0, size);
            return at;
        }
    wasm_rt_memory_t *m = Z_guestZ_memory(&guest);
    if (!next) next = m->size;
    if (next + size > m->size && wasm_rt_grow_memory(m, (next + size - m->size + 65535) / 65536) == (u32)-1)
        return -ENOMEM;
    u64 at = next;
    next += size;
    return at;
}

static u64 unmap(u64 at, u64 size) {
    if (free_areas < 65536) areas[free_areas++] = (struct area){at, page_up(size)};
    return 0;
}

static u64 remap(u64 old, u64 old_size, u64 size) {
    u64 at = map(size, 0x20);
    if ((s64)at <= 0) return at;
    memcpy(memory() + at, memory() + old, old_size < size ? old_size : size);
    unmap(old, old_size);
    return at;
}

static u64 call(const char *name, const u64 *a) {
    const char *c = strncmp(name, "SYS_", 4) ? "" : name + 4;
    struct stat s;
    if (!strcmp(name, "__cl_get_argc")) return argc;
    if (!strcmp(name, "__cl_get_argv_len")) return strlen(argv[a[0]]);
    if (!strcmp(name, "__cl_copy_argv")) return strcpy((char *)memory() + a[0], argv[a[1]]), 0;
    if (!strcmp(name, "longjmp")) abort();
    if (!*c) return 0;
    if (!strcmp(c, "exit") || !strcmp(c, "exit_group")) {
        status = a[0];
        longjmp(end, 1);
    }
    if (!strcmp(c, "write")) return transfer(1, 0, a);
    if (!strcmp(c, "writev")) return transfer(1, 1, a);
    if (!strcmp(c, "read")) return transfer(0, 0, a);
    if (!strcmp(c, "readv")) return transfer(0, 1, a);
    if (!strcmp(c, "open") || !strcmp(c, "openat")) {
        int at = c[4] != 0;
        if (a[at + 1] & 3) return -EROFS;
        int fd = openat(at ? (int)a[0] : AT_FDCWD, (char *)memory() + a[at], O_RDONLY);
        return fd < 0 ? -errno : fd;
    }
    if (!strcmp(c, "close")) return a[0] > 2 ? close(a[0]) : 0;
    if (!strcmp(c, "lseek")) {
        if (a[0] < 3) return -ESPIPE;
        return lseek(a[0], a[1], a[2]);
    }
    if (!strcmp(c, "fstat")) {
        if (a[0] < 3) return memset(&s, 0, sizeof s), s.st_mode = S_IFIFO | 0600, put_stat(a[1], 0, &s);
        return put_stat(a[1], fstat(a[0], &s), &s);
    }
    if (!strcmp(c, "stat") || !strcmp(c, "lstat")) return put_stat(a[1], stat((char *)memory() + a[0], &s), &s);
    if (!strcmp(c, "mmap")) return map(a[1], a[3]);
    if (!strcmp(c, "mremap")) return remap(a[0], a[1], a[2]);
    if (!strcmp(c, "munmap")) return unmap(a[0], a[1]);
    if (!strcmp(c, "clock_gettime")) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return memcpy(memory() + a[1], &t, sizeof t), 0;
    }
    if (!strcmp(c, "ioctl")) return -ENOTTY;
    static const char *const nothing[] = {
        "brk",     "madvise", "mprotect", "rt_sigaction", "rt_sigprocmask",  "fcntl",   "getpid",    "gettid", "getuid",
        "geteuid", "getgid",  "getegid",  "getppid",      "set_tid_address", "getpgid", "getgroups", "futex",  0};
    for (int i = 0; nothing[i]; i++)
        if (!strcmp(c, nothing[i])) return 0;
    return -ENOSYS;
}

int main(int n, char **v) {
    argc = n - 1, argv = v + 1;
    int runs = atoi(getenv("RUNS"));
    pass = getenv("PASS") != 0;
    struct Z_wali_instance_t host;
    wasm_rt_init();
    Z_guest_init_module();
    for (int i = 0; i < runs; i++) {
        struct timespec t[2];
        digest.sum = 14695981039346656037ull, digest.size = 0, next = 0, free_areas = 0;
        clock_gettime(CLOCK_MONOTONIC, &t[0]);
        Z_guest_instantiate(&guest, &host);
        wasm_rt_trap_t trap = wasm_rt_impl_try();
        if (trap) return fprintf(stderr, "trap: %s\n", wasm_rt_strerror(trap)), 1;
        if (!setjmp(end)) Z_guestZ__start(&guest);
        clock_gettime(CLOCK_MONOTONIC, &t[1]);
        Z_guest_free(&guest);
        if (status) return fprintf(stderr, "exit status %d\n", status), 1;
        if (pass) return 0;
        printf("%lld\n", (t[1].tv_sec - t[0].tv_sec) * 1000000000ll + t[1].tv_nsec - t[0].tv_nsec);
    }
    printf("#%016llx %llu\n", (unsigned long long)digest.sum, (unsigned long long)digest.size);
    return 0;
}
