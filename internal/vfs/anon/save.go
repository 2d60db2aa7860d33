package anon

import "vkernel/internal/state"

// Types are what this package saves: that the inode is meant, of which there is one.
var Types = []state.Type{{Name: inode.StateType(), Version: 1, New: func() state.Object { return inode }}}

// StateType names the type.
func (*node) StateType() string { return "anon.node" }

// SaveState writes nothing.
func (*node) SaveState(*state.Encoder) {}

// LoadState reads nothing.
func (*node) LoadState(*state.Decoder) {}
