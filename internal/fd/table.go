package fd

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/vfs/lock"
)

// MaxFiles bounds every table, whatever RLIMIT_NOFILE says.
const MaxFiles = 1 << 20

// slots is the numbers of a table. Its length never changes; a longer one replaces it.
type slots []atomic.Pointer[Description]

// Table is the descriptors of a process, or of several (CLONE_FILES). NewTable makes it.
//
// limit, where it is a parameter, is RLIMIT_NOFILE of the caller.
type Table struct {
	slots atomic.Pointer[slots]
	users atomic.Int32                  // processes that share it
	locks atomic.Pointer[lock.Registry] // where POSIX locks may be held by this table

	mu sync.Mutex

	// guarded by mu; slots are stored to only under it
	used    []uint64 // bitmap
	cloexec []uint64 // bitmap of FD_CLOEXEC

	first firstSlots // what a small table begins with, so that it is one piece
}

// firstSlots are the first numbers of a table.
type firstSlots struct {
	slots         slots
	used, cloexec [1]uint64
	at            [smallTable]atomic.Pointer[Description]
}

// smallTable is how many numbers most processes need at most.
const smallTable = 16

// NewTable makes an empty table.
func NewTable() *Table {
	t := new(Table)
	t.init(smallTable)
	return t
}

// init makes a zero value an empty table with room for some numbers: smallTable, or a multiple of 64.
func (t *Table) init(size int) {
	t.users.Store(1)
	if f := &t.first; size <= smallTable {
		f.slots = f.at[:]
		t.used, t.cloexec = f.used[:], f.cloexec[:]
		t.slots.Store(&f.slots)
		return
	}
	t.used, t.cloexec = make([]uint64, size/64), make([]uint64, size/64)
	s := make(slots, size)
	t.slots.Store(&s)
}

// Size is how many numbers the table has room for now; it grows with the highest.
func (t *Table) Size() int { return len(*t.slots.Load()) }

// Get gives the description of a number with a reference, which the caller gives back.
// EBADF: not open, or opened with O_PATH.
func (t *Table) Get(n int32) (*Description, linux.Errno) {
	d, e := t.GetAny(n)
	if e == 0 && d.Flags()&linux.O_PATH != 0 {
		d.Unref()
		return nil, linux.EBADF
	}
	return d, e
}

// GetAny is Get for calls that take O_PATH descriptors.
func (t *Table) GetAny(n int32) (*Description, linux.Errno) {
	s := *t.slots.Load()
	if uint64(uint32(n)) >= uint64(len(s)) {
		return nil, linux.EBADF
	}
	for {
		d := s[n].Load()
		if d == nil {
			return nil, linux.EBADF
		}
		if d.tryRef() {
			return d, 0
		}
		// Closed since: the number is empty or leads elsewhere by now, in this array or
		// in a longer one.
		s = *t.slots.Load()
	}
}

// Install gives d the lowest free number that is at least from. It takes over the caller's
// reference, also when it fails. EMFILE: none below limit.
func (t *Table) Install(d *Description, from int, cloexec bool, limit uint64) (int32, linux.Errno) {
	t.mu.Lock()
	n := t.freeLocked(from)
	if n >= bound(limit) {
		t.mu.Unlock()
		d.Unref()
		return 0, linux.EMFILE
	}
	t.growLocked(n)
	t.setLocked(n, d, cloexec)
	t.mu.Unlock()
	return int32(n), 0
}

// InstallPair gives two descriptions numbers, both or none (pipe2).
func (t *Table) InstallPair(a, b *Description, cloexec bool, limit uint64) (x, y int32, e linux.Errno) {
	x, e = t.Install(a, 0, cloexec, limit)
	if e != 0 {
		b.Unref()
		return 0, 0, e
	}
	y, e = t.Install(b, 0, cloexec, limit)
	if e != 0 {
		t.Close(x)
	}
	return x, y, e
}

// Replace gives d the number n and closes what it was before (dup2, dup3). It takes over
// the caller's reference, also when it fails. EBADF: n is not below limit.
func (t *Table) Replace(d *Description, n int32, cloexec bool, limit uint64) linux.Errno {
	if n < 0 || int(n) >= bound(limit) {
		d.Unref()
		return linux.EBADF
	}
	t.mu.Lock()
	t.growLocked(int(n))
	old := (*t.slots.Load())[n].Load()
	t.setLocked(int(n), d, cloexec)
	t.mu.Unlock()
	t.closed(old)
	return 0
}

// Close is close(2).
func (t *Table) Close(n int32) linux.Errno {
	t.mu.Lock()
	d := t.clearLocked(int(n))
	t.mu.Unlock()
	if d == nil {
		return linux.EBADF
	}
	t.closed(d)
	return 0
}

// closed gives up what a number held: its reference, and the POSIX locks of this table on
// the file, through whichever number they were set.
func (t *Table) closed(d *Description) {
	if d == nil {
		return
	}
	if r := t.locks.Load(); r != nil {
		if k, e := d.LockKey(); e == 0 {
			r.Drop(k, t)
		}
	}
	d.Unref()
}

// HoldsLocks has the POSIX locks that t owns in r given up when their files are closed.
func (t *Table) HoldsLocks(r *lock.Registry) { t.locks.Store(r) }

// CloseRange is close_range(2) for first to last, both included.
func (t *Table) CloseRange(first, last uint32) {
	t.closeIf(func(n int, _ bool) bool { return uint32(n) >= first && uint32(n) <= last })
}

// CloseOnExec closes the numbers that have FD_CLOEXEC.
func (t *Table) CloseOnExec() { t.closeIf(func(_ int, cloexec bool) bool { return cloexec }) }

// closeIf closes the numbers that match, in ascending order.
func (t *Table) closeIf(match func(n int, cloexec bool) bool) {
	var gone []*Description
	t.mu.Lock()
	t.eachLocked(func(n int) {
		if match(n, has(t.cloexec, n)) {
			gone = append(gone, t.clearLocked(n))
		}
	})
	t.mu.Unlock()
	for _, d := range gone {
		t.closed(d)
	}
}

// Cloexec reports whether FD_CLOEXEC is set.
func (t *Table) Cloexec(n int32) (bool, linux.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !has(t.used, int(n)) {
		return false, linux.EBADF
	}
	return has(t.cloexec, int(n)), 0
}

// SetCloexec sets or clears FD_CLOEXEC.
func (t *Table) SetCloexec(n int32, on bool) linux.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !has(t.used, int(n)) {
		return linux.EBADF
	}
	set(t.cloexec, int(n), on)
	return 0
}

// SetCloexecRange sets FD_CLOEXEC for first to last (CLOSE_RANGE_CLOEXEC).
func (t *Table) SetCloexecRange(first, last uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.eachLocked(func(n int) {
		if uint32(n) >= first && uint32(n) <= last {
			set(t.cloexec, n, true)
		}
	})
}

// Numbers gives the numbers in use, ascending (/proc/PID/fd).
func (t *Table) Numbers() []int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ns []int32
	t.eachLocked(func(n int) { ns = append(ns, int32(n)) })
	return ns
}

// Fork copies the table for a new process. Both refer to the same descriptions.
func (t *Table) Fork() *Table {
	c := new(Table)
	t.ForkInto(c)
	return c
}

// ForkInto is Fork; c is a zero value.
func (t *Table) ForkInto(c *Table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := smallTable
	for n := len(t.used) - 1; n >= 0; n-- {
		if t.used[n]>>smallTable != 0 || n > 0 && t.used[n] != 0 {
			size = (n + 1) * 64
			break
		}
	}
	c.init(size)
	copy(c.used, t.used)
	copy(c.cloexec, t.cloexec)
	from, to := *t.slots.Load(), *c.slots.Load()
	t.eachLocked(func(n int) { to[n].Store(from[n].Load().Ref()) })
}

// Share counts a further process that uses the same table (CLONE_FILES).
func (t *Table) Share() *Table {
	t.users.Add(1)
	return t
}

// Shared reports whether several processes use the table.
func (t *Table) Shared() bool { return t.users.Load() > 1 }

// Release ends a process's use of the table. The last one closes every number.
func (t *Table) Release() {
	if t.users.Add(-1) == 0 {
		t.CloseRange(0, MaxFiles)
	}
}

// bound turns RLIMIT_NOFILE into the first number that is too high.
func bound(limit uint64) int { return int(min(limit, MaxFiles)) }

// freeLocked gives the lowest free number from a start.
func (t *Table) freeLocked(from int) int {
	for i := from / 64; i < len(t.used); i++ {
		word := t.used[i]
		if i == from/64 {
			word |= 1<<(from%64) - 1
		}
		if word != ^uint64(0) {
			return i*64 + bits.TrailingZeros64(^word)
		}
	}
	return max(from, len(t.used)*64)
}

// growLocked makes room for the number n.
func (t *Table) growLocked(n int) {
	old := *t.slots.Load()
	if n < len(old) {
		return
	}
	size := max(len(old), 64)
	for size <= n {
		size *= 2
	}
	s := make(slots, size)
	for i := range old {
		s[i].Store(old[i].Load())
	}
	t.used = append(t.used, make([]uint64, size/64-len(t.used))...)
	t.cloexec = append(t.cloexec, make([]uint64, size/64-len(t.cloexec))...)
	t.slots.Store(&s)
}

// setLocked puts d at n, for which there is room.
func (t *Table) setLocked(n int, d *Description, cloexec bool) {
	(*t.slots.Load())[n].Store(d)
	set(t.used, n, true)
	set(t.cloexec, n, cloexec)
}

// clearLocked empties n and gives what was there.
func (t *Table) clearLocked(n int) *Description {
	if !has(t.used, n) {
		return nil
	}
	set(t.used, n, false)
	set(t.cloexec, n, false)
	return (*t.slots.Load())[n].Swap(nil)
}

// eachLocked calls f for the numbers in use, ascending; f may empty its number.
func (t *Table) eachLocked(f func(n int)) {
	for i := range t.used {
		for word := t.used[i]; word != 0; word &= word - 1 {
			f(i*64 + bits.TrailingZeros64(word))
		}
	}
}

func has(b []uint64, n int) bool {
	return n >= 0 && n/64 < len(b) && b[n/64]>>(n%64)&1 != 0
}

func set(b []uint64, n int, on bool) {
	if on {
		b[n/64] |= 1 << (n % 64)
	} else {
		b[n/64] &^= 1 << (n % 64)
	}
}
