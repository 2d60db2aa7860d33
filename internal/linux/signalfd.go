package linux

// Flags of signalfd4(2).
const (
	SFD_CLOEXEC  = O_CLOEXEC
	SFD_NONBLOCK = O_NONBLOCK
)

// SizeofSignalfdSigInfo is the size of a SignalfdSigInfo.
const SizeofSignalfdSigInfo = 128

// SignalfdSigInfo is struct signalfd_siginfo.
type SignalfdSigInfo struct {
	Signo              uint32
	Errno, Code        int32
	PID, UID           uint32
	FD                 int32
	TID, Band, Overrun uint32
	Trapno             uint32
	Status, Int        int32
	Ptr                uint64
	Utime, Stime, Addr uint64
	AddrLsb, _         uint16
	Syscall            int32
	CallAddr           uint64
	Arch               uint32
	_                  [28]byte
}

// Signalfd is the siginfo as signalfd shows it: which fields it has follows from its code.
func (i *SigInfo) Signalfd() SignalfdSigInfo {
	s := SignalfdSigInfo{Signo: uint32(i.Signo), Errno: i.Errno, Code: i.Code}
	sender := func() { s.PID, s.UID = uint32(i.PID()), i.UID() }
	value := func() { s.Ptr, s.Int = i.Fields[1], int32(i.Fields[1]) }
	switch {
	case i.Code == SI_TIMER:
		s.TID, s.Overrun = uint32(i.Fields[0]), uint32(i.Fields[0]>>32)
		value()
	case i.Code == SI_SIGIO, i.Signo == int32(SIGIO) && i.Code > 0 && i.Code <= nsigpoll:
		s.Band, s.FD = uint32(i.Fields[0]), int32(i.Fields[1])
	case i.Code < 0:
		sender()
		value()
	case i.Signo == int32(SIGCHLD) && i.Code > 0 && i.Code <= CLD_CONTINUED:
		sender()
		s.Status, s.Utime, s.Stime = int32(i.Fields[1]), i.Fields[2], i.Fields[3]
	case i.fault():
		s.Addr = i.Fields[0]
	default:
		sender()
	}
	return s
}

// nsigpoll is the highest code of SIGIO.
const nsigpoll = 6

// fault reports whether the signal tells of an access.
func (i *SigInfo) fault() bool {
	switch Signal(i.Signo) {
	case SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP:
		return i.Code > 0 && i.Code < SI_KERNEL
	}
	return false
}
