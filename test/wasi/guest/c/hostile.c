// Every call of WASI with pointers that lead nowhere, with counts that mean nothing, and with
// what comes out of a generator of random numbers. The kernel has to answer with an errno, and
// to go on: whatever this program does, it ends with "ok".

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#define IMPORT(name, ...)                                                                                              \
    int32_t raw_##name(__VA_ARGS__) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef int32_t i;
typedef int64_t l;
IMPORT(args_get, i, i);
IMPORT(args_sizes_get, i, i);
IMPORT(clock_res_get, i, i);
IMPORT(clock_time_get, i, l, i);
IMPORT(environ_get, i, i);
IMPORT(environ_sizes_get, i, i);
IMPORT(fd_advise, i, l, l, i);
IMPORT(fd_allocate, i, l, l);
IMPORT(fd_close, i);
IMPORT(fd_datasync, i);
IMPORT(fd_fdstat_get, i, i);
IMPORT(fd_fdstat_set_flags, i, i);
IMPORT(fd_fdstat_set_rights, i, l, l);
IMPORT(fd_filestat_get, i, i);
IMPORT(fd_filestat_set_size, i, l);
IMPORT(fd_filestat_set_times, i, l, l, i);
IMPORT(fd_pread, i, i, i, l, i);
IMPORT(fd_prestat_dir_name, i, i, i);
IMPORT(fd_prestat_get, i, i);
IMPORT(fd_pwrite, i, i, i, l, i);
IMPORT(fd_read, i, i, i, i);
IMPORT(fd_readdir, i, i, i, l, i);
IMPORT(fd_renumber, i, i);
IMPORT(fd_seek, i, l, i, i);
IMPORT(fd_sync, i);
IMPORT(fd_tell, i, i);
IMPORT(fd_write, i, i, i, i);
IMPORT(path_create_directory, i, i, i);
IMPORT(path_filestat_get, i, i, i, i, i);
IMPORT(path_filestat_set_times, i, i, i, i, l, l, i);
IMPORT(path_link, i, i, i, i, i, i, i);
IMPORT(path_open, i, i, i, i, i, l, l, i, i);
IMPORT(path_readlink, i, i, i, i, i, i);
IMPORT(path_remove_directory, i, i, i);
IMPORT(path_rename, i, i, i, i, i, i);
IMPORT(path_symlink, i, i, i, i, i);
IMPORT(path_unlink_file, i, i, i);
IMPORT(poll_oneoff, i, i, i, i);
IMPORT(random_get, i, i);
IMPORT(sched_yield, void);
IMPORT(sock_accept, i, i, i);
IMPORT(sock_recv, i, i, i, i, i, i);
IMPORT(sock_send, i, i, i, i, i);
IMPORT(sock_shutdown, i, i);

enum { FAULT = 21, INVAL = 28, BADF = 8, NOTSOCK = 57, NAMETOOLONG = 37 };

static int failed;

static void want(const char *what, int got, int want) {
    if (got == want) return;
    failed++;
    printf("%s: %d, want %d\n", what, got, want);
}

static char room[1 << 16] __attribute__((aligned(16)));
#define P(x) ((i)(intptr_t)(x))
static const char name[] = "hostile.tmp";
#define NAME P(name), sizeof name - 1

// Addresses at which nothing can be stored.
static i bad[] = {-1, -8, (i)0x80000000, 0x7ffffff0, 0};

static void pointers(i dir, i file) {
    __builtin_wasm_memory_grow(0, 1);                   // a page that nobody uses
    bad[4] = __builtin_wasm_memory_size(0) * 65536 - 1; // its last byte
    i vec = P(room);
    for (unsigned k = 0; k < sizeof bad / sizeof *bad; k++) {
        i b = bad[k];
        want("args_get", raw_args_get(b, P(room)), FAULT);
        want("args_get", raw_args_get(P(room), b), FAULT);
        want("args_sizes_get", raw_args_sizes_get(b, P(room)), FAULT);
        want("args_sizes_get", raw_args_sizes_get(P(room), b), FAULT);
        want("clock_res_get", raw_clock_res_get(0, b), FAULT);
        want("clock_time_get", raw_clock_time_get(1, 0, b), FAULT);
        want("environ_sizes_get", raw_environ_sizes_get(b, P(room)), FAULT);
        want("environ_sizes_get", raw_environ_sizes_get(P(room), b), FAULT);
        want("environ_get", raw_environ_get(b, P(room)), FAULT);
        want("environ_get", raw_environ_get(P(room), b), FAULT);
        want("fd_fdstat_get", raw_fd_fdstat_get(file, b), FAULT);
        want("fd_filestat_get", raw_fd_filestat_get(file, b), FAULT);
        want("fd_prestat_get", raw_fd_prestat_get(3, b), FAULT);
        if (k < 4) want("fd_prestat_dir_name", raw_fd_prestat_dir_name(3, b, 4096), FAULT);
        want("fd_seek", raw_fd_seek(file, 0, 0, b), FAULT);
        want("fd_tell", raw_fd_tell(file, b), FAULT);
        want("fd_read iovec", raw_fd_read(file, b, 1, P(room)), FAULT);
        want("fd_write iovec", raw_fd_write(file, b, 1, P(room)), FAULT);
        want("fd_pread iovec", raw_fd_pread(file, b, 1, 0, P(room)), FAULT);
        want("fd_pwrite iovec", raw_fd_pwrite(file, b, 1, 0, P(room)), FAULT);
        ((i *)room)[0] = b, ((i *)room)[1] = 4;
        want("fd_read base", raw_fd_pread(file, vec, 1, 0, P(room) + 64), FAULT);
        want("fd_write base", raw_fd_pwrite(file, vec, 1, 0, P(room) + 64), FAULT);
        ((i *)room)[0] = P(room) + 128, ((i *)room)[1] = 4;
        want("fd_pread result", raw_fd_pread(file, vec, 1, 0, b), FAULT);
        want("fd_pwrite result", raw_fd_pwrite(file, vec, 1, 0, b), FAULT);
        want("fd_readdir", raw_fd_readdir(dir, b, 64, 0, P(room)), FAULT);
        want("fd_readdir result", raw_fd_readdir(dir, P(room), 64, 0, b), FAULT);
        want("path_open name", raw_path_open(dir, 0, b, 4, 0, 2, 0, 0, P(room)), FAULT);
        want("path_open result", raw_path_open(dir, 0, NAME, 0, 2, 0, 0, b), FAULT);
        want("path_create_directory", raw_path_create_directory(dir, b, 4), FAULT);
        want("path_filestat_get", raw_path_filestat_get(dir, 0, b, 4, P(room)), FAULT);
        want("path_filestat_get", raw_path_filestat_get(dir, 0, NAME, b), FAULT);
        want("path_filestat_set_times", raw_path_filestat_set_times(dir, 0, b, 4, 0, 0, 2), FAULT);
        want("path_link", raw_path_link(dir, 0, b, 4, dir, NAME), FAULT);
        want("path_link", raw_path_link(dir, 0, NAME, dir, b, 4), FAULT);
        want("path_readlink", raw_path_readlink(dir, b, 4, P(room), 4, P(room)), FAULT);
        want("path_remove_directory", raw_path_remove_directory(dir, b, 4), FAULT);
        want("path_rename", raw_path_rename(dir, b, 4, dir, NAME), FAULT);
        want("path_rename", raw_path_rename(dir, NAME, dir, b, 4), FAULT);
        want("path_symlink", raw_path_symlink(b, 4, dir, NAME), FAULT);
        want("path_symlink", raw_path_symlink(NAME, dir, b, 4), FAULT);
        want("path_unlink_file", raw_path_unlink_file(dir, b, 4), FAULT);
        want("poll_oneoff in", raw_poll_oneoff(b, P(room), 1, P(room)), FAULT);
        memset(room, 0, 48);
        want("poll_oneoff out", raw_poll_oneoff(P(room), b, 1, P(room)), FAULT);
        memset(room, 0, 48);
        want("poll_oneoff result", raw_poll_oneoff(P(room), P(room) + 64, 1, b), FAULT);
        want("random_get", raw_random_get(b, 4), FAULT);
    }
    want("random_get beyond the end", raw_random_get(bad[4] - 15, -1), FAULT);
}

static void counts(i dir, i file) {
    want("ten million vectors", raw_fd_write(file, P(room), 10000000, P(room)), INVAL);
    want("2^31 vectors", raw_fd_read(file, P(room), (i)0x80000000, P(room)), INVAL);
    i *vec = (i *)room;
    for (int k = 0; k < 1024; k++) vec[2 * k] = P(room) + 16384, vec[2 * k + 1] = 4096;
    want("overlapping", raw_fd_pwrite(file, P(room), 1024, 0, P(room) + 32768), 0);
    want("overlapping", raw_fd_pread(file, P(room), 1024, 0, P(room) + 32768), 0);
    want("onto themselves", raw_fd_pread(file, P(room), 1024, 0, P(room)), 0);
    vec[0] = P(room), vec[1] = -1;
    want("a vector of 4 GiB", raw_fd_pwrite(file, P(room), 1, 0, P(room)), INVAL);
    want("a path of 4 GiB", raw_path_open(dir, 0, P(room), -1, 0, 2, 0, 0, P(room)), NAMETOOLONG);
    want("no subscriptions", raw_poll_oneoff(P(room), P(room), 0, P(room)), INVAL);
    want("2^32-1 subscriptions", raw_poll_oneoff(P(room), P(room), -1, P(room)), INVAL);
    want("a name with NUL", raw_path_unlink_file(dir, P("a\0b"), 3), INVAL);
    want("sock_accept", raw_sock_accept(file, 0, P(room)), NOTSOCK);
    want("sock_recv", raw_sock_recv(99, 0, 0, 0, 0, 0), BADF);
    want("sock_send", raw_sock_send(0, 0, 0, 0, 0), NOTSOCK);
    want("sock_shutdown", raw_sock_shutdown(file, 1), NOTSOCK);
    want("fd_close", raw_fd_close(-1), BADF);
    want("fd_renumber", raw_fd_renumber(file, 1 << 30), BADF);
    want("whence", raw_fd_seek(file, 0, 3, P(room)), INVAL);
    want("advice", raw_fd_advise(file, 0, 0, 6), INVAL);
    want("clock", raw_clock_time_get(4, 0, P(room)), INVAL);
    want("flags", raw_fd_fdstat_set_flags(file, 1 << 5), INVAL);
    want("oflags", raw_path_open(dir, 0, NAME, 16, 2, 0, 0, P(room)), INVAL);
    want("lookup flags", raw_path_filestat_get(dir, 2, NAME, P(room)), INVAL);
    want("times flags", raw_fd_filestat_set_times(file, 0, 0, 3), INVAL);
}

static uint64_t seed = 88172645463325252u;

static uint64_t next(void) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed * 2685821657736338717u;
}

// An address: in the first half of the room, or bad. What is stored there hurts nobody.
static i addr(void) {
    uint64_t r = next();
    return r % 3 ? P(room) + (r >> 8) % (sizeof room / 2) : bad[(r >> 8) % 5];
}

// A size, a count, flags.
static i num(void) {
    uint64_t r = next();
    return r % 2 ? (i)(r >> 8) % 64 : (i)(r >> 16);
}

// A vector of up to 8 such addresses, whose sizes leave the room whole.
static i vector(void) {
    i *v = (i *)(room + sizeof room - 64);
    for (int k = 0; k < 8; k++) v[2 * k] = addr(), v[2 * k + 1] = next() % 8 ? next() % 1024 : -1;
    return P(v);
}

static i desc(void) { return 3 + next() % 20; }
static l wide(void) { return next() % 2 ? (l)next() : (l)(next() % 100); }

static void random_calls(int n) {
    i dir = 3;
    while (n-- > 0) {
        // A few sensible bytes, so that not all calls fail early.
        uint64_t r = next();
        memcpy(room + r % (sizeof room / 2), &r, 8);
        memcpy(room, "f/../x", 6);
        switch (next() % 42) {
        case 0: raw_args_get(addr(), addr()); break;
        case 1: raw_args_sizes_get(addr(), addr()); break;
        case 2: raw_clock_res_get(num(), addr()); break;
        case 3: raw_clock_time_get(num(), wide(), addr()); break;
        case 4: raw_environ_get(addr(), addr()); break;
        case 5: raw_environ_sizes_get(addr(), addr()); break;
        case 6: raw_fd_advise(desc(), wide(), wide(), num()); break;
        case 7: raw_fd_allocate(desc(), next() % 4096, next() % 4096); break;
        case 8:
            if (next() % 8 == 0) raw_fd_close(4 + next() % 20);
            break;
        case 9: raw_fd_datasync(desc()); break;
        case 10: raw_fd_fdstat_get(desc(), addr()); break;
        case 11: raw_fd_fdstat_set_flags(desc(), num()); break;
        case 12:
            if (next() % 64 == 0) raw_fd_fdstat_set_rights(4 + next() % 20, wide(), wide());
            break;
        case 13: raw_fd_filestat_get(desc(), addr()); break;
        case 14: raw_fd_filestat_set_size(desc(), next() % 65536); break;
        case 15: raw_fd_filestat_set_times(desc(), wide(), wide(), num()); break;
        case 16: raw_fd_pread(desc(), vector(), next() % 4 ? next() % 9 : (uint32_t)num(), wide(), addr()); break;
        case 17: raw_fd_prestat_dir_name(desc(), addr(), num()); break;
        case 18: raw_fd_prestat_get(desc(), addr()); break;
        case 19:
            raw_fd_pwrite(desc(), vector(), next() % 4 ? next() % 9 : (uint32_t)num(), next() % 65536, addr());
            break;
        case 20: raw_fd_read(desc(), vector(), next() % 4 ? next() % 9 : (uint32_t)num(), addr()); break;
        case 21: raw_fd_readdir(desc(), addr(), next() % 4096, wide(), addr()); break;
        case 22: raw_fd_renumber(4 + next() % 20, 4 + next() % 20); break;
        case 23: raw_fd_seek(desc(), next() % 65536, num(), addr()); break;
        case 24: raw_fd_sync(desc()); break;
        case 25: raw_fd_tell(desc(), addr()); break;
        case 26: raw_fd_write(desc(), vector(), next() % 4 ? next() % 9 : (uint32_t)num(), addr()); break;
        case 27: raw_path_create_directory(dir, P(room), next() % 8); break;
        case 28: raw_path_filestat_get(desc(), num(), addr(), num(), addr()); break;
        case 29: raw_path_filestat_set_times(desc(), num(), addr(), num(), wide(), wide(), num()); break;
        case 30: raw_path_link(desc(), num(), addr(), num(), desc(), addr(), num()); break;
        case 31:
            raw_path_open(dir, next() % 2, P(room), next() % 8, next() % 16, wide(), wide(), next() % 32, P(room) + 64);
            break;
        case 32: raw_path_readlink(desc(), addr(), num(), addr(), next() % 4096, addr()); break;
        case 33: raw_path_remove_directory(dir, P(room), next() % 8); break;
        case 34: raw_path_rename(desc(), addr(), num(), desc(), addr(), num()); break;
        case 35: raw_path_symlink(P(room), next() % 8, dir, P(room) + next() % 8, next() % 4); break;
        case 36: raw_path_unlink_file(dir, P(room), next() % 8); break;
        case 37: raw_random_get(P(room) + next() % 1024, next() % 1024); break;
        case 38: raw_sched_yield(); break;
        case 39: raw_sock_recv(desc(), addr(), num(), num(), addr(), addr()); break;
        case 40: raw_sock_send(desc(), addr(), num(), num(), addr()); break;
        case 41: {
            // Half of the subscriptions are timers of no time, so that none waits.
            memset(room + 4096, 0, 48);
            for (int k = 48; k < 48 * 8; k++) room[4096 + k] = next();
            raw_poll_oneoff(P(room) + 4096, P(room) + 8192, 1 + next() % 8, addr());
        }
        }
    }
}

int main(int argc, char **argv) {
    __wasi_fd_t file;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (__wasi_path_open(3, 0, name, __WASI_OFLAGS_CREAT, ~0ull >> 34, ~0ull >> 34, 0, &file)) {
        puts("cannot make a file in the first directory");
        return 1;
    }
    pointers(3, file);
    counts(3, file);
    want("unlink", __wasi_path_unlink_file(3, name), 0);
    random_calls(argc > 1 ? atoi(argv[1]) : 100000);
    puts(failed ? "failed" : "ok");
    return failed != 0;
}
