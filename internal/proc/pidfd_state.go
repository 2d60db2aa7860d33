package proc

import "vkernel/internal/state"

// StateType names the type in what is saved.
func (*PidFD) StateType() string { return "proc.PidFD" }

// SaveState writes the object.
func (f *PidFD) SaveState(e *state.Encoder) { state.Ref(e, f.process.Load()) }

// LoadState reads it.
func (f *PidFD) LoadState(d *state.Decoder) { f.process.Store(state.Get[*Process](d)) }
