// The structures that the kernel reads and writes, as docs and the kernel have them: the
// layout of x86-64 with 4-byte pointers and size_t. Compiling is the test.
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <termios.h>

#define SIZE(t, n) _Static_assert(sizeof(t) == n, #t " is not " #n " bytes")
#define OFFSET(t, f, n) _Static_assert(offsetof(t, f) == n, #t "." #f " is not at " #n)

SIZE(long, 4);
SIZE(void *, 4);
SIZE(off_t, 8);
SIZE(time_t, 8);
SIZE(clock_t, 8);
SIZE(rlim_t, 8);
SIZE(dev_t, 8);
SIZE(ino_t, 8);
SIZE(sigset_t, 128);
SIZE(fd_set, 128);
SIZE(cpu_set_t, 128);

SIZE(struct timespec, 16);
SIZE(struct timeval, 16);
SIZE(struct itimerval, 32);
SIZE(struct itimerspec, 32);
SIZE(struct rlimit, 16);
SIZE(struct iovec, 8);
SIZE(struct pollfd, 8);
SIZE(struct utsname, 390);
SIZE(struct flock, 32);
OFFSET(struct flock, l_start, 8);
SIZE(struct epoll_event, 12);
OFFSET(struct epoll_event, data, 4);
SIZE(struct tms, 32);
SIZE(struct mq_attr, 64);
SIZE(struct statfs, 120);
OFFSET(struct statfs, f_blocks, 16);

SIZE(siginfo_t, 128);
OFFSET(siginfo_t, si_pid, 16);
OFFSET(siginfo_t, si_uid, 20);
OFFSET(siginfo_t, si_status, 24);
OFFSET(siginfo_t, si_utime, 32);
OFFSET(siginfo_t, si_value, 24);
OFFSET(siginfo_t, si_addr, 16);
OFFSET(siginfo_t, si_band, 16);
OFFSET(siginfo_t, si_fd, 24);
SIZE(struct sigevent, 64);
OFFSET(struct sigevent, sigev_notify_thread_id, 12);
SIZE(stack_t, 12);
OFFSET(ucontext_t, uc_stack, 12);
OFFSET(ucontext_t, uc_mcontext, 24);

SIZE(struct msghdr, 36);
OFFSET(struct msghdr, msg_control, 20);
OFFSET(struct msghdr, msg_flags, 32);
SIZE(struct cmsghdr, 16);
OFFSET(struct cmsghdr, cmsg_level, 8);
_Static_assert(CMSG_LEN(4) == 20 && CMSG_SPACE(5) == 24, "control messages are aligned to 4");

_Static_assert(SIG_IGN == (void (*)(int))-2, "1 is a table index");

int main(void) { return 0; }
