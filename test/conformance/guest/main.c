#include "attack.h"
#include <stdarg.h>

static struct attack *all;
static int failures;

void attack_register(struct attack *a) {
    struct attack **at = &all;
    while (*at && strcmp((*at)->name, a->name) < 0) at = &(*at)->next;
    a->next = *at;
    *at = a;
}

static const char *errname(int e) {
    static char text[2][64];
    static int turn;
    if (e == 0) return "success";
    if (e == KILLED) return "killed";
    if (e == STRANGE) return "a strange end";
    turn ^= 1;
    snprintf(text[turn], sizeof text[turn], "errno %d (%s)", e, strerror(e));
    return text[turn];
}

void want(int got, const char *text, const int *allowed) {
    for (int i = 0; allowed[i] != -1; i++)
        if (got == allowed[i]) return;
    printf("wrong %s: %s, expected %s\n", text, errname(got), errname(allowed[0]));
    fflush(stdout);
    failures++;
}

void bad(const char *format, ...) {
    va_list list;
    va_start(list, format);
    printf("wrong ");
    vprintf(format, list);
    printf("\n");
    fflush(stdout);
    va_end(list);
    failures++;
}

void cannot(const char *text) {
    printf("wrong step %s: %s\n", text, strerror(errno));
    fflush(stdout);
    _exit(2);
}

int number(void) {
    const char *s = getenv("RACES");
    return s ? atoi(s) : 100;
}

// A program of the bundle that an attack may start.
HOST_CASE(do_nothing) { _exit(STATUS_GOOD); }

int main(int argc, char **argv) {
    if (argc < 2) {
        for (struct attack *a = all; a; a = a->next)
            if (!a->host) printf("%s %s\n", a->class, a->name);
        return 0;
    }
    for (struct attack *a = all; a; a = a->next)
        if (!strcmp(a->name, argv[1])) {
            if (mkdir("/case", 0755) && errno != EEXIST) cannot("mkdir");
            must(chdir("/case"));
            a->run();
            printf("%s\n", failures ? "failed" : "passed");
            return failures != 0;
        }
    printf("wrong no case %s\n", argv[1]);
    return 2;
}
