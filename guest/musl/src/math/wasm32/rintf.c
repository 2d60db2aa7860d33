#include <math.h>

/* One instruction. */
float rintf(float x)
{
	return __builtin_rintf(x);
}
