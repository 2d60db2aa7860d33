// interp [OPTION] SCRIPT: an interpreter of scripts with lines "mark WORD", which leave
// WORD as a mark in /marks.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 16];

static int mark(const char *word, size_t n) {
    if (n == 4 && !memcmp(word, "GOOD", 4)) return 42;
    int fd = open("/marks/executed", O_WRONLY | O_CREAT | O_APPEND, 0644);
    (void)!write(fd, word, n);
    (void)!write(fd, " by interp\n", 11);
    return 43;
}

int main(int argc, char **argv) {
    int i = 1, status = 44;
    if (i < argc && argv[i][0] == '-') i++;
    if (i >= argc) return 45;
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0) return 46;
    size_t n = 0;
    for (ssize_t k; (k = read(fd, text + n, sizeof text - 1 - n)) > 0;) n += k;
    for (char *line = text, *end; line && *line; line = end ? end + 1 : 0) {
        end = strchr(line, '\n');
        if (!strncmp(line, "mark ", 5)) status = mark(line + 5, (end ? (size_t)(end - line) : strlen(line)) - 5);
    }
    return status;
}
