#include <sys/msg.h>
#include <stdlib.h>
#include <string.h>
#include "syscall.h"

/* The kernel's mtype has 64 bits, the program's 32. */
int msgsnd(int q, const void *m, size_t len, int flag)
{
	const struct { long type; char text[]; } *from = m;
	struct { long long type; char text[]; } *k = malloc(sizeof *k + len);
	if (!k) return -1;
	k->type = from->type;
	memcpy(k->text, from->text, len);
	int r = syscall_cp(SYS_msgsnd, q, k, len, flag);
	free(k);
	return r;
}
