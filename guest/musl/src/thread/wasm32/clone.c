#include <errno.h>
#include "pthread_impl.h"

/* A stack cannot be handed to compiled code. Threads use __wasm_thread_spawn, processes
 * fork and vfork. */
int __clone(int (*func)(void *), void *stack, int flags, void *arg, ...)
{
	return -ENOSYS;
}
