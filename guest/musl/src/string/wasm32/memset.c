#include <string.h>

/* One instruction, memory.fill. */
void *memset(void *d, int c, size_t n)
{
	return __builtin_memset(d, c, n);
}
