package tty

import (
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Master is the other side of a terminal: the host's for a console, /dev/ptmx for a
// pseudo terminal. It is a vfs.File.
type Master struct {
	tty    *TTY
	inode  Inode
	owner  Owner
	closed atomic.Bool
}

// Owner is told that the master of a terminal has been closed.
type Owner interface{ MasterClosed(t *TTY) }

// Master gives the master side; there is one. The inode may be nil for a console, and so may the owner.
func (t *TTY) Master(n Inode, o Owner) *Master { return &Master{tty: t, inode: n, owner: o} }

// Unlock lets the slave of a pseudo terminal be opened (unlockpt).
func (m *Master) Unlock() {
	t := m.tty
	t.mu.Lock()
	defer t.unlock()
	t.locked = false
}

// TTY gives the terminal.
func (m *Master) TTY() *TTY { return m.tty }

// Stat is fstat(2).
func (m *Master) Stat() (linux.Stat, linux.Errno) {
	if m.inode == nil {
		return linux.Stat{Mode: linux.S_IFCHR | 0o600}, 0
	}
	return m.inode.Stat()
}

// Write types p. EAGAIN: the input buffer is full.
func (m *Master) Write(p []byte, _ int64) (int, linux.Errno) {
	t := m.tty
	t.mu.Lock()
	defer t.unlock()
	switch {
	case t.hungUp:
		return 0, linux.EIO
	case len(p) == 0:
		return 0, 0
	}
	if n := t.receiveLocked(p); n > 0 {
		return n, 0
	}
	return 0, linux.EAGAIN
}

// Read takes output. EIO: all slave files of a pseudo terminal were closed.
func (m *Master) Read(p []byte, _ int64) (int, linux.Errno) {
	t := m.tty
	t.mu.Lock()
	defer t.unlock()
	if len(t.out.buf) == 0 {
		switch {
		case t.slaveGoneLocked():
			return 0, linux.EIO
		case t.hungUp:
			return 0, 0
		}
		return 0, linux.EAGAIN
	}
	n := copy(p, t.out.buf)
	t.out.buf = append(t.out.buf[:0], t.out.buf[n:]...)
	if n > 0 && !t.out.stopped {
		t.slaveQueue.Notify(wait.Out)
	}
	return n, 0
}

// slaveGoneLocked reports whether a pseudo terminal lost its last slave file.
func (t *TTY) slaveGoneLocked() bool { return t.pty && t.opened && t.slaves == 0 }

// Poll gives the events that hold now.
func (m *Master) Poll() wait.Events {
	t := m.tty
	t.mu.Lock()
	defer t.unlock()
	var ev wait.Events
	if len(t.out.buf) > 0 {
		ev |= wait.In
	}
	if t.roomLocked() > 0 {
		ev |= wait.Out
	}
	if t.slaveGoneLocked() || t.hungUp {
		ev |= wait.Hup
	}
	return ev
}

// Queue is where changes of Poll are told.
func (m *Master) Queue() *wait.Queue { return &m.tty.masterQueue }

// Close hangs the terminal up.
func (m *Master) Close() {
	if m.closed.Swap(true) {
		return
	}
	m.tty.Hangup()
	if m.owner != nil {
		m.owner.MasterClosed(m.tty)
	}
}

// Drained reports whether the master has read all output.
func (m *Master) Drained() bool {
	t := m.tty
	t.mu.Lock()
	defer t.unlock()
	return len(t.out.buf) == 0
}

// Stream says that a terminal has no positions.
func (m *Master) Stream() {}
