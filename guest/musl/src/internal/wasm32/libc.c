#include "libc.h"

/* __progname is with the arguments, in __load_args.c. */
struct __libc __libc;

size_t __hwcap;
