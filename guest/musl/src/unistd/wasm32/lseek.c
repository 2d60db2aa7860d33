#include <unistd.h>
#include "syscall.h"

/* The one call whose result needs 64 bits. */
off_t __lseek(int fd, off_t offset, int whence)
{
	off_t r = __wali_lseek(fd, offset, whence);
	return r < 0 ? __syscall_ret(r) : r;
}

weak_alias(__lseek, lseek);
weak_alias(__lseek, lseek64);
