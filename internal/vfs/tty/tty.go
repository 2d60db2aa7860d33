// Package tty is the terminal: the line discipline of n_tty(4), job control, and two
// kinds of devices over it, the container's console and pseudo terminals.
//
// # Model
//
// A TTY stands between a Master and the processes. The master side writes what is typed
// and reads what is shown: the console's master is served by the host's byte streams, a
// pseudo terminal's by the process that opened /dev/ptmx. In between, the line discipline
// edits lines, echoes, turns control characters into signals and processes output, with
// Linux's behaviour to the byte (the tests compare with a pseudo terminal of the host).
//
// Nothing blocks. Reads and writes return EAGAIN, and one queue per side is notified.
//
// # VMIN and VTIME
//
// In noncanonical mode a read returns EAGAIN until VMIN bytes are there. The time-outs
// are split between the blocking loop and the terminal:
//
//   - VMIN = 0, VTIME > 0: File.ReadTimeout gives the time that one read(2) may wait;
//     when it has passed, the read returns 0.
//   - VMIN > 0, VTIME > 0: the terminal runs the timer between bytes itself. When it has
//     passed since the last byte, the terminal notifies its queue and lets a read have
//     what there is.
//   - A nonblocking read takes what there is, whatever VMIN says: File.ReadPartial.
//
// # Lock order
//
// TTY.mu is above wait.Queue only. Signals are collected under it and sent, through Jobs,
// after it is released, so that the process table may use terminals under its locks.
package tty

import (
	"sync"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

const (
	inputSize  = 4096  // N_TTY_BUF_SIZE: the longest line is one less
	outputSize = 16384 // bytes to the master before writers wait
	echoSize   = 4096  // echo operations kept while output is stopped
)

// Jobs sends the signals that a terminal causes. The process table implements it.
type Jobs interface {
	// SignalGroup sends sig to every process of a process group.
	SignalGroup(pgrp int32, sig linux.Signal)
	// Hangup tells that the controlling terminal of a session is gone: SIGHUP and SIGCONT
	// to its leader and to the foreground group; no process of it keeps the terminal.
	Hangup(t *TTY, session, foreground int32)
}

// TTY is one terminal. New makes it.
type TTY struct {
	jobs   Jobs
	device uint64 // st_rdev of the slave
	name   string // path under which ttyname(3) finds it: "/dev/pts/0"
	pty    bool   // the master is an open file, not the host

	slaveQueue  wait.Queue // readers and writers on the slave side
	masterQueue wait.Queue // of the master side

	mu sync.Mutex

	// guarded by mu
	termios    linux.Termios2
	size       linux.Winsize
	session    int32 // whose controlling terminal this is, 0 for none
	foreground int32 // its foreground process group
	in         input
	out        output
	slaves     int         // open slave files
	opened     bool        // a slave was open at some time
	hungUp     bool        // slave files are dead: end of file and EIO
	exclusive  bool        // TIOCEXCL
	locked     bool        // TIOCSPTLCK
	interbyte  *time.Timer // runs while a read waits for the next byte (VMIN, VTIME)
	byteEnds   time.Time   // when it runs out
	timeUp     bool        // it ran out
	pending    []delivery
}

// delivery is a signal to send once mu is released.
type delivery struct {
	group  int32
	signal linux.Signal
}

// Default is the setting of a fresh terminal (tty_std_termios).
func Default() linux.Termios2 {
	return linux.Termios2{
		Termios: linux.Termios{
			Iflag: linux.ICRNL | linux.IXON,
			Oflag: linux.OPOST | linux.ONLCR,
			Cflag: linux.B38400 | linux.CS8 | linux.CREAD | linux.HUPCL,
			Lflag: linux.ISIG | linux.ICANON | linux.ECHO | linux.ECHOE | linux.ECHOK |
				linux.ECHOCTL | linux.ECHOKE | linux.IEXTEN,
			Cc: [linux.NCCS]uint8{
				linux.VINTR: 3, linux.VQUIT: 0x1c, linux.VERASE: 0x7f, linux.VKILL: 0x15,
				linux.VEOF: 4, linux.VMIN: 1, linux.VSTART: 0x11, linux.VSTOP: 0x13,
				linux.VSUSP: 0x1a, linux.VREPRINT: 0x12, linux.VDISCARD: 0xf,
				linux.VWERASE: 0x17, linux.VLNEXT: 0x16,
			},
		},
		Ispeed: 38400,
		Ospeed: 38400,
	}
}

// New makes a terminal. device is its device number, name its path.
func New(jobs Jobs, device uint64, name string) *TTY {
	return &TTY{jobs: jobs, device: device, name: name, termios: Default()}
}

// NewPTY makes a pseudo terminal. Its slave cannot be opened before TIOCSPTLCK, and the
// master sees EIO when the last slave file was closed.
func NewPTY(jobs Jobs, device uint64, name string) *TTY {
	t := New(jobs, device, name)
	t.pty, t.locked = true, true
	return t
}

// Name gives the terminal's path.
func (t *TTY) Name() string { return t.name }

// Device gives the terminal's device number, as in /proc/PID/stat.
func (t *TTY) Device() uint64 { return t.device }

// Foreground gives the foreground process group, 0 for none (/proc/PID/stat).
func (t *TTY) Foreground() int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.foreground
}

// unlock releases mu and then sends the signals that were collected under it.
func (t *TTY) unlock() {
	pending := t.pending
	t.pending = nil
	t.mu.Unlock()
	for _, d := range pending {
		t.jobs.SignalGroup(d.group, d.signal)
	}
}

// signalLocked has sig sent to the foreground group when mu is released.
func (t *TTY) signalLocked(sig linux.Signal) {
	if t.foreground > 0 {
		t.pending = append(t.pending, delivery{t.foreground, sig})
	}
}

// Winsize gives the size of the window.
func (t *TTY) Winsize() linux.Winsize {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}

// SetWinsize sets the size of the window; a change sends SIGWINCH to the foreground group.
func (t *TTY) SetWinsize(w linux.Winsize) {
	t.mu.Lock()
	defer t.unlock()
	if w == t.size {
		return
	}
	t.size = w
	t.signalLocked(linux.SIGWINCH)
}

// Hangup ends the terminal for every open slave file: reads give end of file, writes
// EIO. The session it controlled loses it (SIGHUP).
func (t *TTY) Hangup() {
	t.mu.Lock()
	if t.hungUp {
		t.mu.Unlock()
		return
	}
	t.hungUp = true
	session, foreground := t.session, t.foreground
	t.session, t.foreground = 0, 0
	t.in.reset()
	t.slaveQueue.Notify(wait.In | wait.Out | wait.Hup | wait.Err)
	t.masterQueue.Notify(wait.In | wait.Out | wait.Hup)
	t.unlock()
	if session != 0 {
		t.jobs.Hangup(t, session, foreground)
	}
}

// flag helpers, named as Linux names its macros. Preconditions: mu is held.

func (t *TTY) iflag(f uint32) bool { return t.termios.Iflag&f != 0 }
func (t *TTY) oflag(f uint32) bool { return t.termios.Oflag&f != 0 }
func (t *TTY) lflag(f uint32) bool { return t.termios.Lflag&f != 0 }

// is reports whether c is the control character at index i of c_cc. A character that is
// set to 0 (_POSIX_VDISABLE) is switched off.
func (t *TTY) is(c byte, i int) bool { return c != 0 && c == t.termios.Cc[i] }
