package signalfd

import (
	"math"

	"vkernel/internal/signal"
	"vkernel/internal/state"
)

// StateType names the type in what is saved.
func (*File) StateType() string { return "signalfd.File" }

// SaveState writes the object.
func (f *File) SaveState(e *state.Encoder) { e.Uint(f.set.Load()) }

// LoadState reads it.
func (f *File) LoadState(d *state.Decoder) { f.SetMask(signal.Set(d.Uint(math.MaxUint64))) }

// Types are what this package saves.
var Types = []state.Type{state.Of[File](1)}
