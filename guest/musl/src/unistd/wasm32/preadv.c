#define _BSD_SOURCE
#include <sys/uio.h>
#include <unistd.h>
#include "syscall.h"

/* The offset is one argument, as on 64-bit machines. */
ssize_t preadv(int fd, const struct iovec *iov, int count, off_t ofs)
{
	return syscall_cp(SYS_preadv, fd, iov, count, ofs);
}

weak_alias(preadv, preadv64);
