package proc

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// Args are the arguments of a system call, as the guest passed them: i32 zero-extended.
type Args [6]uint64

// Handler is the body of a system call: its result, or an errno.
type Handler func(t *Thread, a Args) (int64, linux.Errno)

// Int is argument i as a C int.
func (a *Args) Int(i int) int32 { return int32(a[i]) }

// Uint is argument i as an unsigned int, a flags word or a mode.
func (a *Args) Uint(i int) uint32 { return uint32(a[i]) }

// Addr is argument i as a pointer.
func (a *Args) Addr(i int) guest.Addr { return uint32(a[i]) }

// Size is argument i as a size_t.
func (a *Args) Size(i int) uint32 { return uint32(a[i]) }

// Long is argument i as a long or off_t.
func (a *Args) Long(i int) int64 { return int64(a[i]) }

// Signal is argument i as a signal number.
func (a *Args) Signal(i int) linux.Signal { return linux.Signal(int32(a[i])) }
