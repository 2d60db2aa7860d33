package proc

import (
	"sync/atomic"

	"vkernel/internal/engine"
	"vkernel/internal/vfs"
)

// Programs tells what a content may be executed as.
type Programs interface {
	// Lookup finds what the content with this SHA-256 starts, if it may start at all.
	Lookup(sha256 [32]byte) (Target, bool)
}

// Target is what a content starts.
type Target struct {
	Program *Program // nil for a script
	Thunk   uint32   // of the exported function to call
	// Prepare, if any, readies a process for the program's ABI after execve has replaced it.
	Prepare func(t *Thread)

	Script      bool
	Interpreter string // that the first line of a script has to name
}

// Program is native code that is ready to run: its imports are bound.
type Program struct {
	Code  *engine.Program
	Calls []Handler // by import index
}

// ImportName names an import, for messages.
func (p *Program) ImportName(index int) string {
	if index < 0 || index >= len(p.Code.Meta.Imports) {
		return "no call"
	}
	i := &p.Code.Meta.Imports[index]
	return i.Module + "." + i.Name
}

// Image is what a process executes, since its last execve. What others see of it is
// immutable.
type Image struct {
	Target Target
	Exe    vfs.Path // of the program; for a script, of its interpreter
	Argv   []string
	Env    []string

	size  int64        // of Argv and Env, see Arguments
	users atomic.Int32 // processes
}
