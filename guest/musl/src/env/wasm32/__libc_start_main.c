/* The start of a program: thread pointer, arguments, environment, constructors, main.
 * Arguments and environment are fetched only if something in the program can see them. */
#include <stdlib.h>
#include "libc.h"
#include "pthread_impl.h"
#include "wali_start.h"

hidden void __wasm_call_ctors(void);
int __main_void(void);

static size_t auxv[] = { 6 /* AT_PAGESZ */, PAGE_SIZE, 17 /* AT_CLKTCK */, 100, 0, 0 };

_Noreturn void __libc_start(void)
{
	libc.auxv = auxv;
	libc.page_size = PAGE_SIZE;
	__init_tls(auxv);
	if (__load_args) __load_args();
	if (__load_environ) __load_environ();
	__wasm_call_ctors();
	exit(__main_void());
}
