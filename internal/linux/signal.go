package linux

// Signal is a signal number, 1 to 64.
type Signal int32

// Signals (signal(7), x86-64).
const (
	SIGHUP    Signal = 1
	SIGINT    Signal = 2
	SIGQUIT   Signal = 3
	SIGILL    Signal = 4
	SIGTRAP   Signal = 5
	SIGABRT   Signal = 6
	SIGBUS    Signal = 7
	SIGFPE    Signal = 8
	SIGKILL   Signal = 9
	SIGUSR1   Signal = 10
	SIGSEGV   Signal = 11
	SIGUSR2   Signal = 12
	SIGPIPE   Signal = 13
	SIGALRM   Signal = 14
	SIGTERM   Signal = 15
	SIGSTKFLT Signal = 16
	SIGCHLD   Signal = 17
	SIGCONT   Signal = 18
	SIGSTOP   Signal = 19
	SIGTSTP   Signal = 20
	SIGTTIN   Signal = 21
	SIGTTOU   Signal = 22
	SIGURG    Signal = 23
	SIGXCPU   Signal = 24
	SIGXFSZ   Signal = 25
	SIGVTALRM Signal = 26
	SIGPROF   Signal = 27
	SIGWINCH  Signal = 28
	SIGIO     Signal = 29
	SIGPWR    Signal = 30
	SIGSYS    Signal = 31
	SIGRTMIN  Signal = 32 // the kernel's; the C library keeps the first three for itself
	SIGRTMAX  Signal = 64
)

// NSIG is the number of signals, and so the number of the last one.
const NSIG = 64

var signalNames = [...]string{
	1: "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
	"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
	"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
	"SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
}

// String gives the symbolic name: "SIGINT", "SIGRT_2".
func (s Signal) String() string {
	switch {
	case s > 0 && int(s) < len(signalNames):
		return signalNames[s]
	case s >= SIGRTMIN && s <= SIGRTMAX:
		return "SIGRT_" + itoa(int(s-SIGRTMIN))
	}
	return "SIG?" + itoa(int(s))
}

// Valid reports whether s is a signal that can be sent.
func (s Signal) Valid() bool { return s >= 1 && s <= NSIG }

// itoa is strconv.Itoa for small numbers; this package imports as little as it can.
func itoa(n int) string {
	if n < 0 {
		return "-" + itoa(-n)
	}
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// Dispositions, as handler values. Other values are indices into the guest's table 0.
const (
	SIG_DFL uint32 = 0
	SIG_IGN uint32 = 0xfffffffe // -2: 1 is a table index
)

// Flags of a sigaction.
const (
	SA_NOCLDSTOP    = 0x00000001
	SA_NOCLDWAIT    = 0x00000002
	SA_SIGINFO      = 0x00000004
	SA_UNSUPPORTED  = 0x00000400
	SA_EXPOSE_TAG   = 0x00000800
	SA_RESTORER     = 0x04000000
	SA_ONSTACK      = 0x08000000
	SA_RESTART      = 0x10000000
	SA_NODEFER      = 0x40000000
	SA_RESETHAND    = 0x80000000
	SupportedSA     = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND
	SS_ONSTACK      = 1
	SS_DISABLE      = 2
	SS_AUTODISARM   = 1 << 31
	MINSIGSTKSZ     = 2048
	SIG_BLOCK       = 0
	SIG_UNBLOCK     = 1
	SIG_SETMASK     = 2
	SizeofSigset    = 8
	SIGEV_SIGNAL    = 0
	SIGEV_NONE      = 1
	SIGEV_THREAD    = 2
	SIGEV_THREAD_ID = 4
)

// Codes of a siginfo: how the signal came to be.
const (
	SI_USER    = 0
	SI_KERNEL  = 0x80
	SI_QUEUE   = -1
	SI_TIMER   = -2
	SI_MESGQ   = -3
	SI_ASYNCIO = -4
	SI_SIGIO   = -5
	SI_TKILL   = -6

	ILL_ILLOPN    = 2
	FPE_INTDIV    = 1
	FPE_INTOVF    = 2
	FPE_FLTINV    = 7
	SEGV_MAPERR   = 1
	SEGV_ACCERR   = 2
	BUS_ADRALN    = 1
	BUS_ADRERR    = 2
	CLD_EXITED    = 1
	CLD_KILLED    = 2
	CLD_DUMPED    = 3
	CLD_TRAPPED   = 4
	CLD_STOPPED   = 5
	CLD_CONTINUED = 6
)

// SizeofSigInfo is the size of a siginfo_t.
const SizeofSigInfo = 128

// SigInfo is siginfo_t: three words, padding, and a union at offset 16.
type SigInfo struct {
	Signo, Errno, Code int32
	_                  int32
	Fields             [14]uint64 // the union, filled by the constructors below
}

// Info makes a siginfo without further fields.
func Info(s Signal, code int32) SigInfo { return SigInfo{Signo: int32(s), Code: code} }

// InfoFrom is a signal that a process sent: kill, tgkill.
func InfoFrom(s Signal, code int32, pid int, uid uint32) SigInfo {
	i := Info(s, code)
	i.Fields[0] = uint64(uint32(pid)) | uint64(uid)<<32
	return i
}

// InfoChild is a SIGCHLD; times are in clock ticks.
func InfoChild(code int32, pid int, uid uint32, status int32, utime, stime int64) SigInfo {
	i := InfoFrom(SIGCHLD, code, pid, uid)
	i.Fields[1] = uint64(uint32(status))
	i.Fields[2], i.Fields[3] = uint64(utime), uint64(stime)
	return i
}

// InfoFault is a synchronous signal caused by the access to, or execution at, addr.
func InfoFault(s Signal, code int32, addr uint32) SigInfo {
	i := Info(s, code)
	i.Fields[0] = uint64(addr)
	return i
}

// InfoTimer is the expiry of a POSIX timer; value is its sigev_value.
func InfoTimer(s Signal, id int32, overrun int32, value uint64) SigInfo {
	i := Info(s, SI_TIMER)
	i.Fields[0] = uint64(uint32(id)) | uint64(uint32(overrun))<<32
	i.Fields[1] = value
	return i
}

// Codes of a signal that tells of a descriptor (F_SETSIG).
const (
	POLL_IN  = 1
	POLL_OUT = 2
	POLL_MSG = 3
)

// InfoPoll tells of a descriptor; code is one of those above.
func InfoPoll(s Signal, code, fd int32) SigInfo {
	bands := [...]uint64{POLL_IN: 0x41, POLL_OUT: 0x304, POLL_MSG: 0x441} // POLLIN and POLLRDNORM, POLLOUT and its like
	i := Info(s, code)
	i.Fields[0], i.Fields[1] = bands[code], uint64(uint32(fd))
	return i
}

// PID and UID are the sender's, for kinds that have one.
func (i *SigInfo) PID() int    { return int(int32(i.Fields[0])) }
func (i *SigInfo) UID() uint32 { return uint32(i.Fields[0] >> 32) }

// SigAction is the kernel's struct sigaction in the guest's layout: 24 bytes, packed
// {handler 4, flags 8, restorer 4, mask 8}, the 8-byte fields as halves.
type SigAction struct {
	Handler          uint32
	FlagsLo, FlagsHi uint32
	Restorer         uint32
	MaskLo, MaskHi   uint32
}

// Stack is stack_t.
type Stack struct {
	SP    uint32
	Flags int32
	Size  uint32
}

// SigEvent is struct sigevent of timer_create: 64 bytes with a 4-byte sigval.
type SigEvent struct {
	Value  uint32
	Signo  int32
	Notify int32
	TID    int32
	_      [48]byte
}
