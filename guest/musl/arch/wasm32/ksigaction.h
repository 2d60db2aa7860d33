#include <features.h>

/* The kernel's structure: 24 bytes without padding. No restorer: returning from a handler
 * is the kernel's business. */
struct k_sigaction {
	void (*handler)(int);
	unsigned long long flags;
	void (*restorer)(void);
	unsigned mask[2];
} __attribute__((__packed__));

#define __restore ((void (*)(void))0)
#define __restore_rt __restore
