// Content that changes after it was hashed once: every way to write to a file. Each is tried
// in the image's file system and in the one of /tmp.
#define _GNU_SOURCE
#include "attack.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

// changed runs a listed program, changes it, and runs it again. The program has then to be
// refused, unless the way is not there (change gives an errno).
static void changed(const char *what, int (*change)(const char *path)) {
    static const char *const dirs[] = {"/case", "/tmp"};
    for (int i = 0; i < 2; i++) {
        must(chdir(dirs[i]));
        unlink("mark");
        good_program("mark");
        WANT(run("mark", "GOOD"), 0);
        WANT(run("mark", "GOOD"), 0); // from the cache of digests
        int e = change("mark");
        if (e) {
            if (e != EINVAL && e != ENOSYS && e != EOPNOTSUPP && e != ETXTBSY && e != EACCES && e != ENODEV &&
                e != EPERM)
                bad("%s in %s: %s", what, dirs[i], strerror(e));
            WANT(run("mark", "GOOD"), 0);
            continue;
        }
        int got = run("mark", "EVIL");
        if (got != EACCES) bad("after %s in %s: errno %d", what, dirs[i], got);
    }
}

#define CHANGE(name_)                                                                                                  \
    static int do_##name_(const char *path);                                                                           \
    CASE("change", change_by_##name_) { changed(#name_, do_##name_); }                                                 \
    static int do_##name_(const char *path)

static int writer(const char *path) { return must(open(path, O_RDWR | O_CLOEXEC)); }

static off_t size(const char *path) {
    struct stat st;
    must(stat(path, &st));
    return st.st_size;
}

CHANGE(write) {
    int fd = writer(path);
    must(write(fd, "\0asm\1\0\0\1", 8));
    return err(close(fd));
}

CHANGE(pwrite) {
    int fd = writer(path);
    must(pwrite(fd, "x", 1, size(path) - 1));
    return err(close(fd));
}

CHANGE(writev) {
    int fd = writer(path);
    struct iovec v[2] = {{"\0asm", 4}, {"xxxx", 4}};
    must(writev(fd, v, 2));
    return err(close(fd));
}

CHANGE(pwritev) {
    int fd = writer(path);
    struct iovec v[2] = {{"x", 1}, {"y", 1}};
    must(pwritev(fd, v, 2, size(path) - 2));
    return err(close(fd));
}

CHANGE(append) {
    append(path, "x");
    return 0;
}

CHANGE(truncate) { return err(truncate(path, size(path) - 1)); }

CHANGE(truncate_longer) { return err(truncate(path, size(path) + 1)); }

CHANGE(ftruncate_and_back) {
    int fd = writer(path);
    off_t n = size(path);
    must(ftruncate(fd, n - 4));
    must(ftruncate(fd, n)); // as long as before, the end is zeros
    return err(close(fd));
}

CHANGE(open_with_trunc) { return err(close(open(path, O_WRONLY | O_TRUNC))); }

CHANGE(fallocate) {
    int fd = writer(path);
    int e = err(fallocate(fd, 0, size(path), 1));
    close(fd);
    return e;
}

CHANGE(punched_hole) {
    int fd = writer(path);
    int e = err(fallocate(fd, 3, 8, 64)); // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
    close(fd);
    return e;
}

CHANGE(zeroed_range) {
    int fd = writer(path);
    int e = err(fallocate(fd, 0x10, 8, 64)); // FALLOC_FL_ZERO_RANGE
    close(fd);
    return e;
}

CHANGE(copy_file_range) {
    put_text("src", "evil", 0644);
    int in = must(open("src", O_RDONLY)), out = writer(path);
    off_t to = 64;
    int e = err(copy_file_range(in, 0, out, &to, 4, 0));
    close(in), close(out);
    return e;
}

CHANGE(sendfile) {
    put_text("src", "evil", 0644);
    int in = must(open("src", O_RDONLY)), out = writer(path);
    must(lseek(out, 64, SEEK_SET));
    int e = err(sendfile(out, in, 0, 4));
    close(in), close(out);
    return e;
}

CHANGE(splice) {
    int p[2], out = writer(path);
    must(pipe(p));
    must(write(p[1], "evil", 4));
    off_t to = 64;
    int e = err(splice(p[0], 0, out, &to, 4, 0));
    close(out), close(p[0]), close(p[1]);
    return e;
}

CHANGE(shared_mapping) {
    int fd = writer(path);
    char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int e = m == MAP_FAILED ? errno : 0;
    if (!e) {
        m[64] ^= 1;
        msync(m, 4096, MS_SYNC);
        munmap(m, 4096);
    }
    close(fd);
    return e;
}

CHANGE(rename_over_it) {
    evil_program("evil");
    return err(rename("evil", path));
}

CHANGE(unlink_and_create) {
    must(unlink(path));
    evil_program(path);
    return 0;
}

CHANGE(exchange) {
    evil_program("evil");
    return err(syscall(SYS_renameat2, (long)AT_FDCWD, "evil", (long)AT_FDCWD, path, 2L));
}

CHANGE(hard_link) {
    unlink("other");
    must(link(path, "other"));
    append("other", "x");
    return 0;
}

CHANGE(symbolic_link) {
    unlink("other");
    must(symlink(path, "other"));
    append("other", "x");
    return 0;
}

CHANGE(proc_fd) {
    char name[64];
    int fd = must(open(path, O_RDONLY));
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    append(name, "x");
    return err(close(fd));
}

CHANGE(child_with_the_descriptor) {
    int fd = writer(path);
    pid_t pid = must(fork());
    if (pid == 0) _exit(pwrite(fd, "x", 1, 64) != 1);
    must(waitpid(pid, 0, 0));
    return err(close(fd));
}

CHANGE(output_of_a_program) {
    int fd = writer(path);
    pid_t pid = must(fork());
    if (pid == 0) {
        dup2(fd, 1);
        execl("/bin/echo", "echo", "evil", (char *)0);
        _exit(1);
    }
    int status;
    must(waitpid(pid, &status, 0));
    if (status) return bad("echo: status %x", status), 0;
    return err(close(fd));
}

CHANGE(write_with_times_restored) {
    struct stat st;
    must(stat(path, &st));
    int fd = writer(path);
    must(pwrite(fd, "x", 1, 64));
    struct timespec t[2] = {st.st_atim, st.st_mtim};
    must(futimens(fd, t));
    return err(close(fd));
}

CHANGE(deleted_and_the_inode_used_again) {
    for (int i = 0; i < 64; i++) {
        must(unlink(path));
        evil_program(path);
    }
    return 0;
}

CHANGE(removed_range) {
    int fd = writer(path);
    must(ftruncate(fd, 8192 + 100));
    int e = err(fallocate(fd, 8, 0, 4096)); // FALLOC_FL_COLLAPSE_RANGE
    close(fd);
    return e ? 0 : 0; // the truncation alone has changed it
}

CASE("change", changed_and_changed_back) {
    good_program("mark");
    size_t n;
    char *data = get("mark", &n);
    for (int i = 0; i < 20; i++) {
        WANT(run("mark", "GOOD"), 0);
        int fd = writer("mark");
        must(pwrite(fd, "x", 1, 64));
        close(fd);
        WANT(run("mark", "EVIL"), EACCES);
        fd = writer("mark");
        must(pwrite(fd, data + 64, 1, 64));
        close(fd);
    }
    WANT(run("mark", "GOOD"), 0);
}

CASE("change", thousands_of_contents) {
    // More than the cache of digests holds, each once good and once evil.
    char name[32];
    for (int i = 0; i < 4500; i++) {
        snprintf(name, sizeof name, "s%d", i % 50);
        unlink(name);
        good_script(name);
        if (check(name) == EINVAL ? run(name, "GOOD") : check(name)) bad("listed content number %d is refused", i);
        if (i % 9 == 0) {
            append(name, "mark EVIL\n");
            WANT(run(name, "EVIL"), EACCES);
        }
    }
}

CASE("change", writer_keeps_its_descriptor) {
    good_program("mark");
    int fd = writer("mark");
    WANT(run("mark", "GOOD"), ETXTBSY);
    must(pwrite(fd, "x", 1, 64));
    WANT(run("mark", "EVIL"), ETXTBSY, EACCES);
    close(fd);
    WANT(run("mark", "EVIL"), EACCES);
}
