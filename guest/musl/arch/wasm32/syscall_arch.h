/* System calls are imported functions, one for each call (bits/wali.h, generated). All of
 * them hang on one switch over the call's number: where the number is a constant the
 * compiler leaves one call, so that a program imports what it can reach and no more. */
#include <bits/wali.h>

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

#define __scc(X) ((long long)(X))
typedef long long syscall_arg_t;

#define __WALI_INLINE static __inline __attribute__((__always_inline__, __unused__))

__WALI_INLINE long long __wali_call(long long n, long long a, long long b, long long c, long long d, long long e, long long f)
{
	long long r;
	__WALI_SWITCH(r, n, a, b, c, d, e, f)
	return r;
}

__WALI_INLINE long __syscall0(long long n)
{
	return __wali_call(n, 0, 0, 0, 0, 0, 0);
}
__WALI_INLINE long __syscall1(long long n, long long a)
{
	return __wali_call(n, a, 0, 0, 0, 0, 0);
}
__WALI_INLINE long __syscall2(long long n, long long a, long long b)
{
	return __wali_call(n, a, b, 0, 0, 0, 0);
}
__WALI_INLINE long __syscall3(long long n, long long a, long long b, long long c)
{
	return __wali_call(n, a, b, c, 0, 0, 0);
}
__WALI_INLINE long __syscall4(long long n, long long a, long long b, long long c, long long d)
{
	return __wali_call(n, a, b, c, d, 0, 0);
}
__WALI_INLINE long __syscall5(long long n, long long a, long long b, long long c, long long d, long long e)
{
	return __wali_call(n, a, b, c, d, e, 0);
}
__WALI_INLINE long __syscall6(long long n, long long a, long long b, long long c, long long d, long long e, long long f)
{
	return __wali_call(n, a, b, c, d, e, f);
}

/* A call that is a cancellation point. There is no program counter to compare, so the
 * check stands before the call and after one that was interrupted; __wali_cancel is null
 * until the program first calls pthread_cancel. close is done once it is interrupted. */
extern hidden long (*volatile __wali_cancel)(long);

__WALI_INLINE long __wali_cp(long long n, long long a, long long b, long long c, long long d, long long e, long long f)
{
	long r;
	if (__wali_cancel && n != 3 && (r = __wali_cancel(0))) return r;
	r = __wali_call(n, a, b, c, d, e, f);
	if (r == -4 && __wali_cancel && n != 3) r = __wali_cancel(r);
	return r;
}

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
