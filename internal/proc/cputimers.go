package proc

import (
	"time"

	"vkernel/internal/linux"
)

// Clock is what a timer runs on: the wall clock if it is the zero value, else a CPU clock.
type Clock struct {
	process *Process // whose CPU time it is
	user    bool     // that in compiled code only
	thread  *Thread  // whose CPU time it is
}

// ProcessClock is the CPU time of a process; UserClock that in compiled code.
func ProcessClock(p *Process) Clock { return Clock{process: p} }

// UserClock is the CPU time that a process spends in compiled code.
func UserClock(p *Process) Clock { return Clock{process: p, user: true} }

// ThreadClock is the CPU time of a thread.
func ThreadClock(t *Thread) Clock { return Clock{thread: t} }

// cpu reports whether it is a CPU clock.
func (c Clock) cpu() bool { return c != Clock{} }

// read gives what a CPU clock shows, and how many threads make it go on just now.
func (c Clock) read() (shows time.Duration, threads int) {
	switch {
	case c.thread != nil && c.thread.cpu.Running():
		return c.thread.cpu.Ran(), 1
	case c.thread != nil:
		return c.thread.cpu.Ran(), 0
	case c.user:
		return c.process.cpu.Times().User, c.process.cpu.Running()
	}
	return c.process.cpu.Times().Total(), c.process.cpu.Running()
}

// intervalClock is the clock of an interval timer.
func (p *Process) intervalClock(which int) Clock {
	switch which {
	case linux.ITIMER_VIRTUAL:
		return UserClock(p)
	case linux.ITIMER_PROF:
		return ProcessClock(p)
	}
	return Clock{}
}

// wallStart is where the zero Clock shows 0. It is constant.
var wallStart = time.Now()

// Shows is what the clock shows.
func (c Clock) Shows() time.Duration {
	if !c.cpu() {
		return time.Since(wallStart)
	}
	shows, _ := c.read()
	return shows
}

// idlePoll is how often a CPU clock that stands is looked at: threads do not tell when they
// begin to run, since that would cost every wake-up.
const idlePoll = 10 * time.Millisecond

// reaches is how long it takes at least until the clock shows end; it is to be asked again
// then.
func (c Clock) reaches(end time.Duration) time.Duration {
	if !c.cpu() {
		return end - time.Since(wallStart)
	}
	shows, threads := c.read()
	left := end - shows
	if threads == 0 && left > 0 {
		return max(left, idlePoll)
	}
	return left / time.Duration(max(threads, 1))
}

// Until sleeps until the clock shows end: 0, or ERESTARTSYS if a signal comes.
func (t *Thread) Until(c Clock, end time.Duration) linux.Errno {
	for {
		left := c.reaches(end)
		if left <= 0 {
			return 0
		}
		if e := t.Sleep(time.Now().Add(max(left, time.Millisecond))); e != 0 && e != linux.ETIMEDOUT {
			return e
		}
	}
}

// limitCPU makes RLIMIT_CPU hold from now on.
func (p *Process) limitCPU() {
	l := p.limits.Get(linux.RLIMIT_CPU)
	s := &p.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit == nil {
		if l.Cur == linux.RLIM_INFINITY && l.Max == linux.RLIM_INFINITY {
			return
		}
		s.limit = &timer{kind: cpuLimit, clock: ProcessClock(p)}
	}
	least := min(l.Cur, l.Max)
	if least >= uint64(maxCPULimit/time.Second) {
		s.setLocked(s.limit, 0, 0)
		return
	}
	s.setLocked(s.limit, max(time.Duration(least)*time.Second-p.cpu.Times().Total(), 1), 0)
}

// maxCPULimit is more CPU time than anybody can use.
const maxCPULimit = 100 * 365 * 24 * time.Hour

// overCPU is called when a limit of CPU time is reached: SIGXCPU at the soft one and each
// second after it (the soft limit rises, as on Linux), SIGKILL at the hard one.
func (p *Process) overCPU() {
	used := uint64(p.cpu.Times().Total() / time.Second)
	l := p.limits.Get(linux.RLIMIT_CPU)
	switch {
	case used >= l.Max:
		p.Signal(linux.Info(linux.SIGKILL, linux.SI_KERNEL))
		return
	case used >= l.Cur:
		p.limits.raiseCPU(l.Cur)
		p.Signal(linux.Info(linux.SIGXCPU, linux.SI_KERNEL))
	}
	p.limitCPU()
}
