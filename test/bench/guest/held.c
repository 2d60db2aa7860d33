// A process that holds memory: as many MB as its argument says, each page another. It answers each byte that it reads:
// 'd' when it has changed 10 MB of them, 'v' when it has compared all, anything else at once.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, DIRTY = 10 << 20, WORDS = PAGE / 4 };

// fill gives a page what it has in a round: half of it noise, which does not get smaller, half of it one number.
static void fill(unsigned *p, unsigned page, unsigned round) {
    unsigned x = page * 2654435761u + round * 40503u + 1;
    for (int k = 0; k < WORDS / 2; k++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        p[k] = x;
    }
    for (int k = WORDS / 2; k < WORDS; k++) p[k] = page ^ round;
}

int main(int argc, char **argv) {
    size_t pages = (argc > 1 ? (size_t)atoi(argv[1]) : 100) * (1 << 20) / PAGE;
    unsigned *memory = malloc(pages * PAGE), want[WORDS], round = 0;
    if (!memory) return 1;
    for (size_t k = 0; k < pages; k++) fill(memory + k * WORDS, k, 0);
    char c = 'r';
    do {
        if (c == 'd') {
            round++;
            for (size_t k = 0; k < pages && k < DIRTY / PAGE; k++) fill(memory + k * WORDS, k, round);
        }
        for (size_t k = 0; k < pages && c == 'v'; k++) {
            fill(want, k, k < DIRTY / PAGE ? round : 0);
            if (memcmp(want, memory + k * WORDS, PAGE)) c = '!';
        }
        if (write(1, &c, 1) != 1) return 2;
    } while (read(0, &c, 1) == 1);
    return 0;
}
