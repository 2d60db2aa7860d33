package proc

import (
	"math"
	"slices"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/state"
)

// The parts of processes and threads that are values: each is written in line by whoever has it.

// SaveState writes the limits.
func (l *Limits) SaveState(e *state.Encoder) {
	for _, v := range l.values {
		e.Uint(v.Cur)
		e.Uint(v.Max)
	}
}

// LoadState reads them.
func (l *Limits) LoadState(d *state.Decoder) {
	for k := range l.values {
		v := &l.values[k]
		v.Cur, v.Max = d.Uint(math.MaxUint64), d.Uint(math.MaxUint64)
		if v.Cur > v.Max {
			d.Failf("limit %d is %d, above its hard limit %d", k, v.Cur, v.Max)
		}
	}
	if n := l.values[linux.RLIMIT_NOFILE].Max; n > maxFiles {
		d.Failf("RLIMIT_NOFILE %d, at most %d", n, maxFiles)
	}
}

// SaveState writes credentials.
func (c *Cred) SaveState(e *state.Encoder) {
	for _, id := range [...]uint32{c.UID, c.EUID, c.SUID, c.FSUID, c.GID, c.EGID, c.SGID, c.FSGID} {
		e.Uint(uint64(id))
	}
	e.Len(len(c.Groups))
	for _, g := range c.Groups {
		e.Uint(uint64(g))
	}
}

// LoadState reads them into credentials that nobody has seen yet.
func (c *Cred) LoadState(d *state.Decoder) {
	for _, id := range [...]*uint32{&c.UID, &c.EUID, &c.SUID, &c.FSUID, &c.GID, &c.EGID, &c.SGID, &c.FSGID} {
		*id = uint32(d.Uint(math.MaxUint32))
	}
	for range d.Count(1) {
		c.Groups = append(c.Groups, uint32(d.Uint(math.MaxUint32)))
	}
	if !slices.IsSorted(c.Groups) {
		d.Failf("groups that are not sorted")
	}
}

// SaveState writes the secure bits.
func (s *Securebits) SaveState(e *state.Encoder) { e.Uint(uint64(s.bits.Load())) }

// LoadState reads them.
func (s *Securebits) LoadState(d *state.Decoder) {
	s.bits.Store(uint32(d.Uint(servedBits | servedBits<<1)))
}

// SaveState writes the names.
func (u *UTS) SaveState(e *state.Encoder) {
	e.String(u.node)
	e.String(u.domain)
}

// LoadState reads them.
func (u *UTS) LoadState(d *state.Decoder) { u.node, u.domain = d.String(), d.String() }

// SaveState writes what was used.
func (u *Usage) SaveState(e *state.Encoder) {
	e.Duration(u.Times.User)
	e.Duration(u.Times.System)
	e.Uint(u.MaxRSS)
	e.Int(u.Sleeps)
	e.Int(u.Evictions)
}

// LoadState reads it.
func (u *Usage) LoadState(d *state.Decoder) {
	u.Times.User, u.Times.System = time.Duration(d.Int(0, math.MaxInt64)), time.Duration(d.Int(0, math.MaxInt64))
	u.MaxRSS = d.Uint(math.MaxUint64)
	u.Sleeps, u.Evictions = d.Int(0, math.MaxInt64), d.Int(0, math.MaxInt64)
}

// SaveState writes where the robust list is.
func (r *Robust) SaveState(e *state.Encoder) {
	e.Uint(uint64(r.Head))
	e.Uint(uint64(r.Len))
}

// LoadState reads it.
func (r *Robust) LoadState(d *state.Decoder) {
	r.Head, r.Len = uint32(d.Uint(math.MaxUint32)), uint32(d.Uint(SizeofRobust64))
}

// SaveState writes a call that was made.
func (c *call) SaveState(e *state.Encoder) {
	e.Int(int64(c.index))
	for _, a := range c.args {
		e.Uint(a)
	}
	e.Int(c.n)
	e.Uint(uint64(c.e))
	e.Deadline(c.deadline)
	e.Int(c.progress)
}

// load reads a call of a program with so many imports. One that is over may be another program's: the execve that began
// this one.
func (c *call) load(d *state.Decoder, imports int) {
	c.index = int(d.Int(callWait, math.MaxInt32))
	for k := range c.args {
		c.args[k] = d.Uint(math.MaxUint64)
	}
	c.n = d.Int(math.MinInt64, math.MaxInt64)
	c.e = linux.Errno(d.Uint(uint64(ERESTART_RESTARTBLOCK)))
	c.deadline = d.Deadline()
	c.progress = d.Int(0, math.MaxInt64)
	if restarts(c.e) && (c.index == none.index || c.index >= imports) {
		d.Failf("call %d is to be made again, and is none of %d", c.index, imports)
	}
}

// SaveState writes what a handler has interrupted.
func (f *frame) SaveState(e *state.Encoder) {
	e.Uint(uint64(f.before))
	f.call.SaveState(e)
	e.Uint(uint64(f.context))
	e.Bool(f.cut)
}

// load reads it.
func (f *frame) load(d *state.Decoder, imports int) {
	f.before = signal.Set(d.Uint(math.MaxUint64)) &^ signal.Unblockable
	f.call.load(d, imports)
	f.context = uint32(d.Uint(math.MaxUint32))
	f.cut = d.Bool()
}
