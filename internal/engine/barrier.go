package engine

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2).
const (
	barrierExpedited = 1 << 3
	barrierRegister  = 1 << 4
)

var registerBarrier = sync.OnceValue(func() bool {
	_, _, e := unix.Syscall(unix.SYS_MEMBARRIER, barrierRegister, 0, 0)
	return e == 0
})

// Barrier makes each thread of the host process that runs pass a memory barrier before it
// returns, and so all guests in compiled code. It reports whether the host can do it.
func Barrier() bool {
	if !registerBarrier() {
		return false
	}
	_, _, e := unix.Syscall(unix.SYS_MEMBARRIER, barrierExpedited, 0, 0)
	return e == 0
}
