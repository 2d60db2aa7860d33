// Content that changes through memory: mappings of a file are writes that no call tells of.
#define _GNU_SOURCE
#include "attack.h"

static char *map_to_write(int fd) {
    char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED) bad("mmap: %s", strerror(errno));
    return m;
}

CASE("mapping", program_mapped_for_writing) {
    good_program("mark");
    int fd = must(open("mark", O_RDWR));
    char *m = map_to_write(fd);
    close(fd);
    WANT(run("mark", "GOOD"), ETXTBSY);
    m[64] ^= 1;
    WANT(run("mark", "EVIL"), ETXTBSY);
    must(munmap(m, 4096));
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("mapping", program_mapped_by_a_child) {
    good_program("mark");
    int fd = must(open("mark", O_RDWR)), p[2];
    must(pipe(p));
    char *m = map_to_write(fd);
    close(fd);
    pid_t pid = must(fork());
    if (pid == 0) {
        char c;
        close(p[1]);
        read(p[0], &c, 1);
        m[64] ^= 1;
        _exit(0);
    }
    must(munmap(m, 4096));
    WANT(run("mark", "GOOD"), ETXTBSY);
    close(p[0]), close(p[1]);
    must(waitpid(pid, 0, 0));
    WANT(run("mark", "EVIL"), EACCES);
}

// A memfd may be executed while it is open for writing: what runs is what is hashed, each time.
CASE("mapping", memfd_changed_while_it_is_mapped) {
    size_t n;
    char *data = get(MARK, &n);
    int fd = must(memfd_create("mark", 0)), ro;
    must(write(fd, data, n));
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ro = must(open(name, O_RDONLY));
    char *m = map_to_write(fd);
    close(fd);
    for (int i = 0; i < 3; i++) {
        WANT(run_at(ro, "", AT_EMPTY_PATH, "GOOD"), 0);
        m[64] ^= 1;
        WANT(run_at(ro, "", AT_EMPTY_PATH, "EVIL"), EACCES);
        m[64] ^= 1;
    }
}

CASE("mapping", mapped_after_it_ran) {
    good_program("mark");
    WANT(run("mark", "GOOD"), 0);
    WANT(run("mark", "GOOD"), 0);
    int fd = must(open("mark", O_RDWR));
    char *m = map_to_write(fd);
    close(fd);
    m[64] ^= 1;
    must(munmap(m, 4096));
    WANT(run("mark", "EVIL"), EACCES);
}

// A private mapping is not the file: it changes nothing.
CASE("mapping", private_mapping_changes_nothing) {
    good_program("mark");
    int fd = must(open("mark", O_RDONLY));
    char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (m == MAP_FAILED) bad("mmap: %s", strerror(errno));
    m[64] ^= 1;
    WANT(run("mark", "GOOD"), 0);
    WANT(err(mprotect(m, 4096, PROT_READ | PROT_EXEC)), EACCES);
}

CASE("mapping", read_only_descriptor_gives_no_writable_mapping) {
    good_program("mark");
    int fd = must(open("mark", O_RDONLY));
    char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    WANT(m == MAP_FAILED ? errno : 0, EACCES);
    m = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
    WANT(err(mprotect(m, 4096, PROT_READ | PROT_WRITE)), EACCES);
    WANT(run("mark", "GOOD"), 0);
}
