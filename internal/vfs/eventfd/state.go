package eventfd

import (
	"math"

	"vkernel/internal/state"
)

// StateType names the type in what is saved.
func (*File) StateType() string { return "eventfd.File" }

// SaveState writes the object.
func (f *File) SaveState(e *state.Encoder) {
	e.Bool(f.semaphore)
	e.Uint(f.count)
}

// LoadState reads it.
func (f *File) LoadState(d *state.Decoder) {
	f.semaphore = d.Bool()
	f.count = d.Uint(math.MaxUint64 - 1)
}

// Types are what this package saves.
var Types = []state.Type{state.Of[File](1)}
