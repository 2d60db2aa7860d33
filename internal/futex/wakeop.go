package futex

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// Change is FUTEX_WAKE_OP's last argument: what is done to a word, and what its old value must
// be for its waiters to be woken. 4 bits each of operation and comparison, 12 of each operand.
type Change uint32

// operand is one of the signed numbers of 12 bits.
func (c Change) operand(shift uint) int32 { return int32(uint32(c)<<(20-shift)) >> 20 }

// apply is the new value of a word. ENOSYS: there is no such operation.
func (c Change) apply(old uint32) (uint32, linux.Errno) {
	arg := uint32(c.operand(12))
	op := uint32(c) >> 28
	if op&linux.FUTEX_OP_OPARG_SHIFT != 0 {
		arg = 1 << (arg & 31)
	}
	switch op &^ linux.FUTEX_OP_OPARG_SHIFT {
	case linux.FUTEX_OP_SET:
		return arg, 0
	case linux.FUTEX_OP_ADD:
		return old + arg, 0
	case linux.FUTEX_OP_OR:
		return old | arg, 0
	case linux.FUTEX_OP_ANDN:
		return old &^ arg, 0
	case linux.FUTEX_OP_XOR:
		return old ^ arg, 0
	}
	return 0, linux.ENOSYS
}

// holds compares the old value. ENOSYS: there is no such comparison.
func (c Change) holds(word uint32) (bool, linux.Errno) {
	old, arg := int32(word), c.operand(0)
	switch uint32(c) >> 24 & 15 {
	case linux.FUTEX_OP_CMP_EQ:
		return old == arg, 0
	case linux.FUTEX_OP_CMP_NE:
		return old != arg, 0
	case linux.FUTEX_OP_CMP_LT:
		return old < arg, 0
	case linux.FUTEX_OP_CMP_LE:
		return old <= arg, 0
	case linux.FUTEX_OP_CMP_GT:
		return old > arg, 0
	case linux.FUTEX_OP_CMP_GE:
		return old >= arg, 0
	}
	return false, linux.ENOSYS
}

// exchange changes the word at a, in one step for the guest's other threads.
func (c Change) exchange(mem guest.Memory, a guest.Addr) (old uint32, e linux.Errno) {
	for range tries {
		old, e := guest.LoadUint32(mem, a)
		if e != 0 {
			return 0, e
		}
		v, e := c.apply(old)
		if e != 0 {
			return 0, e
		}
		if done, e := guest.CompareAndSwapUint32(mem, a, old, v); done || e != 0 {
			return old, e
		}
	}
	return 0, linux.EAGAIN
}

// WakeOp changes the word of second, which is at a, and wakes n waiters of first, and m of second if the
// word's old value is as the change says, all in one step for those who enter. It gives how
// many it woke.
func (c *Crossing) WakeOp(first, second Key, n, m int, mem guest.Memory, a guest.Addr, change Change) (count int, e linux.Errno) {
	if first.Set != second.Set {
		c.mu.Lock()
		defer c.mu.Unlock()
		second.Set.mu.Lock()
		defer second.Set.mu.Unlock()
	}
	first.Set.mu.Lock()
	defer first.Set.mu.Unlock()
	old, e := change.exchange(mem, a)
	if e != 0 {
		return 0, e
	}
	both, e := change.holds(old)
	if e != 0 {
		return 0, e
	}
	count = first.wakeLocked(n, Any)
	if both {
		count += second.wakeLocked(m, Any)
	}
	return count, 0
}
