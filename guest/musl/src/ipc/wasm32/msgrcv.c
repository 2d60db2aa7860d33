#include <sys/msg.h>
#include <stdlib.h>
#include <string.h>
#include "syscall.h"

/* The kernel's mtype has 64 bits, the program's 32. */
ssize_t msgrcv(int q, void *m, size_t len, long type, int flag)
{
	struct { long type; char text[]; } *to = m;
	struct { long long type; char text[]; } *k = malloc(sizeof *k + len);
	if (!k) return -1;
	ssize_t r = syscall_cp(SYS_msgrcv, q, k, len, type, flag);
	if (r >= 0) {
		to->type = k->type;
		memcpy(to->text, k->text, r);
	}
	free(k);
	return r;
}
