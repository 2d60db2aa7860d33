#ifndef WALI_START_H
#define WALI_START_H

#include <features.h>
#include <bits/wali.h>
#include <stddef.h>

/* Arguments and environment: lengths do not count the terminating zero. */
__WALI("__cl_get_argc") int __wali_get_argc(void);
__WALI("__cl_get_argv_len") int __wali_get_argv_len(int index);
__WALI("__cl_copy_argv") int __wali_copy_argv(char *buf, int index);
__WALI("__cl_get_envc") int __wali_get_envc(void);
__WALI("__cl_get_env_len") int __wali_get_env_len(int index);
__WALI("__cl_copy_env") int __wali_copy_env(char *buf, int index);

extern hidden weak void __load_args(void);
extern hidden weak void __load_environ(void);

extern hidden int __wali_argc;
extern hidden char **__wali_argv;

/* Makes a vector of n strings; it lives as long as the program. */
hidden char **__wali_strings(int n, int (*len)(int), int (*copy)(char *, int));

#endif
