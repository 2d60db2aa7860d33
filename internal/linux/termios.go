package linux

// Terminals: include/uapi/asm-generic/termbits.h, termios.h and ioctls.h.

// NCCS is the number of control characters in the kernel's struct termios.
const NCCS = 19

// Termios is the kernel's struct termios (TCGETS), 36 bytes.
type Termios struct {
	Iflag uint32
	Oflag uint32
	Cflag uint32
	Lflag uint32
	Line  uint8
	Cc    [NCCS]uint8
}

// Termios2 is struct termios2 (TCGETS2), 44 bytes.
type Termios2 struct {
	Termios
	Ispeed uint32
	Ospeed uint32
}

// Winsize is struct winsize (TIOCGWINSZ).
type Winsize struct {
	Row, Col, Xpixel, Ypixel uint16
}

// Indices of Termios.Cc.
const (
	VINTR    = 0
	VQUIT    = 1
	VERASE   = 2
	VKILL    = 3
	VEOF     = 4
	VTIME    = 5
	VMIN     = 6
	VSWTC    = 7
	VSTART   = 8
	VSTOP    = 9
	VSUSP    = 10
	VEOL     = 11
	VREPRINT = 12
	VDISCARD = 13
	VWERASE  = 14
	VLNEXT   = 15
	VEOL2    = 16
)

// Bits of Termios.Iflag.
const (
	IGNBRK  = 0x0001
	BRKINT  = 0x0002
	IGNPAR  = 0x0004
	PARMRK  = 0x0008
	INPCK   = 0x0010
	ISTRIP  = 0x0020
	INLCR   = 0x0040
	IGNCR   = 0x0080
	ICRNL   = 0x0100
	IUCLC   = 0x0200
	IXON    = 0x0400
	IXANY   = 0x0800
	IXOFF   = 0x1000
	IMAXBEL = 0x2000
	IUTF8   = 0x4000
)

// Bits of Termios.Oflag.
const (
	OPOST  = 0x0001
	OLCUC  = 0x0002
	ONLCR  = 0x0004
	OCRNL  = 0x0008
	ONOCR  = 0x0010
	ONLRET = 0x0020
	TABDLY = 0x1800
	XTABS  = 0x1800
)

// Bits of Termios.Cflag.
const (
	B38400 = 0x000f
	CSIZE  = 0x0030
	CS8    = 0x0030
	CREAD  = 0x0080
	PARENB = 0x0100
	HUPCL  = 0x0400
)

// Bits of Termios.Lflag.
const (
	ISIG    = 0x0001
	ICANON  = 0x0002
	XCASE   = 0x0004
	ECHO    = 0x0008
	ECHOE   = 0x0010
	ECHOK   = 0x0020
	ECHONL  = 0x0040
	NOFLSH  = 0x0080
	TOSTOP  = 0x0100
	ECHOCTL = 0x0200
	ECHOPRT = 0x0400
	ECHOKE  = 0x0800
	FLUSHO  = 0x1000
	PENDIN  = 0x4000
	IEXTEN  = 0x8000
	EXTPROC = 0x10000
)

// Arguments of TCFLSH and TCXONC.
const (
	TCIFLUSH  = 0
	TCOFLUSH  = 1
	TCIOFLUSH = 2
	TCOOFF    = 0
	TCOON     = 1
	TCIOFF    = 2
	TCION     = 3
)

// Requests of ioctl(2) on terminals, pipes and files.
const (
	TCGETS      = 0x5401
	TCSETS      = 0x5402
	TCSETSW     = 0x5403
	TCSETSF     = 0x5404
	TCSBRK      = 0x5409
	TCXONC      = 0x540a
	TCFLSH      = 0x540b
	TIOCEXCL    = 0x540c
	TIOCNXCL    = 0x540d
	TIOCSCTTY   = 0x540e
	TIOCGPGRP   = 0x540f
	TIOCSPGRP   = 0x5410
	TIOCOUTQ    = 0x5411
	TIOCSTI     = 0x5412
	TIOCGWINSZ  = 0x5413
	TIOCSWINSZ  = 0x5414
	FIONREAD    = 0x541b
	TIOCLINUX   = 0x541c
	TIOCPKT     = 0x5420
	FIONBIO     = 0x5421
	TIOCNOTTY   = 0x5422
	TIOCSETD    = 0x5423
	TIOCGETD    = 0x5424
	TCSBRKP     = 0x5425
	TIOCSBRK    = 0x5427
	TIOCCBRK    = 0x5428
	TIOCGSID    = 0x5429
	TCGETS2     = 0x802c542a
	TCSETS2     = 0x402c542b
	TCSETSW2    = 0x402c542c
	TCSETSF2    = 0x402c542d
	TIOCGPTN    = 0x80045430
	TIOCSPTLCK  = 0x40045431
	TIOCGPTLCK  = 0x80045439
	TIOCGPTPEER = 0x5441
	FIONCLEX    = 0x5450
	FIOCLEX     = 0x5451
	FIOASYNC    = 0x5452
	FIOQSIZE    = 0x5460
)
