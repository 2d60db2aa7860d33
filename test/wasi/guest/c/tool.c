// What C programs with wasi-libc do: arguments, environment, standard streams, exit codes.

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "hello")) {
        const char *greeting = getenv("GREETING");
        printf("hello from C, %d arguments, GREETING=%s\n", argc - 2, greeting ? greeting : "");
        return 0;
    }
    if (!strcmp(command, "upper")) {
        for (int c; (c = getchar()) != EOF;) putchar(toupper(c));
        return 0;
    }
    if (!strcmp(command, "cat")) {
        FILE *f = fopen(argv[2], "r");
        if (!f) {
            fprintf(stderr, "tool: %s: %s\n", argv[2], strerror(errno));
            return 1;
        }
        for (int c; (c = getc(f)) != EOF;) putchar(c);
        return 0;
    }
    if (!strcmp(command, "sleep")) {
        struct timespec ts = {0, 20000000}, before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        nanosleep(&ts, NULL);
        clock_gettime(CLOCK_MONOTONIC, &after);
        long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
        printf("%s\n", ms >= 20 && ms < 5000 ? "slept" : "did not sleep");
        return 0;
    }
    if (!strcmp(command, "isatty")) return !isatty(0);
    if (!strcmp(command, "exit")) exit(atoi(argv[2]));
    if (!strcmp(command, "abort")) abort();
    return 2;
}
