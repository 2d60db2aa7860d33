// Package pipe is pipe(7): anonymous pipes and the pipes behind FIFOs.
//
// # Model
//
// A Pipe is a bounded byte queue with counts of its open readers and writers. An End is
// one open file on it: the read end, the write end, or (a FIFO opened O_RDWR) both. The
// buffer starts empty, grows by need up to the capacity, and goes back to the Pool when
// the pipe has been drained, so that idle pipes cost nothing.
//
// A pipe never blocks. Read and Write return EAGAIN, and Queue is notified when that may
// have changed. A write of up to PageSize (PIPE_BUF) bytes is done whole or not at all;
// a longer one may be done in part, and the caller goes on with the rest. EPIPE says that
// SIGPIPE is due; the system call layer sends it.
//
// # Lock order
//
// Pipe.mu is below every lock of the VFS and above wait.Queue only. It is held while
// guest memory is touched, so it is released by defer.
package pipe

import (
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Sizes of pipes, as Linux has them.
const (
	PageSize    = 4096    // PIPE_BUF, the unit of capacity and the bound of atomic writes
	DefaultSize = 1 << 16 // capacity of a new pipe
	MaxSize     = 1 << 20 // /proc/sys/fs/pipe-max-size
)

// Pipe is the queue that the ends share.
type Pipe struct {
	queue wait.Queue
	pool  *Pool
	inode Inode

	anonymous bool // made by pipe(2), not behind a FIFO

	mu sync.Mutex

	// guarded by mu
	ring        ring
	size        int // capacity as set
	capacity    int // capacity now: less than size while the pool is exhausted
	readers     int
	writers     int
	readersEver uint64 // opens for reading since the pipe was made
	writersEver uint64
	demand      func() // called once, when a reader finds the pipe empty
}

// Inode is what answers fstat(2) for a pipe.
type Inode interface {
	Stat() (linux.Stat, linux.Errno)
}

// NewFIFO makes the pipe behind a FIFO, with no end open. inode answers fstat(2), usually
// from the FIFO's inode.
func NewFIFO(pool *Pool, inode Inode) *Pipe {
	return &Pipe{pool: pool, inode: inode, size: DefaultSize, capacity: DefaultSize}
}

// growLocked makes room for n more bytes as far as the capacity allows. Where the pool
// gives nothing more, the capacity falls to what the pipe has until it is drained. It
// reports whether the pipe has a buffer at all.
func (p *Pipe) growLocked(n int) bool {
	size := max(len(p.ring.buf), PageSize)
	for size < p.ring.n+n && size < p.capacity {
		size *= 2
	}
	if size == len(p.ring.buf) {
		return true
	}
	buf := p.pool.get(size)
	if buf == nil && p.ring.buf == nil {
		buf = p.pool.get(PageSize)
	}
	if buf == nil {
		p.capacity = max(len(p.ring.buf), PageSize)
		return p.ring.buf != nil
	}
	if len(buf) < size {
		p.capacity = len(buf)
	}
	p.pool.put(p.ring.move(buf))
	return true
}

// releaseLocked gives a large buffer back when the pipe is drained, and any buffer when
// nobody has the pipe open.
func (p *Pipe) releaseLocked() {
	unused := p.readers+p.writers == 0
	if unused {
		p.ring.n = 0
		p.size = DefaultSize
	}
	if p.ring.n > 0 {
		return
	}
	p.capacity = p.size
	if unused || len(p.ring.buf) > PageSize {
		p.pool.put(p.ring.buf)
		p.ring = ring{}
	}
}

// fullLocked reports whether a write of PIPE_BUF bytes would not fit: what poll calls not
// writable, and the state that writers wait to end.
func (p *Pipe) fullLocked() bool { return p.capacity-p.ring.n < PageSize }

// read takes bytes out for a reader.
func (p *Pipe) read(b []byte) (int, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(b) == 0 {
		return 0, 0
	}
	if p.ring.n == 0 {
		if p.writers == 0 {
			return 0, 0
		}
		p.demandLocked()
		return 0, linux.EAGAIN
	}
	full := p.fullLocked()
	n := p.ring.peek(b)
	p.ring.drop(n)
	p.releaseLocked()
	if full && !p.fullLocked() {
		p.queue.Notify(wait.Out)
	}
	return n, 0
}

// OnDemand has f called once, when a reader first finds the pipe empty: a source that
// need not run before. f is called with the pipe locked and must not use it.
func (p *Pipe) OnDemand(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.demand = f
}

func (p *Pipe) demandLocked() {
	if f := p.demand; f != nil {
		p.demand = nil
		f()
	}
}

// write appends bytes for a writer.
func (p *Pipe) write(b []byte) (int, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readers == 0 {
		return 0, linux.EPIPE
	}
	if len(b) == 0 {
		return 0, 0
	}
	if !p.growLocked(len(b)) {
		return 0, linux.ENOMEM
	}
	if min(len(b), PageSize) > p.capacity-p.ring.n {
		return 0, linux.EAGAIN
	}
	n := p.ring.put(b)
	p.queue.Notify(wait.In)
	return n, 0
}

// Buffered gives the number of bytes that wait to be read (FIONREAD).
func (p *Pipe) Buffered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ring.n
}

// Capacity is F_GETPIPE_SZ.
func (p *Pipe) Capacity() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

// SetCapacity is F_SETPIPE_SZ: it rounds n up to a power of two pages and gives the result.
// EPERM: above MaxSize. EBUSY: below what is buffered.
func (p *Pipe) SetCapacity(n int) (int, linux.Errno) {
	if n < 0 {
		return 0, linux.EINVAL
	}
	if n > MaxSize {
		return 0, linux.EPERM
	}
	size := PageSize
	for size < n {
		size *= 2
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if size < p.ring.n {
		return 0, linux.EBUSY
	}
	if size < len(p.ring.buf) {
		buf := p.pool.get(size)
		if buf == nil {
			return 0, linux.ENOMEM
		}
		p.pool.put(p.ring.move(buf))
	}
	p.size, p.capacity = size, size
	if !p.fullLocked() {
		p.queue.Notify(wait.Out)
	}
	return size, 0
}
