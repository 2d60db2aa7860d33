package syscalls

import (
	"runtime"

	"vkernel/internal/engine"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sched"
)

// schedYield lets other guests run.
func schedYield(t *proc.Thread, _ Args) (int64, linux.Errno) {
	t.CPU().Yield()
	return 0, 0
}

// cpus is the set of processors, one bit each: at most 64 are shown.
func cpus() uint64 {
	n := min(runtime.NumCPU(), 64)
	return ^uint64(0) >> (64 - n)
}

func schedGetaffinity(t *proc.Thread, a Args) (int64, linux.Errno) {
	if n := a.Size(1); n < 8 || n%8 != 0 {
		return 0, linux.EINVAL
	}
	to, e := affine(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	set := cpus()
	if own := to.Affinity() & set; own != 0 { // a container that was restored elsewhere may have none of its own
		set = own
	}
	return 8, guest.Put(t.Mem(), a.Addr(2), &set)
}

// affine is what the scheduler knows of the thread that sched_setaffinity(2) names: a process's id is its first
// thread's, which may have ended.
func affine(t *proc.Thread, tid int32) (*sched.Thread, linux.Errno) {
	if tid < 0 {
		return nil, linux.ESRCH
	}
	if to, e := targetThread(t, tid); e == 0 {
		return to.CPU(), 0
	}
	p, e := target(t, tid)
	if e != 0 {
		return nil, e
	}
	return p.Thread().CPU(), 0
}

func schedSetaffinity(t *proc.Thread, a Args) (int64, linux.Errno) {
	var raw [8]byte
	if e := t.Mem().Read(a.Addr(2), raw[:min(a.Size(1), 8)]); e != 0 {
		return 0, e
	}
	to, e := affine(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	var set uint64
	for i, b := range raw {
		set |= uint64(b) << (8 * i)
	}
	p, e := target(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	if c, o := t.Cred(), p.Cred(); !c.Super() && c.EUID != o.EUID && c.EUID != o.UID {
		return 0, linux.EPERM
	}
	if set &= cpus(); set == 0 {
		return 0, linux.EINVAL
	}
	to.SetAffinity(set)
	return 0, 0
}

func getcpu(t *proc.Thread, a Args) (int64, linux.Errno) {
	var zero uint32
	for i := range 2 {
		if at := a.Addr(i); at != 0 {
			if e := guest.Put(t.Mem(), at, &zero); e != 0 {
				return 0, e
			}
		}
	}
	return 0, 0
}

// Scheduling policies: every thread has SCHED_OTHER with priority 0.
const (
	schedOther = 0
	schedFIFO  = 1
	schedRR    = 2
	schedBatch = 3
	schedIdle  = 5
)

func schedGetscheduler(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Int(0) < 0 {
		return 0, linux.EINVAL
	}
	_, e := target(t, a.Int(0))
	return schedOther, e
}

func schedGetparam(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Int(0) < 0 || a.Addr(1) == 0 {
		return 0, linux.EINVAL
	}
	if _, e := target(t, a.Int(0)); e != 0 {
		return 0, e
	}
	var priority int32
	return 0, guest.Put(t.Mem(), a.Addr(1), &priority)
}

// schedRRGetInterval gives the time slice of SCHED_OTHER.
func schedRRGetInterval(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Int(0) < 0 {
		return 0, linux.EINVAL
	}
	if _, e := target(t, a.Int(0)); e != 0 {
		return 0, e
	}
	return 0, putTimespec(t, a.Addr(1), sched.Slice)
}

func schedSetscheduler(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Int(0) < 0 || a.Addr(2) == 0 {
		return 0, linux.EINVAL
	}
	if _, e := target(t, a.Int(0)); e != 0 {
		return 0, e
	}
	priority, e := guest.Get[int32](t.Mem(), a.Addr(2))
	if e != 0 {
		return 0, e
	}
	switch a.Int(1) {
	case schedOther, schedBatch, schedIdle:
		if priority != 0 {
			return 0, linux.EINVAL
		}
		return 0, 0
	case schedFIFO, schedRR:
		return 0, linux.EPERM
	}
	return 0, linux.EINVAL
}

func schedGetPriorityMax(_ *proc.Thread, a Args) (int64, linux.Errno) {
	return priorityRange(a.Int(0), 99)
}

func schedGetPriorityMin(_ *proc.Thread, a Args) (int64, linux.Errno) {
	return priorityRange(a.Int(0), 1)
}

func priorityRange(policy int32, realtime int64) (int64, linux.Errno) {
	switch policy {
	case schedOther, schedBatch, schedIdle:
		return 0, 0
	case schedFIFO, schedRR:
		return realtime, 0
	}
	return 0, linux.EINVAL
}

// prioritised lists the processes that which and who of getpriority name.
func prioritised(t *proc.Thread, which, who int32) ([]*proc.Process, linux.Errno) {
	switch which {
	case linux.PRIO_PROCESS:
		p, e := target(t, who)
		if e != 0 {
			return nil, e
		}
		return []*proc.Process{p}, 0
	case linux.PRIO_PGRP:
		if who == 0 {
			who = t.Process().Group()
		}
		return t.Table().Members(int(who)), 0
	case linux.PRIO_USER:
		uid := uint32(who)
		if who == 0 {
			uid = t.Cred().UID
		}
		var all []*proc.Process
		for _, p := range t.Table().All() {
			if p.Cred().UID == uid {
				all = append(all, p)
			}
		}
		return all, 0
	}
	return nil, linux.EINVAL
}

// getpriority gives 20 less the lowest nice value, so that it is never negative.
func getpriority(t *proc.Thread, a Args) (int64, linux.Errno) {
	all, e := prioritised(t, a.Int(0), a.Int(1))
	if e != 0 {
		return 0, e
	}
	best := int64(0)
	for _, p := range all {
		best = max(best, int64(20-p.Nice()))
	}
	if best == 0 {
		return 0, linux.ESRCH
	}
	return best, 0
}

func setpriority(t *proc.Thread, a Args) (int64, linux.Errno) {
	all, e := prioritised(t, a.Int(0), a.Int(1))
	if e != 0 {
		return 0, e
	}
	nice := int(min(max(a.Int(2), -20), 19))
	e = linux.ESRCH
	c := t.Cred()
	for _, p := range all {
		o := p.Cred()
		switch {
		case !c.Super() && c.EUID != o.EUID && c.EUID != o.UID:
			e = linux.EPERM
		case !c.Super() && nice < p.Nice():
			e = linux.EACCES
		default:
			p.SetNice(nice)
			if e == linux.ESRCH {
				e = 0
			}
		}
	}
	return 0, e
}

// membarrier is a barrier for all guests, whatever the command says: they are threads of one
// process of the host. One that the host cannot reach is kicked, which is a barrier too.
func membarrier(t *proc.Thread, a Args) (int64, linux.Errno) {
	const (
		query   = 0
		known   = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 // global, its expedited forms, private expedited
		noFlags = 0
	)
	cmd := a.Uint(0)
	switch {
	case a.Uint(1) != noFlags:
		return 0, linux.EINVAL
	case cmd == query:
		return known, 0
	case cmd&(cmd-1) != 0, cmd&^uint32(known) != 0:
		return 0, linux.EINVAL
	}
	if !engine.Barrier() {
		t.Process().KickOthers(t)
	}
	return 0, 0
}
