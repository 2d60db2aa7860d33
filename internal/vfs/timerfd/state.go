package timerfd

import (
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// StateType names the type in what is saved.
func (*File) StateType() string { return "timerfd.File" }

// SaveState writes the object. The deadline is what the clock shows then, and the container's clocks go
// on; host is made anew from it.
func (f *File) SaveState(e *state.Encoder) {
	state.RefAny(e, f.clocks)
	e.Uint(uint64(f.clock))
	e.Duration(f.deadline)
	e.Duration(f.interval)
	e.Uint(uint64(f.flags))
}

// LoadState reads it, and arms the host's timer when all is there.
func (f *File) LoadState(d *state.Decoder) {
	f.clocks = state.Need[Clocks](d)
	f.clock = int32(d.Uint(linux.CLOCK_TAI))
	f.deadline = time.Duration(d.Int(0, 1<<62))
	f.interval = time.Duration(d.Int(0, 1<<62))
	f.flags = uint32(d.Uint(linux.TFD_TIMER_ABSTIME | linux.TFD_TIMER_CANCEL_ON_SET))
	f.host = nil
	d.After(func() error {
		f.Rearm()
		return nil
	})
}

// Types are what this package saves.
var Types = []state.Type{state.Of[File](1)}
