#define _BSD_SOURCE
#include <unistd.h>
#include <stdarg.h>
#include "syscall.h"

#undef syscall

/* The function behind the macro of sys/syscall.h, for callers that do not see it: arguments
 * are words. It can reach every call, and so imports them all. */
long syscall(long n, ...)
{
	va_list ap;
	long a[6];
	va_start(ap, n);
	for (int i = 0; i < 6; i++) a[i] = va_arg(ap, long);
	va_end(ap);
	return __syscall_ret(__wali_call(n, a[0], a[1], a[2], a[3], a[4], a[5]));
}
