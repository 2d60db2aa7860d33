// A process that has a file mapped, has read all of it, and waits.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct stat st;
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &st)) return 1;
    unsigned char *p = mmap(0, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return 2;
    close(fd);
    for (off_t k = 0; k < st.st_size; k += 4096)
        if (p[k] != (unsigned char)(k >> 20)) return 3;
    char c = 0;
    if (write(1, &c, 1) != 1) return 4;
    while (read(0, &c, 1) > 0) {}
    return 0;
}
