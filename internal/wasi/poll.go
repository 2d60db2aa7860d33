package wasi

import (
	"encoding/binary"
	"math"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
	"vkernel/internal/wait"
)

// Kinds of subscriptions, and of events.
const (
	eventClock = iota
	eventRead
	eventWrite
)

// maxSubscriptions bounds one call.
const maxSubscriptions = 1 << 16

// clockAbsolute is the flag of a clock subscription.
const clockAbsolute = 1

// eventHangup is the flag of an event on a descriptor.
const eventHangup = 1

// subscription is the structure of the same name; the fields after Clock are a clock's. For
// a descriptor, Clock is its number.
type subscription struct {
	User      uint64
	Kind      uint8
	_         [7]uint8
	Clock     uint32
	_         uint32
	Timeout   uint64
	Precision uint64
	Flags     uint16
	_         [6]uint8
}

// sizeofEvent is the size of an event: user data 8, errno 2, kind 1, at 16 bytes to read or
// room to write 8, flags 2.
const sizeofEvent = 32

// poller is one poll_oneoff.
type poller struct {
	subs   []subscription
	errnos []linux.Errno   // of subscriptions that cannot be waited for
	ends   []time.Duration // of clock subscriptions: from now
	files  []syscalls.PollFD
	index  []int // of each file's subscription
	first  time.Duration
	timed  bool // first is set
	failed bool // some errno is set: there is no wait
}

func pollOneoff(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	n := a.Size(2)
	if n == 0 || n > maxSubscriptions {
		return 0, linux.EINVAL
	}
	p := poller{}
	var e linux.Errno
	if p.subs, e = guest.GetSlice[subscription](t.Mem(), a.Addr(0), int(n)); e != 0 {
		return 0, e
	}
	p.errnos, p.ends = make([]linux.Errno, n), make([]time.Duration, n)
	for i := range p.subs {
		if p.errnos[i] = p.add(t, i); p.errnos[i] != 0 {
			p.failed = true
		}
	}
	start, deadline := time.Now(), time.Time{}
	if p.timed {
		deadline = t.Deadline(p.first)
		start = deadline.Add(-p.first)
	}
	sleeps := !p.failed && !(p.timed && p.first <= 0)
	if _, e := syscalls.Poll(t, p.files, sleeps, deadline); e != 0 {
		return 0, e
	}
	events := p.events(t, time.Since(start))
	if e := t.Mem().Write(a.Addr(1), events); e != 0 {
		return 0, e
	}
	return putSize(t, a.Addr(3), int64(len(events)/sizeofEvent), 0)
}

// add looks at one subscription.
func (p *poller) add(t *proc.Thread, i int) linux.Errno {
	s := &p.subs[i]
	want := uint16(wait.In)
	switch s.Kind {
	case eventClock:
		return p.addClock(t, i)
	case eventWrite:
		want = uint16(wait.Out)
	case eventRead:
	default:
		return linux.EINVAL
	}
	d, _, e := open(t, int32(s.Clock), rightPoll)
	if e != 0 {
		return e
	}
	d.Unref()
	p.files = append(p.files, syscalls.PollFD{FD: int32(s.Clock), Events: want})
	p.index = append(p.index, i)
	return 0
}

func (p *poller) addClock(t *proc.Thread, i int) linux.Errno {
	s := &p.subs[i]
	switch {
	case s.Clock > maxClock, s.Flags&^clockAbsolute != 0:
		return linux.EINVAL
	case s.Clock > linux.CLOCK_MONOTONIC:
		return linux.EOPNOTSUPP
	}
	d := time.Duration(min(s.Timeout, math.MaxInt64))
	if s.Flags&clockAbsolute != 0 {
		now, e := syscalls.Clock(t, int32(s.Clock))
		if e != 0 {
			return e
		}
		d = max(0, d-now)
	}
	p.ends[i] = d
	if !p.timed || d < p.first {
		p.timed, p.first = true, d
	}
	return 0
}

// events lists what holds, after a wait of passed.
func (p *poller) events(t *proc.Thread, passed time.Duration) []byte {
	ready := make([]uint16, len(p.subs))
	for i, f := range p.files {
		ready[p.index[i]] = f.Revents
	}
	b := make([]byte, 0, sizeofEvent*min(len(p.subs), 64))
	for i := range p.subs {
		s := &p.subs[i]
		switch {
		case p.errnos[i] != 0:
			b = appendEvent(b, s, p.errnos[i], 0, 0)
		case s.Kind == eventClock && p.ends[i] <= passed:
			b = appendEvent(b, s, 0, 0, 0)
		case ready[i]&uint16(wait.Nval) != 0:
			b = appendEvent(b, s, linux.EBADF, 0, 0)
		case ready[i] != 0:
			flags := uint16(0)
			if ready[i]&uint16(wait.Hup|wait.Err) != 0 {
				flags = eventHangup
			}
			b = appendEvent(b, s, 0, available(t, s, ready[i]), flags)
		}
	}
	return b
}

func appendEvent(b []byte, s *subscription, e linux.Errno, bytes uint64, flags uint16) []byte {
	var v [sizeofEvent]byte
	binary.LittleEndian.PutUint64(v[:], s.User)
	binary.LittleEndian.PutUint16(v[8:], errnoOf(e))
	v[10] = s.Kind
	binary.LittleEndian.PutUint64(v[16:], bytes)
	binary.LittleEndian.PutUint16(v[24:], flags)
	return append(b, v[:]...)
}

// available is how many bytes can be transferred: exact for files, at least 1 for streams
// that are ready, 0 at a hangup.
func available(t *proc.Thread, s *subscription, ready uint16) uint64 {
	d, e := t.Files().Get(int32(s.Clock))
	if e != 0 {
		return 0
	}
	defer d.Unref()
	if !d.Stream() && s.Kind == eventRead {
		return remaining(d)
	}
	if ready&uint16(wait.In|wait.Out) == 0 {
		return 0
	}
	return 1
}

// remaining is what lies after the offset.
func remaining(d *fd.Description) uint64 {
	st, e := d.File().Stat()
	if e != 0 || st.Mode&linux.S_IFMT != linux.S_IFREG {
		return 1
	}
	return uint64(max(0, st.Size-d.Offset()))
}
