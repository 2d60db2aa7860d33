#include <vkernel.h>
#include "libc.h"
#include "pthread_impl.h"
#include "wali_start.h"

extern char **__environ;

__attribute__((__import_module__("vkernel"), __import_name__("ready"))) int __vkernel_ready(void);

/* What the library knows of the process: its thread's id, arguments, environment. The random secret of malloc
 * is made of addresses here, so there is nothing to make anew. */
int vkernel_ready(int *argc, char ***argv, char ***envp)
{
	if (!__vkernel_ready()) return 0;
	__pthread_self()->tid = __syscall(SYS_set_tid_address, &__thread_list_lock);
	__load_args();
	__load_environ();
	if (argc) *argc = __wali_argc;
	if (argv) *argv = __wali_argv;
	if (envp) *envp = __environ;
	return 1;
}
