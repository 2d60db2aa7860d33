#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>
#include "pthread_impl.h"
#include "syscall.h"

__WALI("SYS_vfork") long long __wali_clone_vfork(void) __attribute__((__returns_twice__));

/* A stack cannot be handed to compiled code: the child goes on with its parent's, as a copy or,
 * while the parent waits, as it is. Threads are pthread_create's. */
int __clone(int (*func)(void *), void *stack, int flags, void *arg, ...)
{
	long pid;
	va_list ap;
	va_start(ap, arg);
	pid_t *ptid = va_arg(ap, pid_t *);
	void *tls = va_arg(ap, void *);
	pid_t *ctid = va_arg(ap, pid_t *);
	va_end(ap);

	if (flags & CLONE_THREAD) return -ENOSYS;
	if (flags & CLONE_VM) {
		if (!(flags & CLONE_VFORK)) return -ENOSYS;
		pid = __wali_clone_vfork();
	} else {
		pid = __syscall(SYS_clone, flags, 0, ptid, ctid, tls);
	}
	if (!pid) _exit(func(arg));
	return pid;
}
