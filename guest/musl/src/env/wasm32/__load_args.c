#include "libc.h"
#include "wali_start.h"

int __wali_argc;
char **__wali_argv;

char *__progname = "", *__progname_full = "";
weak_alias(__progname, program_invocation_short_name);
weak_alias(__progname_full, program_invocation_name);

void __load_args(void)
{
	__wali_argc = __wali_get_argc();
	__wali_argv = __wali_strings(__wali_argc, __wali_get_argv_len, __wali_copy_argv);
	if (!__wali_argc) return;
	__progname = __progname_full = __wali_argv[0];
	for (char *s = __progname; *s; s++) if (*s == '/') __progname = s + 1;
}
