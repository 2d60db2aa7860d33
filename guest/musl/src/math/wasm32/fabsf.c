#include <math.h>

/* One instruction. */
float fabsf(float x)
{
	return __builtin_fabsf(x);
}
