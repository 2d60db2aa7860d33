// mark WORD: leaves WORD as a mark in /marks, and ends with the status that says so. GOOD
// needs no file: its status is enough.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : "EVIL";
    if (strcmp(word, "GOOD")) {
        int fd = open("/marks/executed", O_WRONLY | O_CREAT | O_APPEND, 0644);
        (void)!write(fd, word, strlen(word));
        (void)!write(fd, "\n", 1);
    }
    return 42;
}
