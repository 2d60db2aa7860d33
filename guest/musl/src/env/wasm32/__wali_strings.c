#include <string.h>
#include <stdint.h>
#include "pthread_impl.h"
#include "wali_start.h"

/* Memory from the end of the program's, before there is an allocator. Strings of ordinary
 * length share a page or two of data that would otherwise be zero pages of their own. */
static char early[4096] __attribute__((__aligned__(16)));
static size_t used;

static void *take(size_t n)
{
	n = n + 15 & -16;
	if (n <= sizeof early - used) {
		void *p = early + used;
		used += n;
		return p;
	}
	size_t old = __builtin_wasm_memory_grow(0, n + 65535 >> 16);
	if (old == -1) a_crash();
	return (void *)(old << 16);
}

char **__wali_strings(int n, int (*len)(int), int (*copy)(char *, int))
{
	size_t total = (n + 1) * sizeof(char *);
	for (int i = 0; i < n; i++) total += len(i) + 1;
	char **v = take(total);
	char *s = (char *)(v + n + 1);
	for (int i = 0; i < n; i++) {
		v[i] = s;
		copy(s, i);
		s += strlen(s) + 1;
	}
	v[n] = 0;
	return v;
}
