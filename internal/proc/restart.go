package proc

import (
	"time"

	"vkernel/internal/linux"
)

// What a handler returns when a signal interrupted it. The guest never sees these.
const (
	ERESTARTSYS           linux.Errno = 512 // done again if no handler runs, or one with SA_RESTART
	ERESTARTNOINTR        linux.Errno = 513 // done again in any case
	ERESTARTNOHAND        linux.Errno = 514 // done again if no handler runs
	ERESTART_RESTARTBLOCK linux.Errno = 516 // the same, with the time that is left
)

func restarts(e linux.Errno) bool { return e >= ERESTARTSYS && e <= ERESTART_RESTARTBLOCK }

// call is a system call that has been made: its result, and what is needed to do it again.
type call struct {
	index    int // of the import; -1: no call, the guest was interrupted in its code
	args     Args
	n        int64
	e        linux.Errno
	deadline time.Time
	progress int64 // of a call that a cut interrupted
}

// none is the state of a thread that is in no call.
var none = call{index: -1}

// interruptedBy turns the result of an interrupted call into what holds after a handler
// has run: to be done again, or EINTR.
func (c *call) interruptedBy(flags uint64) {
	switch c.e {
	case ERESTARTSYS:
		if flags&linux.SA_RESTART == 0 {
			c.e = linux.EINTR
		}
	case ERESTARTNOHAND, ERESTART_RESTARTBLOCK:
		c.e = linux.EINTR
	case ERESTARTNOINTR:
		c.settleFor()
	}
}

// settleFor makes a call that a cut interrupted half-way, and now a signal as well, return what it has done.
func (c *call) settleFor() {
	if c.progress > 0 {
		c.n, c.e, c.progress = c.progress, 0, 0
	}
}

// Deadline is when a relative time that a call was given ends. A call that is done again
// after a signal keeps the end that it had.
func (t *Thread) Deadline(d time.Duration) time.Time {
	if !t.again || t.deadline.IsZero() {
		t.deadline = time.Now().Add(d)
	}
	return t.deadline
}
