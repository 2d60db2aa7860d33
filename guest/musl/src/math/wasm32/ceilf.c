#include <math.h>

/* One instruction. */
float ceilf(float x)
{
	return __builtin_ceilf(x);
}
