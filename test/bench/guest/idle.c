// A process that waits: it reads standard input until its end, and does nothing.
#include <unistd.h>

int main(void) {
    char c;
    while (read(0, &c, 1) > 0) {}
    return 0;
}
