#include "libc.h"
#include "wali_start.h"

char **__environ = 0;
weak_alias(__environ, ___environ);
weak_alias(__environ, _environ);
weak_alias(__environ, environ);

void __load_environ(void)
{
	__environ = __wali_strings(__wali_get_envc(), __wali_get_env_len, __wali_copy_env);
}
