// Package timerfd is timerfd(2): timers that are waited for as files are.
//
// # Model
//
// A timer is a deadline on a clock and an interval. What has expired follows from these and the
// clock, when somebody asks; the host's timer only tells the queue that a deadline has passed, so
// it can be made anew from the deadline at any time (Rearm). As on Linux a periodic timer tells of its
// next expiry only when the last one has been read, so that nobody can have it fire for nothing.
//
// # Lock order
//
// File.mu is above wait.Queue only, and held while guest memory is written, so it is released by
// defer.
package timerfd

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/wait"
)

// Clocks are a container's.
type Clocks interface {
	// Clock gives what a clock shows.
	Clock(id int32) time.Duration
}

// Setting is what timerfd_settime sets: the time until the first expiry, or its moment, and the
// time between the others. A zero Value disarms.
type Setting struct{ Value, Interval time.Duration }

// File is a timer.
type File struct {
	anon.File
	queue  wait.Queue
	clocks Clocks
	clock  int32

	mu sync.Mutex

	// guarded by mu
	deadline time.Duration // what the clock shows at the next expiry that was not read; 0: disarmed
	interval time.Duration
	flags    uint32 // of the last setting
	host     *time.Timer
}

// New makes a timer that is not armed.
func New(c Clocks, clock int32) *File { return &File{clocks: c, clock: clock} }

// Set is timerfd_settime(2); it gives what was set before.
func (f *File) Set(s Setting, flags uint32) (old Setting) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clocks.Clock(f.clock)
	old = f.leftLocked(now)
	f.stopLocked()
	f.flags, f.interval, f.deadline = flags, s.Interval, 0
	if s.Value > 0 {
		f.deadline = s.Value
		if flags&linux.TFD_TIMER_ABSTIME == 0 {
			f.deadline += now // which cannot overflow: both are bounded
		}
		f.armLocked(now, f.deadline)
	}
	return old
}

// Get is timerfd_gettime(2).
func (f *File) Get() Setting {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clocks.Clock(f.clock)
	s := f.leftLocked(now)
	if f.deadline != 0 && now >= f.deadline && f.interval > 0 { // as on Linux
		f.armLocked(now, now+s.Value)
	}
	return s
}

// leftLocked gives the time until the next expiry.
func (f *File) leftLocked(now time.Duration) Setting {
	s := Setting{Interval: f.interval}
	switch {
	case f.deadline == 0:
	case now < f.deadline:
		s.Value = f.deadline - now
	case f.interval > 0:
		s.Value = f.interval - (now-f.deadline)%f.interval
	}
	return s
}

// armLocked has the queue told at a moment.
func (f *File) armLocked(now, at time.Duration) {
	d := max(at-now, 0)
	if f.host == nil {
		f.host = time.AfterFunc(d, f.expired)
	} else {
		f.host.Reset(d)
	}
}

func (f *File) stopLocked() {
	if f.host != nil {
		f.host.Stop()
	}
}

// expired is the end of the host's timer, perhaps of one that was set differently since.
func (f *File) expired() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deadline == 0 {
		return
	}
	if now := f.clocks.Clock(f.clock); now < f.deadline {
		f.armLocked(now, f.deadline)
		return
	}
	f.queue.Notify(wait.In)
}

// Rearm arms the host's timer by the deadline: after the clocks have been set.
func (f *File) Rearm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deadline != 0 {
		f.armLocked(f.clocks.Clock(f.clock), f.deadline)
	}
}

// Read gives how often the timer has expired since the last read.
func (f *File) Read(p []byte, _ int64) (int, linux.Errno) {
	if len(p) < 8 {
		return 0, linux.EINVAL
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clocks.Clock(f.clock)
	if f.deadline == 0 || now < f.deadline {
		return 0, linux.EAGAIN
	}
	n := uint64(1)
	if f.interval > 0 {
		n += uint64((now - f.deadline) / f.interval)
	}
	binary.LittleEndian.PutUint64(p, n)
	if f.interval > 0 {
		f.deadline += time.Duration(n) * f.interval
		f.armLocked(now, f.deadline)
	} else {
		f.deadline = 0
	}
	return 8, 0
}

// Poll gives In once the timer has expired.
func (f *File) Poll() wait.Events {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deadline != 0 && f.clocks.Clock(f.clock) >= f.deadline {
		return wait.In
	}
	return 0
}

// Queue is told of expiries.
func (f *File) Queue() *wait.Queue { return &f.queue }

// Close ends the timer.
func (f *File) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline = 0
	f.stopLocked()
}

// Info is for /proc/PID/fdinfo.
func (f *File) Info() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clocks.Clock(f.clock)
	left := f.leftLocked(now)
	ticks := int64(0)
	if f.deadline != 0 && now >= f.deadline {
		ticks = 1
		if f.interval > 0 {
			ticks += int64((now - f.deadline) / f.interval)
		}
	}
	v, i := linux.ToTimespec(left.Value), linux.ToTimespec(left.Interval)
	return fmt.Appendf(nil, "clockid: %d\nticks: %d\nsettime flags: 0%o\nit_value: (%d, %d)\nit_interval: (%d, %d)\n",
		f.clock, ticks, f.flags, v.Sec, v.Nsec, i.Sec, i.Nsec)
}
