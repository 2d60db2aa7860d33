package proc

import (
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/mutant"
)

// Securebits are the secure bits of a process (linux.SECBIT_*). The kernel keeps them by Linux's rules;
// interpreters ask for the two about execution, and honour them: with SECBIT_EXEC_RESTRICT_FILE they
// interpret only files that pass AT_EXECVE_CHECK, with SECBIT_EXEC_DENY_INTERACTIVE nothing that
// comes from no file. A manifest may set them, locked, for an entry.
type Securebits struct{ bits atomic.Uint32 }

// servedBits are those that have their effect here. The others are about capabilities, of which this
// kernel knows all or none.
const servedBits = linux.SECURE_ALL_UNPRIVILEGED | linux.SECBIT_KEEP_CAPS | linux.SECBIT_NO_CAP_AMBIENT_RAISE

// Get gives the bits.
func (s *Securebits) Get() uint32 { return s.bits.Load() }

// Set is PR_SET_SECUREBITS by somebody who is root, or not. A lock is for ever, and so is the bit
// below it.
func (s *Securebits) Set(bits uint32, super bool) linux.Errno {
	for {
		old := s.bits.Load()
		changed, locks := old^bits, old&linux.SECURE_ALL_LOCKS
		if mutant.Off("exec.securebits-lock") {
			locks = 0
		}
		const anybody = linux.SECURE_ALL_UNPRIVILEGED | linux.SECURE_ALL_UNPRIVILEGED<<1
		switch {
		case locks>>1&changed != 0, locks&^bits != 0,
			bits&^(servedBits|servedBits<<1) != 0,
			!super && (changed == 0 || changed&^anybody != 0):
			return linux.EPERM
		}
		if s.bits.CompareAndSwap(old, bits) {
			return 0
		}
	}
}

// KeepCaps is PR_SET_KEEPCAPS: a bit with a call of its own.
func (s *Securebits) KeepCaps(keep bool) linux.Errno {
	for {
		old := s.bits.Load()
		now := old &^ linux.SECBIT_KEEP_CAPS
		if keep {
			now |= linux.SECBIT_KEEP_CAPS
		}
		if old&(linux.SECBIT_KEEP_CAPS<<1) != 0 {
			return linux.EPERM
		}
		if s.bits.CompareAndSwap(old, now) {
			return 0
		}
	}
}

// after gives what they are after execve of a program that sets some.
func (s *Securebits) after(set uint32) uint32 { return execSecurebits(s.Get(), set) }

func execSecurebits(old, set uint32) uint32 { return old&^linux.SECBIT_KEEP_CAPS | set | set<<1 }

// exec is what execve does to them: all but one are kept, and those of the new program are set, with
// their locks.
func (s *Securebits) exec(set uint32) {
	if mutant.Off("exec.securebits") {
		set = 0
	}
	for {
		old := s.bits.Load()
		now := execSecurebits(old, set)
		if old == now || s.bits.CompareAndSwap(old, now) {
			return
		}
	}
}
