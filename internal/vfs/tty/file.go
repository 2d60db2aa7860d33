package tty

import (
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// File is an open slave: what a process has as its terminal. It is a vfs.File.
type File struct {
	tty    *TTY
	inode  Inode
	closed atomic.Bool
}

// Inode is the device's: it answers fstat(2).
type Inode interface {
	Stat() (linux.Stat, linux.Errno)
}

// Open opens the slave under an inode. EIO: a pseudo
// terminal that is locked or whose master is gone; EBUSY: TIOCEXCL.
func (t *TTY) Open(n Inode) (*File, linux.Errno) {
	t.mu.Lock()
	defer t.unlock()
	if t.locked || t.hungUp {
		return nil, linux.EIO
	}
	if t.exclusive {
		return nil, linux.EBUSY
	}
	t.slaves++
	t.opened = true
	t.masterQueue.Notify(wait.Out)
	return &File{tty: t, inode: n}, 0
}

// TTY gives the terminal.
func (f *File) TTY() *TTY { return f.tty }

// Stat is fstat(2).
func (f *File) Stat() (linux.Stat, linux.Errno) { return f.inode.Stat() }

// Read takes input: a line or a part of one in canonical mode, else at least VMIN bytes.
func (f *File) Read(p []byte, _ int64) (int, linux.Errno) { return f.tty.read(p, false) }

// ReadPartial is Read for a file that does not block: in noncanonical mode it takes what
// there is.
func (f *File) ReadPartial(p []byte) (int, linux.Errno) { return f.tty.read(p, true) }

// ReadTimeout gives how long one read(2) may wait before it returns 0, if VMIN and VTIME
// set such a time.
func (f *File) ReadTimeout() (time.Duration, bool) {
	t := f.tty
	t.mu.Lock()
	defer t.unlock()
	tenths := t.termios.Cc[linux.VTIME]
	if t.lflag(linux.ICANON) || t.termios.Cc[linux.VMIN] != 0 || tenths == 0 {
		return 0, false
	}
	return time.Duration(tenths) * 100 * time.Millisecond, true
}

// Write shows p. EAGAIN: the output is stopped or the master does not read.
func (f *File) Write(p []byte, _ int64) (int, linux.Errno) {
	t := f.tty
	t.mu.Lock()
	defer t.unlock()
	switch {
	case t.hungUp:
		return 0, linux.EIO
	case len(p) == 0:
		return 0, 0
	case t.out.stopped:
		return 0, linux.EAGAIN
	}
	t.flushEchoLocked()
	n := t.writeLocked(p)
	if n == 0 {
		return 0, linux.EAGAIN
	}
	t.masterQueue.Notify(wait.In)
	return n, 0
}

// Poll gives the events that hold now.
func (f *File) Poll() wait.Events {
	t := f.tty
	t.mu.Lock()
	defer t.unlock()
	if t.hungUp {
		return wait.In | wait.Out | wait.Err | wait.Hup
	}
	var ev wait.Events
	if t.readableLocked() {
		ev |= wait.In
	}
	if !t.out.stopped && t.out.room() >= 8 {
		ev |= wait.Out
	}
	return ev
}

// Queue is where changes of Poll are told.
func (f *File) Queue() *wait.Queue { return &f.tty.slaveQueue }

// Close closes the file. The master of a pseudo terminal sees when the last one goes.
func (f *File) Close() {
	if f.closed.Swap(true) {
		return
	}
	t := f.tty
	t.mu.Lock()
	defer t.unlock()
	if t.slaves--; t.slaves == 0 {
		t.exclusive = false
		t.masterQueue.Notify(wait.In | wait.Hup)
	}
}

// readableLocked reports whether poll(2) calls the slave readable.
func (t *TTY) readableLocked() bool {
	if t.lflag(linux.ICANON) {
		return t.in.canon > 0
	}
	need := 1
	if t.termios.Cc[linux.VTIME] == 0 {
		need = max(1, int(t.termios.Cc[linux.VMIN]))
	}
	return len(t.in.buf) >= need
}

// read is the slave's read(2).
func (t *TTY) read(p []byte, partial bool) (int, linux.Errno) {
	t.mu.Lock()
	defer t.unlock()
	if t.hungUp || len(p) == 0 {
		return 0, 0
	}
	var n, used int
	if t.lflag(linux.ICANON) {
		if t.in.canon == 0 {
			return 0, linux.EAGAIN
		}
		n, used = t.lineLocked(len(p))
	} else {
		var e linux.Errno
		if n, e = t.rawLocked(len(p), partial); e != 0 {
			return 0, e
		}
		used = n
	}
	copy(p, t.in.buf[:n])
	t.in.take(used)
	if t.in.full && t.roomLocked() > 0 {
		t.in.full = false
		t.masterQueue.Notify(wait.Out)
	}
	return n, 0
}

// lineLocked gives how many bytes of the first line a read of size gets, and how many
// bytes of input it uses up: an end-of-file mark is used and not delivered.
func (t *TTY) lineLocked(size int) (n, used int) {
	end := t.in.canon - 1
	if len(t.in.ends) > 0 {
		end = t.in.ends[0]
	}
	if t.in.buf[end] == eofByte {
		if end <= size {
			return end, end + 1
		}
		return size, size
	}
	n = min(end+1, size)
	return n, n
}

// rawLocked gives how many bytes a noncanonical read of size gets now.
func (t *TTY) rawLocked(size int, partial bool) (int, linux.Errno) {
	least, tenths := int(t.termios.Cc[linux.VMIN]), t.termios.Cc[linux.VTIME]
	n := len(t.in.buf)
	switch {
	case n == 0 && least == 0 && tenths == 0:
		return 0, 0
	case n == 0:
		return 0, linux.EAGAIN
	case n >= min(max(least, 1), size), partial, t.timeUp:
		t.disarmLocked()
		return min(n, size), 0
	}
	if tenths > 0 {
		t.armLocked()
	}
	return 0, linux.EAGAIN
}

// armLocked starts the timer between bytes for a read that waits, if it does not run.
func (t *TTY) armLocked() {
	if t.interbyte == nil {
		t.armUntilLocked(time.Now().Add(time.Duration(t.termios.Cc[linux.VTIME]) * 100 * time.Millisecond))
	}
}

// armUntilLocked has reads get what there is from a moment on. It comes from outside: not while the container is
// paused.
func (t *TTY) armUntilLocked(ends time.Time) {
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(ends), func() {
		if j, ok := t.jobs.(interface{ Outside() *sync.RWMutex }); ok {
			j.Outside().RLock()
			defer j.Outside().RUnlock()
		}
		t.mu.Lock()
		defer t.unlock()
		if t.interbyte == timer {
			t.timeUp = true
			t.slaveQueue.Notify(wait.In)
		}
	})
	t.interbyte, t.byteEnds = timer, ends
}

// disarmLocked stops the timer between bytes.
func (t *TTY) disarmLocked() {
	if t.interbyte != nil {
		t.interbyte.Stop()
	}
	t.interbyte, t.byteEnds, t.timeUp = nil, time.Time{}, false
}

// arrivedLocked tells readers in noncanonical mode that a byte came.
func (t *TTY) arrivedLocked() {
	if t.interbyte != nil && !t.timeUp {
		t.disarmLocked()
		t.armLocked()
	}
	t.slaveQueue.Notify(wait.In)
}

// Stream says that a terminal has no positions.
func (f *File) Stream() {}
