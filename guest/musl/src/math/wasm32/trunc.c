#include <math.h>

/* One instruction. */
double trunc(double x)
{
	return __builtin_trunc(x);
}
