package sock

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Buffer sizes, as Linux has them: what is asked for is doubled, for its own bookkeeping, and
// lies between these.
const (
	defaultBuffer = 212992
	maxBuffer     = 2 * defaultBuffer
	minSend       = 4608
	minReceive    = 2304
	tcpSend       = 16384
	tcpReceive    = 131072
)

// options are what setsockopt(2) has set.
type options struct {
	passCred, reuseAddr, reusePort, v6only, oobInline atomic.Bool
	send, recv                                        atomic.Int32 // SO_SNDBUF, SO_RCVBUF
	sized                                             atomic.Bool  // one of them was set
	receiveTimeout, sendTimeout                       atomic.Int64 // ns; 0: none

	mu sync.Mutex

	// guarded by mu
	lingers bool
	seconds int32
	numbers map[option]int32 // those that only have to be remembered
}

// option names one.
type option struct{ level, name int }

func (o *options) init(s *Socket) {
	o.send.Store(defaultBuffer)
	o.recv.Store(defaultBuffer)
	if s.isTCP() {
		o.send.Store(tcpSend)
		o.recv.Store(tcpReceive)
	}
}

// inherit takes over a listener's options for an accepted socket.
func (o *options) inherit(l *options) {
	for _, p := range []struct{ to, from *atomic.Bool }{
		{&o.passCred, &l.passCred},
		{&o.reuseAddr, &l.reuseAddr},
		{&o.reusePort, &l.reusePort},
		{&o.v6only, &l.v6only},
		{&o.oobInline, &l.oobInline},
		{&o.sized, &l.sized},
	} {
		p.to.Store(p.from.Load())
	}
	o.send.Store(l.send.Load())
	o.recv.Store(l.recv.Load())
	o.receiveTimeout.Store(l.receiveTimeout.Load())
	o.sendTimeout.Store(l.sendTimeout.Load())
	l.mu.Lock()
	defer l.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lingers, o.seconds = l.lingers, l.seconds
	for k, v := range l.numbers {
		o.rememberLocked(k, v)
	}
}

func (o *options) rememberLocked(k option, v int32) {
	if o.numbers == nil {
		o.numbers = map[option]int32{}
	}
	o.numbers[k] = v
}

// SaveState writes the options.
func (o *options) SaveState(e *state.Encoder) {
	for _, b := range []*atomic.Bool{&o.passCred, &o.reuseAddr, &o.reusePort, &o.v6only, &o.oobInline, &o.sized} {
		e.Bool(b.Load())
	}
	e.Uint(uint64(o.send.Load()))
	e.Uint(uint64(o.recv.Load()))
	e.Int(o.receiveTimeout.Load())
	e.Int(o.sendTimeout.Load())
	e.Bool(o.lingers)
	e.Int(int64(o.seconds))
	names := slices.SortedFunc(maps.Keys(o.numbers), func(a, b option) int {
		return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.name, b.name))
	})
	e.Len(len(names))
	for _, k := range names {
		e.Uint(uint64(k.level))
		e.Uint(uint64(k.name))
		e.Int(int64(o.numbers[k]))
	}
}

// LoadState reads them.
func (o *options) LoadState(d *state.Decoder) {
	for _, b := range []*atomic.Bool{&o.passCred, &o.reuseAddr, &o.reusePort, &o.v6only, &o.oobInline, &o.sized} {
		b.Store(d.Bool())
	}
	o.send.Store(int32(d.Uint(maxBuffer)))
	o.recv.Store(int32(d.Uint(maxBuffer)))
	o.receiveTimeout.Store(d.Int(0, math.MaxInt64))
	o.sendTimeout.Store(d.Int(0, math.MaxInt64))
	o.lingers = d.Bool()
	o.seconds = int32(d.Int(math.MinInt32, math.MaxInt32))
	for range d.Count(3) {
		k := option{int(d.Uint(255)), int(d.Uint(255))}
		v := int32(d.Int(math.MinInt32, math.MaxInt32))
		if _, known := remembered[k]; !known {
			d.Failf("option %d of level %d", k.name, k.level)
			return
		}
		o.rememberLocked(k, v)
	}
}

func (o *options) receive() int    { return int(o.recv.Load()) }
func (o *options) sendBuffer() int { return int(o.send.Load()) }

func (o *options) linger() (bool, int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lingers, o.seconds
}

func (o *options) freeBind() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.numbers[option{linux.IPPROTO_IP, linux.IP_FREEBIND}] != 0
}

// capacity is the size of the buffer from one socket to another.
func capacity(from, to *Socket) int {
	if !from.isTCP() {
		return from.opts.sendBuffer()
	}
	if !from.opts.sized.Load() && !to.opts.sized.Load() {
		return streamSize
	}
	return from.opts.sendBuffer()/2 + to.opts.receive()/2
}

// resize makes the buffers what the options say.
func (s *Socket) resize() {
	if s.inbox != nil {
		s.inbox.setLimit(s.opts.receive())
	}
	if c := s.conn.Load(); c != nil {
		c.out.setLimit(capacity(s, c.peer))
		c.in.setLimit(capacity(c.peer, s))
	}
}

// Deadline of a call that waits: SO_RCVTIMEO or SO_SNDTIMEO; 0: none.
func (s *Socket) ReceiveTimeout() time.Duration { return time.Duration(s.opts.receiveTimeout.Load()) }

// SendTimeout is SO_SNDTIMEO.
func (s *Socket) SendTimeout() time.Duration { return time.Duration(s.opts.sendTimeout.Load()) }

// PassCred is SO_PASSCRED.
func (s *Socket) PassCred() bool { return s.opts.passCred.Load() }

// PeerCred is SO_PEERCRED.
func (s *Socket) PeerCred() linux.Ucred {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	if s.state == listening {
		return s.owner.Ucred
	}
	if s.peerCred == (linux.Ucred{}) && s.state != connected {
		return linux.Ucred{UID: ^uint32(0), GID: ^uint32(0)}
	}
	return s.peerCred
}
