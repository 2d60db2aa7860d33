#include <sys/sysinfo.h>
#include "syscall.h"

struct kernel_sysinfo {
	long long uptime;
	unsigned long long loads[3];
	unsigned long long totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	unsigned short procs, pad;
	unsigned long long totalhigh, freehigh;
	unsigned mem_unit;
};

/* The program's fields have 32 bits: sizes are scaled until they fit, as Linux does it. */
int __lsysinfo(struct sysinfo *info)
{
	struct kernel_sysinfo k;
	int r = syscall(SYS_sysinfo, &k);
	if (r < 0) return r;
	int shift = 0;
	while ((k.totalram | k.totalswap) >> shift > 0xffffffff) shift++;
	info->uptime = k.uptime;
	for (int i = 0; i < 3; i++) info->loads[i] = k.loads[i];
	info->totalram = k.totalram >> shift;
	info->freeram = k.freeram >> shift;
	info->sharedram = k.sharedram >> shift;
	info->bufferram = k.bufferram >> shift;
	info->totalswap = k.totalswap >> shift;
	info->freeswap = k.freeswap >> shift;
	info->procs = k.procs;
	info->totalhigh = k.totalhigh >> shift;
	info->freehigh = k.freehigh >> shift;
	info->mem_unit = (k.mem_unit ? k.mem_unit : 1) << shift;
	return 0;
}

weak_alias(__lsysinfo, sysinfo);
