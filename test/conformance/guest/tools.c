// What the cases are made of.
#include "attack.h"

extern char **environ;

// The child shares our memory after vfork: what it stores here is seen.
static _Thread_local volatile int result;

static int end(pid_t pid) {
    int status;
    if (pid < 0) return errno;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return errno;
    if (result) return result;
    if (WIFSIGNALED(status)) return KILLED;
    return WEXITSTATUS(status) == STATUS_GOOD ? 0 : STRANGE;
}

int run_with(int (*exec)(void *), void *arg) {
    result = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        int e = exec(arg);
        result = e ? e : STRANGE;
        _exit(127);
    }
    return end(pid);
}

int run(const char *path, const char *word) {
    char *argv[] = {"mark", (char *)word, 0};
    result = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        execve(path, argv, environ);
        result = errno;
        _exit(127);
    }
    return end(pid);
}

int run_at(int fd, const char *path, int flags, const char *word) {
    char *argv[] = {"mark", (char *)word, 0};
    result = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        syscall(SYS_execveat, (long)fd, path, argv, environ, (long)flags);
        result = errno;
        _exit(127);
    }
    return end(pid);
}

// run_forked brings the errno back through a pipe that is closed by a successful exec.
int run_forked(const char *path, const char *word) {
    char *argv[] = {"mark", (char *)word, 0};
    int p[2], e = 0;
    must(pipe2(p, O_CLOEXEC));
    pid_t pid = fork();
    if (pid == 0) {
        execve(path, argv, environ);
        e = errno;
        (void)!write(p[1], &e, sizeof e);
        _exit(127);
    }
    close(p[1]);
    ssize_t n = read(p[0], &e, sizeof e);
    close(p[0]);
    result = n == sizeof e ? e : 0;
    return end(pid);
}

int check(const char *path) {
    char *argv[] = {"mark", 0};
    return err(syscall(SYS_execveat, (long)AT_FDCWD, path, argv, environ, (long)AT_EXECVE_CHECK));
}

int check_fd(int fd) {
    char *argv[] = {"mark", 0};
    return err(syscall(SYS_execveat, (long)fd, "", argv, environ, (long)(AT_EXECVE_CHECK | AT_EMPTY_PATH)));
}

void put(const char *path, const void *data, size_t n, int mode) {
    int fd = must(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    for (size_t done = 0; done < n;) done += must(write(fd, (const char *)data + done, n - done));
    must(fchmod(fd, mode));
    close(fd);
}

void put_text(const char *path, const char *text, int mode) { put(path, text, strlen(text), mode); }

char *get(const char *path, size_t *n) {
    int fd = must(open(path, O_RDONLY | O_CLOEXEC));
    struct stat st;
    must(fstat(fd, &st));
    char *data = malloc(st.st_size + 1);
    *n = 0;
    for (ssize_t k; (k = must(read(fd, data + *n, st.st_size - *n))) > 0;) *n += k;
    data[*n] = 0;
    close(fd);
    return data;
}

void copy(const char *from, const char *to) {
    size_t n;
    char *data = get(from, &n);
    put(to, data, n, 0755);
    free(data);
}

void append(const char *path, const char *text) {
    int fd = must(open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
    must(write(fd, text, strlen(text)));
    close(fd);
}

void good_program(const char *path) { copy(MARK, path); }

void evil_program(const char *path) {
    good_program(path);
    append(path, "x");
}

void good_script(const char *path) { put_text(path, GOOD_TEXT, 0755); }
void evil_script(const char *path) { put_text(path, EVIL_TEXT, 0755); }
