package fd

import (
	"math"

	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/state"
	"vkernel/internal/wait"
)

// saveState writes who gets signals, and of what; what is registered follows from that.
func (a *async) saveState(e *state.Encoder) {
	state.RefAny(e, a.groups)
	o := &a.owner
	e.Uint(uint64(o.Type))
	e.Uint(uint64(o.ID))
	state.Ref(e, o.Process)
	state.Ref(e, o.Thread)
	e.Uint(uint64(o.UID))
	e.Uint(uint64(o.EUID))
	e.Uint(uint64(a.sig))
	e.Uint(uint64(a.number))
	e.Uint(uint64(a.ends))
	seen := uint32(0)
	if a.marked() {
		seen = a.seen
	}
	e.Uint(uint64(seen))
}

// loadState reads it. What is registered is made again when all objects are there.
func (a *async) loadState(s *state.Decoder, d *Description) {
	a.groups = state.Get[Groups](s)
	o := &a.owner
	o.Type = int32(s.Uint(linux.F_OWNER_PGRP))
	o.ID = int32(s.Uint(math.MaxInt32))
	o.Process = state.Get[*signal.State](s)
	o.Thread = state.Get[*signal.Thread](s)
	o.UID, o.EUID = uint32(s.Uint(math.MaxUint32)), uint32(s.Uint(math.MaxUint32))
	a.sig = linux.Signal(s.Uint(linux.NSIG))
	a.number = int32(s.Uint(math.MaxInt32))
	a.ends = wait.Events(s.Uint(uint64(wait.In | wait.Out)))
	seen := uint32(s.Uint(math.MaxUint32))
	if o.ID != 0 && a.groups == nil {
		s.Failf("signals of a descriptor for %d of nowhere", o.ID)
	}
	s.After(func() error {
		if q := d.file.Queue(); d.Flags()&linux.O_ASYNC != 0 && q != nil {
			q.AddTeller(&a.entry, a, tellsOf)
		}
		if seen != 0 && !d.path.IsZero() {
			a.markLocked(d.path, seen)
		}
		return nil
	})
}
