package linux

// EpollEvent is struct epoll_event, 12 bytes, packed: the data's halves.
type EpollEvent struct {
	Events uint32
	Data   [2]uint32
}

// SizeofEpollEvent is its size.
const SizeofEpollEvent = 12

// Events of epoll(7) beyond those of poll(2), and flags.
const (
	EPOLLRDHUP     = 0x2000
	EPOLLEXCLUSIVE = 1 << 28
	EPOLLWAKEUP    = 1 << 29
	EPOLLONESHOT   = 1 << 30
	EPOLLET        = 1 << 31

	EPOLL_CTL_ADD = 1
	EPOLL_CTL_DEL = 2
	EPOLL_CTL_MOD = 3

	EPOLL_CLOEXEC = O_CLOEXEC
)

// Flags of eventfd2(2).
const (
	EFD_SEMAPHORE = 1
	EFD_CLOEXEC   = O_CLOEXEC
	EFD_NONBLOCK  = O_NONBLOCK
)

// Flags of timerfd.
const (
	TFD_TIMER_ABSTIME       = 1
	TFD_TIMER_CANCEL_ON_SET = 2
	TFD_CLOEXEC             = O_CLOEXEC
	TFD_NONBLOCK            = O_NONBLOCK
)

// Flags of pidfd_open(2) and pidfd_send_signal(2).
const (
	PIDFD_NONBLOCK = O_NONBLOCK

	PIDFD_SIGNAL_THREAD        = 1
	PIDFD_SIGNAL_THREAD_GROUP  = 2
	PIDFD_SIGNAL_PROCESS_GROUP = 4
)
