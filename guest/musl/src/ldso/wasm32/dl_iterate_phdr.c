#define _GNU_SOURCE
#include <link.h>

/* A WebAssembly program has no program headers. */
int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *, size_t, void *), void *data)
{
	return 0;
}
