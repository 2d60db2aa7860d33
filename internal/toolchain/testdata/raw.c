// Uses of syscall(2) with a constant number: one import each, whatever the optimisation.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
    long long offset = 5;
    syscall(SYS_lseek, 0, offset, SEEK_SET);
    return syscall(SYS_gettid) + syscall(SYS_openat, AT_FDCWD, "x", O_RDONLY, 0);
}
