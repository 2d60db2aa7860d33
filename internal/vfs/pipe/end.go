package pipe

import (
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// End is one open file on a pipe. It is a vfs.File.
type End struct {
	pipe   *Pipe
	reads  bool
	writes bool
	closed atomic.Bool

	// What a FIFO's end remembers of the moment it was opened.
	peerEver uint64 // opens of the other side by then
	waits    bool   // open(2) must wait for the other side
}

// Open opens a FIFO with the access mode and O_NONBLOCK of flags. ENXIO: write-only and
// nonblocking, but there is no reader. An end that was opened blocking may have to wait
// for its peer: see Opened. An anonymous pipe, which is opened through /proc/PID/fd, neither
// refuses nor waits.
func (p *Pipe) Open(flags uint32) (*End, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := &End{pipe: p}
	switch flags & linux.O_ACCMODE {
	case linux.O_RDONLY:
		e.reads = true
		if p.writers == 0 && !p.anonymous {
			e.peerEver = p.writersEver
		}
		e.waits = flags&linux.O_NONBLOCK == 0 && p.writers == 0 && !p.anonymous
	case linux.O_WRONLY:
		if flags&linux.O_NONBLOCK != 0 && p.readers == 0 && !p.anonymous {
			return nil, linux.ENXIO
		}
		e.writes = true
		e.peerEver = p.readersEver
		e.waits = p.readers == 0 && !p.anonymous
	case linux.O_RDWR:
		e.reads, e.writes = true, true
	default:
		return nil, linux.EINVAL
	}
	if e.reads {
		p.readers++
		p.readersEver++
	}
	if e.writes {
		p.writers++
		p.writersEver++
	}
	p.queue.Notify(wait.In | wait.Out)
	return e, 0
}

// Opened tells open(2) whether the end is ready for use: EAGAIN until the other side of
// the FIFO has been opened; Queue is notified then. An open that is given up closes the end.
func (e *End) Opened() linux.Errno {
	if !e.waits {
		return 0
	}
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	ever := e.pipe.writersEver
	if e.writes {
		ever = e.pipe.readersEver
	}
	if ever == e.peerEver {
		return linux.EAGAIN
	}
	return 0
}

// Pipe gives what the ends share: FIONREAD, F_GETPIPE_SZ, F_SETPIPE_SZ.
func (e *End) Pipe() *Pipe { return e.pipe }

// Stat is fstat(2).
func (e *End) Stat() (linux.Stat, linux.Errno) { return e.pipe.inode.Stat() }

// Read takes bytes from the pipe: 0 at end of file, EAGAIN while it is empty and has writers.
func (e *End) Read(b []byte, _ int64) (int, linux.Errno) {
	if !e.reads {
		return 0, linux.EBADF
	}
	return e.pipe.read(b)
}

// Write appends bytes to the pipe: EPIPE without readers, EAGAIN while it is full.
func (e *End) Write(b []byte, _ int64) (int, linux.Errno) {
	if !e.writes {
		return 0, linux.EBADF
	}
	return e.pipe.write(b)
}

// Poll gives the events that hold now.
func (e *End) Poll() wait.Events {
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	var ev wait.Events
	if e.reads {
		if p.ring.n > 0 {
			ev |= wait.In
		} else {
			p.demandLocked()
		}
		// A FIFO that never had a writer since it was opened is idle, not hung up.
		if p.writers == 0 && p.writersEver != e.peerEver {
			ev |= wait.Hup
		}
	}
	if e.writes {
		if !p.fullLocked() {
			ev |= wait.Out
		}
		if p.readers == 0 {
			ev |= wait.Err
		}
	}
	return ev
}

// Queue is where changes of Poll and Opened are told.
func (e *End) Queue() *wait.Queue { return &e.pipe.queue }

// Close closes the end. The last reader's or writer's end tells the other side.
func (e *End) Close() {
	if e.closed.Swap(true) {
		return
	}
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.reads {
		p.readers--
	}
	if e.writes {
		p.writers--
	}
	p.releaseLocked()
	p.queue.Notify(wait.In | wait.Out | wait.Hup | wait.Err)
}
