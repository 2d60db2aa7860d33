package engine

import (
	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// leastStack is what LimitStack leaves at least: room for a handler's first frames.
const leastStack = 2 * handlerRoom

// LimitStack makes the native stack of a fresh instance end after n bytes, if that is less
// than it has: what is below becomes guard. Forks have the same limit.
func (i *Instance) LimitStack(n uint64) linux.Errno {
	if n >= stackSize {
		return 0
	}
	top := i.at + i.p.stackTop
	return i.guardStack((top - uintptr(max(n, leastStack)) + pageSize - 1) &^ (pageSize - 1))
}

// guardStack raises the end of the stack to low.
func (i *Instance) guardStack(low uintptr) linux.Errno {
	if low <= i.stackLow {
		return 0
	}
	if e := mprotect(i.stackLow, low-i.stackLow, unix.PROT_NONE); e != 0 {
		return linux.ENOMEM
	}
	i.setStackLow(low)
	return 0
}

// unlimitStack makes the stack as large as it was.
func (i *Instance) unlimitStack() linux.Errno {
	low := i.at + i.p.stackLow
	if low >= i.stackLow {
		return 0
	}
	if e := mprotect(low, i.stackLow-low, unix.PROT_READ|unix.PROT_WRITE); e != 0 {
		return e
	}
	i.setStackLow(low)
	return 0
}
