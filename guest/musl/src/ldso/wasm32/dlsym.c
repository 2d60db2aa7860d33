#include <dlfcn.h>
#include "pthread_impl.h"

hidden void *__dlsym(void *restrict, const char *restrict, void *restrict);

void *dlsym(void *restrict p, const char *restrict s)
{
	return __dlsym(p, s, 0);
}
