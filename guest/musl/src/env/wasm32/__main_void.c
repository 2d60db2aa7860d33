#include "wali_start.h"

/* main(void) is compiled to this name, main(argc, argv) to the one it calls. */
int __main_argc_argv(int, char **);

int __main_void(void)
{
	return __main_argc_argv(__wali_argc, __wali_argv);
}
