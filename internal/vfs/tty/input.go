package tty

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// input is what was typed and not read yet.
type input struct {
	buf    []byte
	ends   []int // canonical mode: indices in buf of bytes that end a line, ascending
	canon  int   // length of the part of buf that is readable in canonical mode
	next   bool  // VLNEXT was typed: the next byte is taken literally
	erased bool  // an ECHOPRT erasure is being shown
	full   bool  // the master was refused for lack of room
}

// eofByte marks the place where VEOF was typed. It ends a line and is not delivered.
const eofByte = 0

func (in *input) reset() { *in = input{buf: in.buf[:0], ends: in.ends[:0], full: in.full} }

// take removes the oldest n bytes.
func (in *input) take(n int) {
	in.buf = append(in.buf[:0], in.buf[n:]...)
	in.canon = max(0, in.canon-n)
	k := 0
	for _, e := range in.ends {
		if e >= n {
			in.ends[k] = e - n
			k++
		}
	}
	in.ends = in.ends[:k]
}

// roomLocked gives how many bytes the master may type now. Canonical mode without a
// complete line always takes more, so that erasing works; the excess is dropped.
func (t *TTY) roomLocked() int {
	room := inputSize - 1 - len(t.in.buf)
	if room <= 0 && t.lflag(linux.ICANON) && t.in.canon == 0 {
		return 1
	}
	return max(0, room)
}

// receiveLocked takes bytes typed at the master and gives how many it took.
func (t *TTY) receiveLocked(p []byte) int {
	n := 0
	for ; n < len(p) && t.roomLocked() > 0; n++ {
		if last := inputSize - 1; len(t.in.buf) > last {
			t.in.buf = t.in.buf[:last] // a line too long: its newest byte makes room
		}
		t.receiveByteLocked(p[n])
	}
	t.flushEchoLocked()
	t.in.full = n < len(p)
	return n
}

// receiveByteLocked is the line discipline's input side: n_tty_receive_char.
func (t *TTY) receiveByteLocked(c byte) {
	if t.iflag(linux.ISTRIP) {
		c &= 0x7f
	}
	if t.in.next {
		t.in.next = false
		t.ordinaryLocked(c)
		return
	}
	if t.iflag(linux.IUCLC) && t.lflag(linux.IEXTEN) && c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	if t.flowLocked(c) || t.interruptLocked(c) {
		return
	}
	if t.out.stopped && t.iflag(linux.IXON) && t.iflag(linux.IXANY) {
		t.startLocked()
	}
	switch {
	case c == '\r' && t.iflag(linux.IGNCR):
		return
	case c == '\r' && t.iflag(linux.ICRNL):
		c = '\n'
	case c == '\n' && t.iflag(linux.INLCR):
		c = '\r'
	}
	if t.lflag(linux.ICANON) && t.editLocked(c) {
		return
	}
	t.ordinaryLocked(c)
}

// flowLocked handles VSTART and VSTOP.
func (t *TTY) flowLocked(c byte) bool {
	if !t.iflag(linux.IXON) {
		return false
	}
	switch {
	case t.is(c, linux.VSTART):
		t.startLocked()
		t.flushEchoLocked()
	case t.is(c, linux.VSTOP):
		t.stopLocked()
	default:
		return false
	}
	return true
}

// interruptLocked handles the characters that send signals.
func (t *TTY) interruptLocked(c byte) bool {
	if !t.lflag(linux.ISIG) {
		return false
	}
	var sig linux.Signal
	switch {
	case t.is(c, linux.VINTR):
		sig = linux.SIGINT
	case t.is(c, linux.VQUIT):
		sig = linux.SIGQUIT
	case t.is(c, linux.VSUSP):
		sig = linux.SIGTSTP
	default:
		return false
	}
	t.signalLocked(sig)
	if !t.lflag(linux.NOFLSH) {
		t.in.reset()
		t.out.echo = t.out.echo[:0]
		t.out.buf = t.out.buf[:0]
		t.slaveQueue.Notify(wait.Out)
		t.masterQueue.Notify(wait.Out)
	}
	if t.iflag(linux.IXON) {
		t.startLocked()
	}
	if t.lflag(linux.ECHO) {
		t.echoCharLocked(c)
	}
	return true
}

// ordinaryLocked echoes and stores a character that has no special meaning.
func (t *TTY) ordinaryLocked(c byte) {
	if t.lflag(linux.ECHO) {
		t.finishErasingLocked()
		t.beginLineLocked()
		t.echoCharLocked(c)
	}
	t.storeMarkedLocked(c)
	if !t.lflag(linux.ICANON) {
		t.arrivedLocked()
	}
}

// beginLineLocked notes the column where the edited line begins.
func (t *TTY) beginLineLocked() {
	if t.in.canon == len(t.in.buf) {
		t.echoLocked(echoCanonCol, 0)
	}
}

// storeMarkedLocked stores c, doubled if it would look like a mark of PARMRK.
func (t *TTY) storeMarkedLocked(c byte) {
	if t.iflag(linux.PARMRK) && c == 0xff {
		t.storeLocked(c)
	}
	t.storeLocked(c)
}

// storeLocked appends c to the buffer.
func (t *TTY) storeLocked(c byte) { t.in.buf = append(t.in.buf, c) }

// endLineLocked stores a byte that ends a line and makes the line readable.
func (t *TTY) endLineLocked(c byte) {
	t.storeLocked(c)
	t.in.ends = append(t.in.ends, len(t.in.buf)-1)
	t.in.canon = len(t.in.buf)
	t.slaveQueue.Notify(wait.In)
}
