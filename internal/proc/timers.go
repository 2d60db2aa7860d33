package proc

import (
	"sync"
	"time"

	"vkernel/internal/linux"
)

// maxTimers bounds the POSIX timers of a process.
const maxTimers = 256

// leastInterval bounds how often a periodic timer fires. Of many in a container each fires
// less often, so that they take no more of the host together than a few do; the expiries
// that were missed are overruns.
const leastInterval = 100 * time.Microsecond

// manyTimers is how many periodic timers may fire at leastInterval.
const manyTimers = 8

// timers are the interval timers (setitimer, alarm) and POSIX timers of a process. A child
// starts without any; owner is set when the process is made.
type timers struct {
	owner *Process
	mu    sync.Mutex

	// guarded by mu
	interval [3]*timer
	posix    map[int32]*timer
	nextID   int32
	limit    *timer // of RLIMIT_CPU
	stopped  bool
}

// timer is one timer. Its fields are guarded by timers.mu.
type timer struct {
	kind    timerKind
	clock   Clock
	host    *time.Timer   // nil if not armed
	end     time.Duration // what the clock shows then
	wall    time.Duration // the same as the wall clock shows it, if it was set to a moment of that; else 0
	period  time.Duration
	rounds  int  // how often it was set: an expiry of an older setting is void
	ticks   bool // armed, and wakes up more than once: counted in Table.ticking
	firing  bool // expired, and armed again once it has fired
	overrun int32

	// Of a POSIX timer.
	id     int32        // of its clock
	number int32        // its own
	signal linux.Signal // 0: none
	value  uint64
	to     *Thread // nil: the process
}

// timerKind says what a timer does when it fires.
type timerKind uint8

const (
	intervalReal timerKind = iota // the three of setitimer(2), by their numbers
	intervalVirtual
	intervalProf
	posixTimer
	cpuLimit
)

// fire does what an expired timer is for. It is called without locks.
func (s *timers) fire(t *timer, missed int64) {
	p := s.owner
	switch t.kind {
	case cpuLimit:
		p.overCPU()
	case posixTimer:
		s.signal(t, missed)
	default:
		p.Signal(linux.Info(itimerSignals[t.kind], linux.SI_KERNEL))
	}
}

// signal sends the signal of a POSIX timer.
func (s *timers) signal(t *timer, missed int64) {
	if t.signal == 0 {
		return
	}
	over := int32(min(missed, 0x7fffffff))
	s.mu.Lock()
	t.overrun = over
	s.mu.Unlock()
	info := linux.InfoTimer(t.signal, t.number, over, t.value)
	if t.to != nil {
		t.to.Signal(info)
	} else {
		s.owner.Signal(info)
	}
}

// set arms the timer to fire after d, then every period; 0 disarms. It gives what was left.
func (s *timers) setLocked(t *timer, d, period time.Duration) (left, oldPeriod time.Duration) {
	left, oldPeriod = t.leftLocked()
	t.rounds++
	if t.host != nil {
		t.host.Stop()
		t.host = nil
	}
	t.firing = false
	t.period, t.wall = period, 0
	if period > 0 {
		t.period = max(period, leastInterval)
	}
	armed := d > 0 && !s.stopped
	s.countLocked(t, armed && (period > 0 || t.clock.cpu()))
	if armed {
		t.end = t.clock.Shows() + d
		s.armLocked(t, t.clock.reaches(t.end))
	}
	return left, oldPeriod
}

// countLocked counts the timers of the container that wake up again and again.
func (s *timers) countLocked(t *timer, ticks bool) {
	switch {
	case ticks && !t.ticks:
		s.owner.table.ticking.Add(1)
	case !ticks && t.ticks:
		s.owner.table.ticking.Add(-1)
	}
	t.ticks = ticks
}

func (s *timers) armLocked(t *timer, d time.Duration) {
	round := t.rounds
	t.host = time.AfterFunc(d, func() { s.expired(t, round) })
}

// least is how long a periodic timer rests before it fires again.
func (s *timers) least() time.Duration {
	return leastInterval * time.Duration(s.owner.table.ticking.Load()) / manyTimers
}

// Clock gives what one of the clocks that all processes share shows.
func (t *Table) Clock(id int32) time.Duration {
	switch id {
	case linux.CLOCK_REALTIME, linux.CLOCK_REALTIME_COARSE, linux.CLOCK_REALTIME_ALARM, linux.CLOCK_TAI:
		return time.Duration(time.Now().UnixNano())
	}
	return time.Since(t.started)
}

// expired is the end of a time. A periodic timer is armed again only after it has fired:
// if that takes long, its expiries must not pile up.
func (s *timers) expired(t *timer, round int) {
	outside := s.owner.table.Outside()
	outside.RLock()
	defer outside.RUnlock()
	s.mu.Lock()
	if t.rounds != round {
		s.mu.Unlock()
		return
	}
	if wait := t.clock.reaches(t.end); t.clock.cpu() && wait > 0 {
		s.armLocked(t, max(wait, s.least()))
		s.mu.Unlock()
		return
	}
	t.host = nil
	var missed int64
	if t.period > 0 {
		if late := t.clock.Shows() - t.end; late > t.period {
			missed = int64(late / t.period)
		}
		step := t.period * time.Duration(missed+1)
		t.end += step
		if t.wall != 0 {
			t.wall += step
		}
		t.firing = true
	} else {
		s.countLocked(t, false)
	}
	s.mu.Unlock()
	s.fire(t, missed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.rounds == round && t.firing {
		t.firing = false
		s.armLocked(t, max(t.clock.reaches(t.end), s.least()))
	}
}

func (t *timer) leftLocked() (left, period time.Duration) {
	if t.host == nil && !t.firing {
		return 0, t.period
	}
	return max(t.end-t.clock.Shows(), 1), t.period
}

// itimerSignals are what the interval timers send.
var itimerSignals = [3]linux.Signal{linux.SIGALRM, linux.SIGVTALRM, linux.SIGPROF}

// SetInterval is setitimer(2) for which, 0 to 2.
func (p *Process) SetInterval(which int, d, period time.Duration) (left, oldPeriod time.Duration) {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.interval[which]
	if t == nil {
		t = &timer{kind: timerKind(which), clock: p.intervalClock(which)}
		s.interval[which] = t
	}
	left, oldPeriod = s.setLocked(t, d, period)
	if d == 0 {
		t.period = 0
	}
	return left, oldPeriod
}

// Interval is getitimer(2).
func (p *Process) Interval(which int) (left, period time.Duration) {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.interval[which]; t != nil {
		return t.leftLocked()
	}
	return 0, 0
}

// NewTimer is timer_create(2): sig is sent with value, to the thread if there is one, or
// nothing if sig is 0. clockID is that of clock.
func (p *Process) NewTimer(clockID int32, clock Clock, sig linux.Signal, value uint64, to *Thread) (id int32, e linux.Errno) {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.posix) >= maxTimers {
		return 0, linux.EAGAIN
	}
	if s.posix == nil {
		s.posix = map[int32]*timer{}
	}
	for s.posix[s.nextID] != nil {
		s.nextID = (s.nextID + 1) & 0x7fffffff
	}
	id = s.nextID
	s.nextID = (s.nextID + 1) & 0x7fffffff
	t := &timer{kind: posixTimer, clock: clock, id: clockID, number: id, signal: sig, value: value, to: to}
	s.posix[id] = t
	return id, 0
}

// SetTimer is timer_settime(2), Timer timer_gettime(2), Overrun timer_getoverrun(2) and
// DeleteTimer timer_delete(2); EINVAL: no such timer.
func (p *Process) SetTimer(id int32, d, period time.Duration) (left, oldPeriod time.Duration, e linux.Errno) {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.posix[id]
	if t == nil {
		return 0, 0, linux.EINVAL
	}
	left, oldPeriod = s.setLocked(t, d, period)
	return left, oldPeriod, 0
}

// SetTimerAt is SetTimer for a moment of the timer's clock, not 0. One of the wall clock stays that while the container
// is saved, as it does on Linux in a suspend.
func (p *Process) SetTimerAt(id int32, at, period time.Duration) (left, oldPeriod time.Duration, e linux.Errno) {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.posix[id]
	if t == nil {
		return 0, 0, linux.EINVAL
	}
	now := t.clock.Shows()
	if !t.clock.cpu() {
		now = p.table.Clock(t.id)
	}
	left, oldPeriod = s.setLocked(t, max(at-now, 1), period)
	switch t.id {
	case linux.CLOCK_REALTIME, linux.CLOCK_REALTIME_ALARM, linux.CLOCK_TAI:
		t.wall = at
	}
	return left, oldPeriod, 0
}

// Timer gives what is left.
func (p *Process) Timer(id int32) (left, period time.Duration, e linux.Errno) {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.posix[id]
	if t == nil {
		return 0, 0, linux.EINVAL
	}
	left, period = t.leftLocked()
	return left, period, 0
}

// Overrun gives how many expiries the last signal stands for beyond one.
func (p *Process) Overrun(id int32) (int32, linux.Errno) {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.posix[id]
	if t == nil {
		return 0, linux.EINVAL
	}
	return t.overrun, 0
}

// DeleteTimer ends a timer.
func (p *Process) DeleteTimer(id int32) linux.Errno {
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.posix[id]
	if t == nil {
		return linux.EINVAL
	}
	s.setLocked(t, 0, 0)
	delete(s.posix, id)
	return 0
}

// exec deletes the POSIX timers; interval timers go on.
func (s *timers) exec() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.posix {
		s.setLocked(t, 0, 0)
	}
	s.posix = nil
}

// any reports whether there is a timer that is armed, or a POSIX timer.
func (s *timers) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.interval {
		if t != nil && (t.host != nil || t.firing) {
			return true
		}
	}
	return len(s.posix) != 0
}

// stop disarms all of them, for good.
func (s *timers) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.limit != nil {
		s.setLocked(s.limit, 0, 0)
	}
	for _, t := range s.interval {
		if t != nil {
			s.setLocked(t, 0, 0)
		}
	}
	for _, t := range s.posix {
		s.setLocked(t, 0, 0)
	}
}
