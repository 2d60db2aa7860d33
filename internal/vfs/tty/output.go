package tty

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// output is what goes to the master, and what decides how it looks.
type output struct {
	buf         []byte   // processed, not read by the master yet; at most outputSize and some echo
	column      int      // of the cursor
	canonColumn int      // where the line that is being edited began
	stopped     bool     // by VSTOP or TCOOFF
	manual      bool     // stopped by TCOOFF: VSTART and IXANY do not start it
	echo        []echoOp // echo that waits for the end of a stop
}

// echoOp is one step of echoing: a character, or a change of the cursor's bookkeeping.
type echoOp struct {
	op byte
	c  byte
}

const (
	echoRaw      = iota // c through output processing
	echoControl         // c as ^C
	echoMoveBack        // the cursor moved back over a character of several bytes
	echoCanonCol        // the edited line begins at this column
	echoEraseTab        // c: columns to erase back over a tab
)

// room gives the number of bytes that a write may add.
func (o *output) room() int { return max(0, outputSize-len(o.buf)) }

// isControl is the kernel's iscntrl.
func isControl(c byte) bool { return c < 0x20 || c == 0x7f }

// isContinuation reports whether c is a further byte of a UTF-8 sequence, in a terminal
// that knows UTF-8 (IUTF8).
func (t *TTY) isContinuation(c byte) bool { return t.iflag(linux.IUTF8) && c&0xc0 == 0x80 }

// putLocked processes one byte of output (OPOST on) and reports whether it was taken;
// space is the room that is left.
func (t *TTY) putLocked(c byte, space int) bool {
	o := &t.out
	need := 1
	switch c {
	case '\n':
		if t.oflag(linux.ONLRET) {
			o.column = 0
		}
		if t.oflag(linux.ONLCR) {
			if space < 2 {
				return false
			}
			o.column, o.canonColumn = 0, 0
			o.buf = append(o.buf, '\r', '\n')
			return true
		}
		o.canonColumn = o.column
	case '\r':
		if t.oflag(linux.ONOCR) && o.column == 0 {
			return true
		}
		if t.oflag(linux.OCRNL) {
			c = '\n'
			if t.oflag(linux.ONLRET) {
				o.column, o.canonColumn = 0, 0
			}
			break
		}
		o.column, o.canonColumn = 0, 0
	case '\t':
		spaces := 8 - o.column&7
		if t.oflag(linux.TABDLY) && t.termios.Oflag&linux.TABDLY == linux.XTABS {
			if space < spaces {
				return false
			}
			o.column += spaces
			o.buf = append(o.buf, "        "[:spaces]...)
			return true
		}
		o.column += spaces
	case '\b':
		if o.column > 0 {
			o.column--
		}
	default:
		if !isControl(c) {
			if t.oflag(linux.OLCUC) && c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			if !t.isContinuation(c) {
				o.column++
			}
		}
	}
	if space < need {
		return false
	}
	o.buf = append(o.buf, c)
	return true
}

// writeLocked processes p for the master and gives the number of bytes taken.
func (t *TTY) writeLocked(p []byte) int {
	if !t.oflag(linux.OPOST) {
		n := min(len(p), t.out.room())
		t.out.buf = append(t.out.buf, p[:n]...)
		return n
	}
	for i, c := range p {
		if !t.putLocked(c, t.out.room()) {
			return i
		}
	}
	return len(p)
}

// flushEchoLocked carries out the echo operations that wait, unless output is stopped.
func (t *TTY) flushEchoLocked() {
	if t.out.stopped || len(t.out.echo) == 0 {
		return
	}
	for _, e := range t.out.echo {
		t.echoOpLocked(e)
	}
	t.out.echo = t.out.echo[:0]
	t.masterQueue.Notify(wait.In)
}

// echoOpLocked carries out one echo operation. Echo is small and may pass the output's bound
// by what one input buffer can cause; beyond that it is dropped, as on Linux.
func (t *TTY) echoOpLocked(e echoOp) {
	o := &t.out
	if len(o.buf) > outputSize+2*echoSize {
		return
	}
	switch e.op {
	case echoRaw:
		if t.oflag(linux.OPOST) {
			t.putLocked(e.c, outputSize)
		} else {
			o.buf = append(o.buf, e.c)
		}
	case echoControl:
		o.buf = append(o.buf, '^', e.c^0o100)
		o.column += 2
	case echoMoveBack:
		if o.column > 0 {
			o.column--
		}
	case echoCanonCol:
		o.canonColumn = o.column
	case echoEraseTab:
		columns := int(e.c)
		if columns&0x80 == 0 {
			columns += o.canonColumn
		}
		for n := 8 - columns&7; n > 0; n-- {
			o.buf = append(o.buf, '\b')
			if o.column > 0 {
				o.column--
			}
		}
	}
}

// echoLocked queues an echo operation, within bounds.
func (t *TTY) echoLocked(op, c byte) {
	if len(t.out.echo) == echoSize {
		t.flushEchoLocked()
	}
	if len(t.out.echo) < echoSize {
		t.out.echo = append(t.out.echo, echoOp{op, c})
	}
}

// echoCharLocked queues the echo of c: a control character other than tab as ^X if ECHOCTL.
func (t *TTY) echoCharLocked(c byte) {
	if t.lflag(linux.ECHOCTL) && isControl(c) && c != '\t' {
		t.echoLocked(echoControl, c)
		return
	}
	t.echoLocked(echoRaw, c)
}

// stopLocked is VSTOP and TCOOFF.
func (t *TTY) stopLocked() { t.out.stopped = true }

// startLocked is VSTART and TCOON. As on Linux, echo that waited is shown with the next
// output or input.
func (t *TTY) startLocked() {
	if !t.out.stopped || t.out.manual {
		return
	}
	t.out.stopped = false
	t.slaveQueue.Notify(wait.Out)
}
