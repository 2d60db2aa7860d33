package sock

import (
	"sync"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/wait"
)

// Sizes.
const (
	smallest     = 4096    // of a ring
	overhead     = 256     // what a packet, or a mark in a stream, counts beside its bytes
	streamSize   = 1 << 18 // of a TCP direction whose buffers nobody set
	maxDatagrams = 10      // net.unix.max_dgram_qlen
	maxUDP       = 65507   // bytes in a UDP datagram
)

// Control is what comes with bytes or a packet.
type Control struct {
	Files   []*fd.Description // SCM_RIGHTS: references of their own
	Cred    linux.Ucred       // SCM_CREDENTIALS
	HasCred bool
	user    uint32 // who sent the files
}

// nobody is the sender where none was noted.
var nobody = linux.Ucred{UID: 65534, GID: 65534}

// mark says what came with the bytes from at up to end of a stream.
type mark struct {
	at, end uint64
	Control
}

// packet is one datagram, or one of a sequence.
type packet struct {
	data []byte
	from Address
	Control
}

// buffer is one direction of a connection, or the inbox of a datagram socket.
type buffer struct {
	pool    *pipe.Pool
	packets bool
	readers *wait.Queue
	writers *wait.Queue

	mu sync.Mutex

	// guarded by mu
	ring   ring
	taken  uint64 // bytes that were read from the stream
	marks  []mark
	list   []packet
	bytes  int // of packets, with their overhead
	limit  int
	fin    bool // nothing more is written: after what is there comes the end
	deaf   bool // nobody reads any more: EPIPE
	orphan bool // TCP: the reader is gone; the next write is thrown away and makes it deaf
	urgent int  // TCP: 1 + the byte out of band, 0 if there is none
}

func (k *Stack) newBuffer(packets bool, limit int) *buffer {
	return &buffer{pool: k.pool, packets: packets, limit: limit}
}

// setLimit changes how much the buffer holds.
func (b *buffer) setLimit(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = n
	b.writers.Notify(wait.Out)
}

// roomLocked is how many bytes may still be written.
func (b *buffer) roomLocked() int {
	if b.packets {
		return b.limit - b.bytes
	}
	return b.limit - b.ring.n - overhead*len(b.marks)
}

// spaciousLocked reports whether there is as much room as poll calls writable.
func (b *buffer) spaciousLocked() bool { return b.roomLocked() >= b.limit/3 }

// write appends bytes of a stream, as many as there is room for. c goes with them: its files
// are the buffer's then, if any byte was taken.
func (b *buffer) write(p []byte, c *Control) (int, linux.Errno) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fin || b.deaf:
		return 0, linux.EPIPE
	case len(p) == 0:
		return 0, 0
	case b.orphan:
		b.deaf = true
		return len(p), linux.ECONNRESET // the bytes are gone, and the answer is a reset
	}
	room := b.roomLocked()
	if room <= 0 {
		return 0, linux.EAGAIN
	}
	p = p[:min(len(p), room)]
	if !b.growLocked(len(p)) {
		return 0, linux.ENOBUFS
	}
	n := b.ring.put(p)
	if n == 0 {
		return 0, linux.EAGAIN
	}
	if c != nil && (c.HasCred || len(c.Files) > 0) {
		b.markLocked(n, c)
	}
	b.readers.Notify(wait.In)
	return n, 0
}

// markLocked notes what came with the last n bytes.
func (b *buffer) markLocked(n int, c *Control) {
	end := b.taken + uint64(b.ring.n)
	at := end - uint64(n)
	if last := len(b.marks) - 1; last >= 0 && len(c.Files) == 0 {
		m := &b.marks[last]
		if m.end == at && len(m.Files) == 0 && m.HasCred == c.HasCred && m.Cred == c.Cred {
			m.end = end
			return
		}
	}
	b.marks = append(b.marks, mark{at: at, end: end, Control: *c})
}

// growLocked makes room in the ring for n more bytes as far as memory allows. It reports
// whether there is a ring at all.
func (b *buffer) growLocked(n int) bool {
	size := max(len(b.ring.buf), smallest)
	for size < b.ring.n+n {
		size *= 2
	}
	if size == len(b.ring.buf) {
		return true
	}
	buf := b.pool.Get(size)
	if buf == nil && b.ring.buf == nil {
		buf = b.pool.Get(smallest)
	}
	if buf == nil {
		return b.ring.buf != nil
	}
	b.pool.Put(b.ring.move(buf))
	return true
}

// send appends a packet, whole or not at all; most bounds how many there may be, 0: none.
func (b *buffer) send(p *packet, most int) linux.Errno {
	b.mu.Lock()
	defer b.mu.Unlock()
	size := len(p.data) + overhead
	switch {
	case b.fin || b.deaf:
		return linux.EPIPE
	case most > 0 && len(b.list) > most, b.bytes > 0 && b.bytes+size > b.limit:
		return linux.EAGAIN
	case !b.pool.Charge(size):
		return linux.ENOBUFS
	}
	b.list = append(b.list, *p)
	b.bytes += size
	b.readers.Notify(wait.In)
	return 0
}

// Incoming is how to receive, and what was received beside the bytes.
type Incoming struct {
	Peek    bool
	Discard bool // TCP, MSG_TRUNC: the bytes are not wanted
	Creds   bool // SO_PASSCRED: bytes of different senders are not given together

	skip  int    // bytes that were peeked at by this call already
	last  uint64 // where the bytes end with which its files came; 0: it has none
	Ended bool   // the call gets no more bytes
	From  Address
	Control
}

// read takes bytes of a stream: 0 at the end, EAGAIN while there are none.
func (b *buffer) read(p []byte, in *Incoming) (int, linux.Errno) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ring.n <= in.skip {
		if b.fin {
			in.Ended = true
			return 0, 0
		}
		return 0, linux.EAGAIN
	}
	if len(p) == 0 {
		return 0, 0
	}
	if p = p[:b.boundLocked(len(p), in)]; len(p) == 0 { // another has read on meanwhile
		in.Ended = true
		return 0, 0
	}
	n := len(p)
	if !in.Discard {
		n = b.ring.peek(p, in.skip)
	}
	b.controlLocked(n, in)
	if in.Peek {
		in.skip += n
		return n, 0
	}
	spacious := b.spaciousLocked() && b.ring.n < len(b.ring.buf) // a ring may be smaller than the limit
	b.ring.drop(n)
	b.taken += uint64(n)
	b.trimLocked()
	if !spacious && b.spaciousLocked() {
		b.writers.Notify(wait.Out)
	}
	return n, 0
}

// boundLocked is how many of n bytes one read may take: not beyond bytes that came with files,
// nor, where creds are wanted, to another sender's.
func (b *buffer) boundLocked(n int, in *Incoming) int {
	n = min(n, b.ring.n-in.skip)
	pos := b.taken + uint64(in.skip)
	if in.last != 0 { // a call gives the files of one message
		n = int(min(uint64(n), in.last-min(in.last, pos)))
	}
	for i := range b.marks {
		m := &b.marks[i]
		switch {
		case m.end <= pos:
			continue
		case m.at >= pos+uint64(n):
			return n
		case in.Creds && m.at > pos:
			return int(m.at - pos)
		case in.Creds || len(m.Files) > 0:
			return min(n, int(m.end-pos))
		}
	}
	return n
}

// controlLocked gives what came with the next n bytes.
func (b *buffer) controlLocked(n int, in *Incoming) {
	pos := b.taken + uint64(in.skip)
	end := pos + uint64(n)
	for i := range b.marks {
		m := &b.marks[i]
		if m.end <= pos {
			continue
		}
		if m.at >= end {
			return
		}
		if m.HasCred && !in.HasCred {
			in.Cred, in.HasCred = m.Cred, true
		}
		if len(m.Files) > 0 && in.last == 0 {
			in.Files, in.user, in.last = handOver(m.Files, in), m.user, m.end
			if !in.Peek {
				m.Files = nil
			}
		}
		in.Ended = in.Ended || in.last == end
		if in.Creds && m.end == end {
			in.Ended = true
		}
	}
}

// handOver gives files to a receiver, with references of their own if it only looks.
func handOver(files []*fd.Description, in *Incoming) []*fd.Description {
	if !in.Peek {
		return files
	}
	again := make([]*fd.Description, 0, len(files))
	for _, d := range files {
		again = append(again, d.Ref())
	}
	return again
}

// trimLocked forgets the marks that were read, and gives a large ring back once it is empty.
func (b *buffer) trimLocked() {
	gone := 0
	for gone < len(b.marks) && b.marks[gone].end <= b.taken {
		gone++
	}
	if gone > 0 {
		b.marks = append(b.marks[:0], b.marks[gone:]...)
	}
	if b.ring.n == 0 && len(b.ring.buf) > smallest {
		b.pool.Put(b.ring.buf)
		b.ring = ring{}
	}
}

// receive takes a packet. At the end, ok is false and the errno 0.
func (b *buffer) receive(in *Incoming) (p packet, ok bool, e linux.Errno) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) == 0 {
		if b.fin {
			return p, false, 0
		}
		return p, false, linux.EAGAIN
	}
	p = b.list[0]
	in.Ended = true
	if in.Peek {
		p.Files = handOver(p.Files, in)
		return p, true, 0
	}
	b.list[0] = packet{}
	if b.list = b.list[1:]; len(b.list) == 0 {
		b.list = nil
	}
	size := len(p.data) + overhead
	b.bytes -= size
	b.pool.Discharge(size)
	b.writers.Notify(wait.Out)
	return p, true, 0
}

// finish says that nothing more is written.
func (b *buffer) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fin = true
	b.readers.Notify(wait.In | wait.Hup | wait.RdHup)
	b.writers.Notify(wait.Out | wait.Hup)
}

// refuse says that nothing more is read.
func (b *buffer) refuse() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deaf = true
	b.writers.Notify(wait.Out | wait.Hup)
}

// abandon says that the reader of a TCP stream is gone.
func (b *buffer) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orphan = true
}

// drain throws everything away and gives the files that were in it. unread: there was something.
func (b *buffer) drain() (files []Control, unread bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	unread = b.ring.n > 0 || len(b.list) > 0
	for _, m := range b.marks {
		if len(m.Files) > 0 {
			files = append(files, m.Control)
		}
	}
	for _, p := range b.list {
		if len(p.Files) > 0 {
			files = append(files, p.Control)
		}
	}
	b.taken += uint64(b.ring.n)
	b.pool.Put(b.ring.buf)
	b.pool.Discharge(b.bytes)
	b.ring, b.marks, b.list, b.bytes, b.urgent = ring{}, nil, nil, 0, 0
	b.writers.Notify(wait.Out)
	return files, unread
}

// eachFile calls f with the files that are in the buffer.
func (b *buffer) eachFile(f func(d *fd.Description)) {
	b.eachControl(func(c *Control) {
		for _, d := range c.Files {
			f(d)
		}
	})
}

// eachControl calls f with what came with files.
func (b *buffer) eachControl(f func(c *Control)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.marks {
		if len(b.marks[i].Files) > 0 {
			f(&b.marks[i].Control)
		}
	}
	for i := range b.list {
		if len(b.list[i].Files) > 0 {
			f(&b.list[i].Control)
		}
	}
}

// waiting is how many bytes can be read (FIONREAD): of packets, those of the first.
func (b *buffer) waiting(whole bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.packets {
		return b.ring.n
	}
	n := 0
	for i := range b.list {
		n += len(b.list[i].data)
		if !whole {
			break
		}
	}
	return n
}

// queued is how many bytes were written and not read (SIOCOUTQ).
func (b *buffer) queued() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ring.n + b.bytes
}
