package signal

import (
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Types are what this package saves.
var Types = []state.Type{state.Of[State](1), state.Of[Thread](1)}

// maxSaved bounds a queue that is loaded: more is queued by no limit.
const maxSaved = 1 << 16

// StateType names the type.
func (*State) StateType() string { return "signal.State" }

// SaveState writes the state. Who is told of signals comes again.
func (s *State) SaveState(e *state.Encoder) {
	e.Bool(s.actions != nil)
	if s.actions != nil {
		for sig := range s.actions {
			s.actions[sig].SaveState(e)
		}
	}
	s.shared.SaveState(e)
	e.Len(len(s.threads))
	for _, t := range s.threads {
		state.Ref(e, t)
	}
	e.Uint(uint64(s.limit))
}

// LoadState reads it. Actions are no longer shared with a parent's or child's: own says whose they are.
func (s *State) LoadState(d *state.Decoder) {
	if d.Bool() {
		s.actions, s.own = new(actions), true
		for sig := range s.actions {
			s.actions[sig].LoadState(d)
		}
	}
	s.shared.LoadState(d)
	for range d.Count(1) {
		s.threads = append(s.threads, state.Need[*Thread](d))
	}
	s.limit = int(d.Uint(maxSaved))
}

// SaveState writes an action.
func (a *Action) SaveState(e *state.Encoder) {
	e.Uint(uint64(a.Handler))
	e.Uint(uint64(a.Restorer))
	e.Uint(a.Flags)
	e.Uint(uint64(a.Mask))
}

// LoadState reads an action.
func (a *Action) LoadState(d *state.Decoder) {
	a.Handler, a.Restorer = uint32(d.Uint(1<<32-1)), uint32(d.Uint(1<<32-1))
	a.Flags, a.Mask = d.Uint(1<<64-1), Set(d.Uint(1<<64-1))
}

// SaveState writes what is pending.
func (q *queue) SaveState(e *state.Encoder) {
	e.Len(len(q.info))
	for k := range q.info {
		i := &q.info[k]
		e.Int(int64(i.Signo))
		e.Int(int64(i.Errno))
		e.Int(int64(i.Code))
		for _, v := range i.Fields {
			e.Uint(v)
		}
	}
}

// LoadState reads it; the set follows from the list.
func (q *queue) LoadState(d *state.Decoder) {
	n := d.Count(3)
	if n > maxSaved {
		d.Failf("%d signals are pending", n)
		return
	}
	for range n {
		var i linux.SigInfo
		i.Signo = int32(d.Int(1, linux.NSIG))
		i.Errno, i.Code = int32(d.Int(-1<<31, 1<<31-1)), int32(d.Int(-1<<31, 1<<31-1))
		for k := range i.Fields {
			i.Fields[k] = d.Uint(1<<64 - 1)
		}
		if d.Failed() {
			return
		}
		q.set |= bit(linux.Signal(i.Signo))
		q.info = append(q.info, i)
	}
}

// StateType names the type.
func (*Thread) StateType() string { return "signal.Thread" }

// SaveState writes the thread's part. Bits of Work beside Pending are written by package proc.
func (t *Thread) SaveState(e *state.Encoder) {
	state.Ref(e, t.state)
	for _, s := range []Set{t.blocked, t.saved, t.awaited} {
		e.Uint(uint64(s))
	}
	e.Bool(t.suspended)
	e.Bool(t.ended)
	t.private.SaveState(e)
	e.Uint(uint64(t.stack.SP))
	e.Int(int64(t.stack.Flags))
	e.Uint(uint64(t.stack.Size))
}

// LoadState reads it. Its alarm is set by Connect.
func (t *Thread) LoadState(d *state.Decoder) {
	t.state = state.Need[*State](d)
	for _, s := range []*Set{&t.blocked, &t.saved, &t.awaited} {
		*s = Set(d.Uint(1<<64-1)) &^ Unblockable
	}
	t.suspended, t.ended = d.Bool(), d.Bool()
	t.private.LoadState(d)
	t.stack.SP = uint32(d.Uint(1<<32 - 1))
	t.stack.Flags = int32(d.Int(-1<<31, 1<<31-1))
	t.stack.Size = uint32(d.Uint(1<<32 - 1))
	t.owner = alarm(func() {})
}

// Connect gives a thread that was loaded its alarm, and looks whether there is something for it.
func (t *Thread) Connect(f func()) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	t.owner = alarm(f)
	t.refreshLocked()
}
