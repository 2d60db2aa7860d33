package proc

import (
	"sync"

	"vkernel/internal/linux"
)

// Limits are the resource limits of a process.
type Limits struct {
	mu sync.Mutex

	// guarded by mu
	values [linux.RLIM_NLIMITS]linux.Rlimit
}

// defaults are the limits of a first process.
func defaults(processes int) *Limits {
	const inf = linux.RLIM_INFINITY
	l := new(Limits)
	for i := range l.values {
		l.values[i] = linux.Rlimit{Cur: inf, Max: inf}
	}
	l.values[linux.RLIMIT_STACK] = linux.Rlimit{Cur: 8 << 20, Max: inf}
	l.values[linux.RLIMIT_CORE] = linux.Rlimit{Cur: 0, Max: inf}
	l.values[linux.RLIMIT_NPROC] = linux.Rlimit{Cur: uint64(processes), Max: uint64(processes)}
	l.values[linux.RLIMIT_NOFILE] = linux.Rlimit{Cur: 1024, Max: 4096}
	l.values[linux.RLIMIT_MEMLOCK] = linux.Rlimit{Cur: 8 << 20, Max: 8 << 20}
	l.values[linux.RLIMIT_SIGPENDING] = linux.Rlimit{Cur: maxSignals, Max: maxSignals}
	l.values[linux.RLIMIT_MSGQUEUE] = linux.Rlimit{Cur: 819200, Max: 819200}
	l.values[linux.RLIMIT_NICE] = linux.Rlimit{}
	l.values[linux.RLIMIT_RTPRIO] = linux.Rlimit{}
	return l
}

// maxSignals bounds the queued signals of a process whatever its limit says: they are the
// kernel's memory.
const maxSignals = 512

// maxFiles bounds RLIMIT_NOFILE for the same reason (fs.nr_open).
const maxFiles = 65536

// forkInto copies the limits into those of a child, which are of value zero.
func (l *Limits) forkInto(child *Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	child.values = l.values
}

// Get gives a limit; resource is below linux.RLIM_NLIMITS.
func (l *Limits) Get(resource int) linux.Rlimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.values[resource]
}

// Set changes a limit and gives the old one: EPERM if the hard limit would rise and super
// is false, EINVAL if the soft one were above the hard one.
func (l *Limits) Set(resource int, v linux.Rlimit, super bool) (old linux.Rlimit, e linux.Errno) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old = l.values[resource]
	switch {
	case v.Cur > v.Max:
		return old, linux.EINVAL
	case v.Max > old.Max && !super, resource == linux.RLIMIT_NOFILE && v.Max > maxFiles:
		return old, linux.EPERM
	}
	l.values[resource] = v
	return old, 0
}

// raiseCPU raises the soft limit of CPU time by a second, if it is still from.
func (l *Limits) raiseCPU(from uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v := &l.values[linux.RLIMIT_CPU]; v.Cur == from {
		v.Cur++
	}
}

// Limit is the soft limit of a resource, RLIM_INFINITY if there is none.
func (p *Process) Limit(resource int) uint64 { return p.limits.Get(resource).Cur }

// SetLimit changes a limit, see Limits.Set.
func (p *Process) SetLimit(resource int, v linux.Rlimit, super bool) (old linux.Rlimit, e linux.Errno) {
	if v.Max > p.ceiling(resource) {
		return p.limits.Get(resource), linux.EPERM
	}
	old, e = p.limits.Set(resource, v, super)
	if most := p.ceiling(resource); e == 0 && v.Max > most {
		// The process has executed a program with a policy meanwhile. If it lowers its limits later
		// than this (replace), it lowers this one as well; if it has done so, it is seen here.
		p.limits.lower(resource, most)
	}
	switch {
	case e != 0:
	case resource == linux.RLIMIT_SIGPENDING:
		p.sig.SetLimit(int(min(v.Cur, maxSignals)))
	case resource == linux.RLIMIT_CPU:
		p.limitCPU()
	}
	return old, e
}

// Limits are the process's.
func (p *Process) Limits() *Limits { return p.limits }
