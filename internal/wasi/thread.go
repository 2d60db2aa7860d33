package wasi

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// threadSpawn starts a thread: it has its own globals and stack, and the memory of all. It
// sets its __stack_pointer from what arg points to.
func threadSpawn(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	tid, e := t.SpawnExport("wasi_thread_start", a.Uint(0))
	return int64(tid), e
}
