#define _GNU_SOURCE
#include <string.h>
#include "pthread_impl.h"
#include "syscall.h"

hidden long __cancel(void);

long __cancel(void)
{
	pthread_t self = __pthread_self();
	if (self->canceldisable == PTHREAD_CANCEL_ENABLE || self->cancelasync)
		pthread_exit(PTHREAD_CANCELED);
	self->canceldisable = PTHREAD_CANCEL_DISABLE;
	return -ECANCELED;
}

/* At a cancellation point; r is the result that the call would have. */
static long point(long r)
{
	pthread_t self = __pthread_self();
	if (self->cancel && self->canceldisable != PTHREAD_CANCEL_DISABLE) return __cancel();
	return r;
}

/* What the kernel takes for "end the call that this interrupts, or else the next one, with
 * EINTR", so that a thread between the check and the call does not sleep; point decides then. */
#define UC_CUT 0x80000000

static void handler(int sig, siginfo_t *si, void *ctx)
{
	pthread_t self = __pthread_self();
	ucontext_t *uc = ctx;
	a_barrier();
	if (!self->cancel || self->canceldisable == PTHREAD_CANCEL_DISABLE) return;
	if (self->cancelasync) { /* with the mask of what was interrupted */
		sigset_t set = uc->uc_sigmask;
		set.__bits[(SIGCANCEL-1)/8/sizeof *set.__bits] |= 1UL << (SIGCANCEL-1)%(8*sizeof *set.__bits);
		pthread_sigmask(SIG_SETMASK, &set, 0);
		__cancel();
	}
	uc->uc_flags |= UC_CUT;
}

void __testcancel(void)
{
	pthread_t self = __pthread_self();
	if (self->cancel && !self->canceldisable) __cancel();
}

int pthread_cancel(pthread_t t)
{
	if (!__wali_cancel) {
		struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_RESTART, .sa_sigaction = handler };
		memset(&sa.sa_mask, -1, _NSIG/8);
		__libc_sigaction(SIGCANCEL, &sa, 0);
		__wali_cancel = point;
	}
	a_store(&t->cancel, 1);
	if (t == pthread_self()) {
		if (t->canceldisable == PTHREAD_CANCEL_ENABLE && t->cancelasync)
			pthread_exit(PTHREAD_CANCELED);
		return 0;
	}
	return pthread_kill(t, SIGCANCEL);
}
