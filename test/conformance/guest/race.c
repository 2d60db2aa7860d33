// Races between execve and whoever changes what it executes. Each is run by 2, 8 and 64
// processes, number() times in all: some turn a name or a content between listed and
// unlisted, the others execute it. Whatever an execve meets, unlisted code never runs, and
// when all is over and the content is unlisted, execve refuses it.
#include "attack.h"
#include <pthread.h>

extern char **environ;

typedef void turn_t(int evil); // makes ./s what it says

static void pause_a_little(void) { usleep(20); }

static int attempt(void) {
    switch (run("./s", "EVIL-ARGUMENT")) {
    case 0: return 1;       // the listed content ran
    case EACCES: return 0;  // it was unlisted
    case ETXTBSY: return 0; // somebody was writing
    case ENOENT: return 0;  // between two names
    case STRANGE: return 0; // the interpreter found nothing
    case ENOTDIR: return 0;
    case ELOOP: return 0;
    default: return -1;
    }
}

static int tries(int workers) { return number() / workers + 1; }

static void race(turn_t *turn, int workers) {
    turn(0);
    pid_t turner = must(fork());
    if (turner == 0) {
        for (unsigned i = 0;; i++) {
            turn(i % 2);
            if (i % 3 == 0) pause_a_little();
        }
    }
    pid_t pids[64];
    for (int i = 0; i < workers; i++) {
        pids[i] = must(fork());
        if (pids[i] == 0) {
            for (int k = 0; k < tries(workers); k++)
                if (attempt() < 0) _exit(1);
            _exit(0);
        }
    }
    for (int i = 0; i < workers; i++) {
        int status;
        must(waitpid(pids[i], &status, 0));
        if (status) bad("a worker saw an errno that cannot be: wait status %x", status);
    }
    kill(turner, SIGKILL);
    must(waitpid(turner, 0, 0));
    turn(1);
    WANT(run("./s", "EVIL"), EACCES);
    turn(0);
    WANT(run("./s", "GOOD"), 0);
}

static void races(turn_t *turn) {
    race(turn, 2);
    race(turn, 8);
    race(turn, 64);
}

#define EVIL_SAME "#!/bin/interp\nmark EVIL\n"
_Static_assert(sizeof EVIL_SAME == sizeof GOOD_TEXT, "the two have one length");

static void write_text(const char *path, const char *text, int flags) {
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0755);
    if (fd < 0) return;
    (void)!write(fd, text, strlen(text));
    close(fd);
}

static void force(const char *path, const char *text) {
    for (int i = 0; i < 2000; i++) {
        int fd = open(path, O_WRONLY | O_CREAT, 0755);
        if (fd >= 0) {
            (void)!write(fd, text, strlen(text));
            (void)!ftruncate(fd, strlen(text));
            close(fd);
            return;
        }
        usleep(1000);
    }
    bad("%s stays busy", path);
}

static void turn_in_place(int evil) { force("s", evil ? EVIL_SAME : GOOD_TEXT); }

static void turn_one_byte(int evil) {
    if (access("s", F_OK)) force("s", GOOD_TEXT);
    for (int i = 0; i < 2000; i++) {
        int fd = open("s", O_WRONLY);
        if (fd < 0) {
            usleep(500);
            continue;
        }
        (void)!pwrite(fd, evil ? "EVIL" : "GOOD", 4, 19);
        close(fd);
        return;
    }
}

static void turn_by_rename(int evil) {
    write_text("new", evil ? EVIL_SAME : GOOD_TEXT, O_TRUNC);
    rename("new", "s");
}

static void turn_link(int evil) {
    if (access("good", F_OK)) good_script("good"), evil_script("evil");
    unlink("l");
    must(symlink(evil ? "evil" : "good", "l"));
    rename("l", "s");
}

static void turn_hard_link(int evil) {
    if (access("good", F_OK)) good_script("good"), evil_script("evil");
    unlink("l");
    must(link(evil ? "evil" : "good", "l"));
    if (rename("l", "s")) return;
    unlink("l");
}

static void turn_by_unlink(int evil) {
    unlink("s");
    write_text("s", evil ? EVIL_SAME : GOOD_TEXT, O_EXCL);
}

static void turn_by_exchange(int evil) {
    if (access("other", F_OK)) evil_script("other"), good_script("s");
    size_t n;
    char *text = get("s", &n);
    if (strcmp(text, evil ? EVIL_TEXT : GOOD_TEXT))
        must(syscall(SYS_renameat2, (long)AT_FDCWD, "other", (long)AT_FDCWD, "s", 2L));
    free(text);
}

static void turn_by_size(int evil) { force("s", evil ? GOOD_TEXT "mark EVIL\n" : GOOD_TEXT); }

// Programs: the cache of digests must not remember one content for the other.
static void turn_program(int evil) {
    if (access("good", F_OK)) good_program("good"), evil_program("evil");
    size_t n;
    char *data = get(evil ? "evil" : "good", &n);
    for (int i = 0; i < 2000; i++) {
        int fd = open("s", O_WRONLY | O_CREAT, 0755);
        if (fd < 0) {
            usleep(500);
            continue;
        }
        (void)!write(fd, data, n);
        (void)!ftruncate(fd, n);
        close(fd);
        break;
    }
    free(data);
}

CASE("races", content_written_in_place) { races(turn_in_place); }
CASE("races", four_bytes_written_in_place) { races(turn_one_byte); }
CASE("races", renamed_over) { races(turn_by_rename); }
CASE("races", symbolic_link_turned_back_and_forth) { races(turn_link); }
CASE("races", hard_link_turned_back_and_forth) { races(turn_hard_link); }
CASE("races", unlinked_and_created) { races(turn_by_unlink); }
CASE("races", exchanged_names) {
    race(turn_by_exchange, 2);
    race(turn_by_exchange, 8);
}
CASE("races", grown_and_cut) { races(turn_by_size); }

// What runs is the native code of the listed content, whatever the file becomes; so the
// errors to look for are a cache that mixes up two contents, and a wrong errno.
CASE("races", program_written_in_place) {
    turn_program(0);
    pid_t turner = must(fork());
    if (turner == 0)
        for (unsigned i = 0;; i++) turn_program(i % 2);
    for (int i = 0; i < number(); i++) {
        int e = run("./s", "GOOD");
        if (e != 0 && e != EACCES && e != ETXTBSY) bad("errno %d", e);
    }
    kill(turner, SIGKILL);
    must(waitpid(turner, 0, 0));
    for (int i = 0; i < 20; i++) {
        turn_program(1);
        WANT(run("./s", "EVIL"), EACCES);
        turn_program(0);
        WANT(run("./s", "GOOD"), 0);
    }
}

CASE("races", on_a_tmpfs) {
    must(mkdir("/tmp/r", 0777));
    must(chdir("/tmp/r"));
    races(turn_in_place);
    races(turn_by_rename);
}

CASE("races", first_write_to_a_file_of_the_image) {
    // The file moves from the image to the layer above it at its first write.
    must(chdir("/opt/many"));
    char name[32];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "s%d", i);
        pid_t pid = must(fork());
        if (pid == 0) {
            int fd;
            while ((fd = open(name, O_WRONLY | O_APPEND)) < 0 && errno == ETXTBSY) usleep(100);
            must(write(fd, "mark EVIL\n", 10));
            _exit(0);
        }
        int e = run(name, "GOOD");
        if (e != 0 && e != EACCES && e != ETXTBSY) bad("errno %d", e);
        must(waitpid(pid, 0, 0));
        WANT(run(name, "EVIL"), EACCES);
    }
}

// Threads of one process: they share descriptors, and the directory.
static volatile int stop;

static void *turner_thread(void *unused) {
    (void)unused;
    for (unsigned i = 0; !stop; i++) turn_by_rename(i % 2);
    return 0;
}

static void *exec_thread(void *times) {
    for (int i = 0; i < *(int *)times; i++)
        if (attempt() < 0) bad("an errno that cannot be");
    return 0;
}

CASE("races", threads_of_one_process) {
    static const int crowds[] = {2, 8, 64};
    for (int c = 0; c < 3; c++) {
        pthread_t turner, t[64];
        int times = tries(crowds[c]);
        stop = 0;
        turn_by_rename(0);
        must(-pthread_create(&turner, 0, turner_thread, 0));
        for (int i = 0; i < crowds[c]; i++) must(-pthread_create(&t[i], 0, exec_thread, &times));
        for (int i = 0; i < crowds[c]; i++) pthread_join(t[i], 0);
        stop = 1;
        pthread_join(turner, 0);
    }
    turn_by_rename(1);
    WANT(run("./s", "EVIL"), EACCES);
}

// A descriptor whose number is given to another file while execveat looks at it.
CASE("races", descriptor_number_reused) {
    good_program("good");
    evil_program("evil");
    pid_t pid = must(fork());
    if (pid == 0) {
        int good = open("good", O_RDONLY), evil = open("evil", O_RDONLY);
        for (int i = 0; i < number(); i++) {
            dup2(i % 2 ? good : evil, 100);
            int e = run_at(100, "", AT_EMPTY_PATH, "GOOD");
            if (e != (i % 2 ? 0 : EACCES)) bad("errno %d", e);
        }
        _exit(0);
    }
    must(waitpid(pid, 0, 0));
}

// An interpreter that asks AT_EXECVE_CHECK, while the script changes.
CASE("races", checked_script_written_in_place) {
    turn_in_place(0);
    pid_t turner = must(fork());
    if (turner == 0)
        for (unsigned i = 0;; i++) turn_in_place(i % 2);
    for (int i = 0; i < number(); i++) {
        pid_t pid = must(vfork());
        if (pid == 0) {
            execl(INTERP, "interp", "-c", "s", (char *)0);
            _exit(1);
        }
        int status;
        must(waitpid(pid, &status, 0));
        int s = WEXITSTATUS(status);
        if (s != STATUS_GOOD && s != 46 && s != 47) bad("status %d", s);
    }
    kill(turner, SIGKILL);
    must(waitpid(turner, 0, 0));
}
