package pipe

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// What splice(2) and tee(2) need beyond reading and writing.

// Peek is Read that leaves the bytes in the pipe.
func (e *End) Peek(b []byte) (int, linux.Errno) {
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ring.n > 0:
		return p.ring.peek(b), 0
	case p.writers == 0:
		return 0, 0
	}
	p.demandLocked()
	return 0, linux.EAGAIN
}

// Room gives how many bytes a write would take now: EAGAIN if none, EPIPE without readers.
func (e *End) Room() (int, linux.Errno) {
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	switch n := p.capacity - p.ring.n; {
	case p.readers == 0:
		return 0, linux.EPIPE
	case n < PageSize:
		return 0, linux.EAGAIN
	default:
		return n, 0
	}
}

// Unread gives back what was read and found no place elsewhere: it is the oldest again. It may go
// beyond the capacity, by no more than one read.
func (e *End) Unread(b []byte) {
	if len(b) == 0 {
		return
	}
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	size := max(len(p.ring.buf), PageSize)
	for size < p.ring.n+len(b) {
		size *= 2
	}
	if size > len(p.ring.buf) {
		p.pool.put(p.ring.move(p.pool.must(size)))
	}
	p.ring.unread(b)
	p.queue.Notify(wait.In)
}
