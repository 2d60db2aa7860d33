#include <unistd.h>
#include "syscall.h"

/* The kernel keeps the parent's stack and registers aside while the child runs on them, so
 * returning from this function in the child does no harm to the parent. The frame holds
 * nothing in memory. */
pid_t vfork(void)
{
	return __syscall_ret(__wali_vfork());
}
