/* System calls are imported functions, one for each call (bits/wali.h, generated). A call
 * site is a switch over the call's number, which the compiler's front end folds to the one
 * import when the number is a constant. It must not reach the optimiser as a switch: that
 * merges the switches of several calls and then keeps all cases. */
#include <bits/wali.h>

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

#define __scc(X) ((long long)(X))
typedef long long syscall_arg_t;

#define __wali_call(n, a, b, c, d, e, f) ({ \
	long long __r, __a = (a), __b = (b), __c = (c), __d = (d), __e = (e), __f = (f); \
	__WALI_SWITCH(__r, n, __a, __b, __c, __d, __e, __f) \
	(long)__r; })

/* A call that is a cancellation point. There is no program counter to compare, so the
 * check stands before the call and after one that was interrupted; __wali_cancel is null
 * until the program first calls pthread_cancel. close is done once it is interrupted. */
extern hidden long (*volatile __wali_cancel)(long);

#define __wali_cp(n, a, b, c, d, e, f) ({ \
	long __s = 0; \
	if (!__wali_cancel || (n) == 3 || !(__s = __wali_cancel(0))) { \
		__s = __wali_call(n, a, b, c, d, e, f); \
		if (__s == -4 && (n) != 3 && __wali_cancel) __s = __wali_cancel(__s); \
	} \
	__s; })

/* A call without variable arguments passes a null pointer for them, and fcntl, ioctl, prctl
 * and others read an argument that they may not have been given: they get zeros, and do
 * not touch the first page, which is not mapped. */
#include <stdarg.h>
#undef va_start
#define va_start(ap, last) (__builtin_va_start(ap, last), (void)((ap) || ((ap) = (va_list)(long long[6]){0})))

#undef SYS_futimesat

#define SYS_clock_gettime64 SYS_clock_gettime
#define SYS_clock_settime64 SYS_clock_settime
#define SYS_clock_adjtime64 SYS_clock_adjtime
#define SYS_clock_nanosleep_time64 SYS_clock_nanosleep
#define SYS_timer_gettime64 SYS_timer_gettime
#define SYS_timer_settime64 SYS_timer_settime
#define SYS_timerfd_gettime64 SYS_timerfd_gettime
#define SYS_timerfd_settime64 SYS_timerfd_settime
#define SYS_utimensat_time64 SYS_utimensat
#define SYS_pselect6_time64 SYS_pselect6
#define SYS_ppoll_time64 SYS_ppoll
#define SYS_recvmmsg_time64 SYS_recvmmsg
#define SYS_mq_timedsend_time64 SYS_mq_timedsend
#define SYS_mq_timedreceive_time64 SYS_mq_timedreceive
#define SYS_semtimedop_time64 SYS_semtimedop
#define SYS_rt_sigtimedwait_time64 SYS_rt_sigtimedwait
#define SYS_futex_time64 SYS_futex
#define SYS_sched_rr_get_interval_time64 SYS_sched_rr_get_interval
#define SYS_getrusage_time64 SYS_getrusage
#define SYS_wait4_time64 SYS_wait4

#define IPC_64 0
