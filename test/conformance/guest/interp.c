// interp [OPTION] SCRIPT: an interpreter of scripts with lines "mark WORD", which leave
// WORD as a mark in /marks.
//
//	-w  wait for /case/go before the script is opened: time to change it
//	-c  ask AT_EXECVE_CHECK about the open script, and refuse what it refuses
//	-C  the same, and wait for /case/go before it is read
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char text[1 << 16];

static int mark(const char *word, size_t n) {
    if (n == 4 && !memcmp(word, "GOOD", 4)) return 42;
    int fd = open("/marks/executed", O_WRONLY | O_CREAT | O_APPEND, 0644);
    (void)!write(fd, word, n);
    (void)!write(fd, " by interp\n", 11);
    return 43;
}

// wait_for_go gives up after ten seconds.
static void wait_for_go(void) {
    int fd = open("/case/ready", O_WRONLY | O_CREAT, 0644);
    close(fd);
    for (int i = 0; i < 5000 && access("/case/go", F_OK); i++) usleep(2000);
}

static int refused(int fd) {
    char *argv[] = {"script", 0}, *envp[] = {0};
    return syscall(SYS_execveat, (long)fd, "", argv, envp, 0x11000L) ? errno : 0; // AT_EMPTY_PATH | AT_EXECVE_CHECK
}

int main(int argc, char **argv) {
    int i = 1, status = 44;
    char option = 0;
    if (i < argc && argv[i][0] == '-') option = argv[i++][1];
    if (i >= argc) return 45;
    if (option == 'w') wait_for_go();
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0) return 46;
    if ((option == 'c' || option == 'C') && refused(fd)) return 47;
    if (option == 'C') wait_for_go();
    size_t n = 0;
    for (ssize_t k; (k = read(fd, text + n, sizeof text - 1 - n)) > 0;) n += k;
    for (char *line = text, *end; line && *line; line = end ? end + 1 : 0) {
        end = strchr(line, '\n');
        if (!strncmp(line, "mark ", 5)) status = mark(line + 5, (end ? (size_t)(end - line) : strlen(line)) - 5);
    }
    return status;
}
