package proc

import (
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/sched"
)

// Usage is what processes used: one, or all that were waited for.
type Usage struct {
	sched.Times
	MaxRSS    uint64 // bytes
	Sleeps    int64  // voluntary context switches
	Evictions int64  // involuntary ones
}

// add folds in another process's.
func (u *Usage) add(o Usage) {
	u.Times = u.Plus(o.Times)
	u.MaxRSS = max(u.MaxRSS, o.MaxRSS)
	u.Sleeps += o.Sleeps
	u.Evictions += o.Evictions
}

// Rusage is the usage in the guest's form.
func (u Usage) Rusage() linux.Rusage {
	return linux.Rusage{
		Utime:  linux.ToTimeval(u.User),
		Stime:  linux.ToTimeval(u.System),
		Maxrss: int64(u.MaxRSS >> 10),
		Nvcsw:  u.Sleeps,
		Nivcsw: u.Evictions,
	}
}

// Usage is what the process used by now.
func (p *Process) Usage() Usage {
	p.View(func(m *Memory) { p.notePeak(m.Space.Usage().Resident) })
	return p.used()
}

// used is the usage, with the largest resident size that was seen.
func (p *Process) used() Usage {
	u := Usage{Times: p.cpu.Times(), MaxRSS: p.maxRSS.Load()}
	u.Sleeps, u.Evictions = p.cpu.Switches()
	return u
}

// Usage is what the thread used by now.
func (t *Thread) Usage() Usage {
	u := t.process.Usage()
	u.Times = t.cpu.Times()
	u.Sleeps, u.Evictions = t.cpu.Switches()
	return u
}

// CPU is the CPU time of the process.
func (p *Process) CPU() sched.Times { return p.cpu.Times() }

// threadBytes is about what the kernel keeps for a thread, its goroutine's stack included.
const threadBytes = 24 << 10

// Kept is about what the kernel keeps for the process's threads.
func (p *Process) Kept() (n uint64) {
	for _, t := range p.Threads() {
		n += threadBytes
		if inst := t.kick.Load(); inst != nil {
			n += inst.Kept()
		}
	}
	return n
}

// ChildUsage is what its children used that were waited for.
func (p *Process) ChildUsage() Usage {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.waited
}

// notePeak remembers the largest resident size seen.
func (p *Process) notePeak(rss uint64) {
	for old := p.maxRSS.Load(); rss > old && !p.maxRSS.CompareAndSwap(old, rss); old = p.maxRSS.Load() {
	}
}

// Started is when the process began.
func (p *Process) Started() time.Time { return p.started }
