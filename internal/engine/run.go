package engine

/*
#cgo CFLAGS: -O2 -Wall -Werror
#cgo noescape vk_run
#cgo nocallback vk_run
#include "run.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"vkernel/internal/engine/layout"
)

// Exit says why a guest left compiled code: one of layout.Exit*.
type Exit int

// kickSignal preempts guests: a real-time signal that Go's runtime and the C library leave
// alone.
const kickSignal = syscall.Signal(41)

// The signal handlers belong to the process, not to a Code.
var (
	signalsOnce sync.Once
	signalsErr  error
)

func initSignals() error {
	signalsOnce.Do(func() {
		if e := C.vk_init(C.int(kickSignal)); e != 0 {
			signalsErr = fmt.Errorf("install signal handlers: %w", syscall.Errno(e))
		}
	})
	return signalsErr
}

// useFSGSBASE lets tests choose the slow way to set GS, for hosts without the instruction.
func useFSGSBASE(on bool) {
	n := C.int(0)
	if on {
		n = 1
	}
	C.vk_use_fsgsbase(n)
}

// Resume runs the guest until it leaves. A context that left through an import gets result;
// one that was interrupted gets all its registers back, and result is ignored. After an
// ExitPreempt that came before the guest was entered the first result is kept, and that of
// the next Resume ignored.
func (i *Instance) Resume(result uint64) Exit {
	if i.held || i.state != atFrame {
		return i.resumeOther(result)
	}
	kind := uint64(C.vk_run(C.uintptr_t(i.base), C.uint64_t(result), 0))
	if kind == layout.ExitSyscall {
		return layout.ExitSyscall
	}
	return i.left(kind, result)
}

// resumeOther is Resume where something else than a frame and its result is to be used.
func (i *Instance) resumeOther(result uint64) Exit {
	if i.held {
		result, i.held = i.result, false
	}
	var full C.uint64_t
	switch i.state {
	case returned:
		return layout.ExitReturn
	case interrupted:
		full = 1
	}
	i.state = atFrame
	kind := uint64(C.vk_run(C.uintptr_t(i.base), C.uint64_t(result), full))
	if kind == heldExit && full != 0 {
		i.state = interrupted
		i.acknowledge()
		return layout.ExitPreempt
	}
	return i.left(kind, result)
}

// heldExit is VK_EXIT_HELD of run.h.
const heldExit = 255

// left notes how the guest left.
func (i *Instance) left(kind, result uint64) Exit {
	switch kind {
	case layout.ExitReturn:
		i.state = returned
	case layout.ExitSave, layout.ExitLoad, layout.ExitTable:
		return i.serve(kind)
	case layout.ExitTrap:
		i.state = interrupted
	case layout.ExitPreempt:
		i.state = interrupted
		i.acknowledge()
	case heldExit:
		i.held, i.result = true, result
		i.acknowledge()
		return layout.ExitPreempt
	}
	return Exit(kind)
}

// acknowledge ends a kick: its ExitPreempt is on the way to the caller.
func (i *Instance) acknowledge() { atomic.StoreUint32(&i.save().kick, 0) }
