#include <math.h>

/* One instruction. */
double fabs(double x)
{
	return __builtin_fabs(x);
}
