package wasi

import (
	"sync"
	"sync/atomic"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// grant is what a descriptor has beyond Linux. It is immutable, and holds for as long as
// its number leads to d.
type grant struct {
	d                *fd.Description
	base, inheriting uint64 // rights
	nonblock         bool
	preopen          string // name of a preopened directory
}

// ungranted is the grant of a descriptor that the process inherited.
var ungranted = grant{base: rightsAll, inheriting: rightsAll}

// slots are grants by number. Its length never changes; a longer one replaces it.
type slots []atomic.Pointer[grant]

// state is the grants of a process.
type state struct {
	slots atomic.Pointer[slots]
	whole bool // the root is preopened: nothing lies outside
	pwd   string

	mu sync.Mutex // of those who change slots
}

func newState(size int) *state {
	s := &state{}
	table := make(slots, size)
	s.slots.Store(&table)
	return s
}

// Fork copies the grants for a child.
func (s *state) Fork() proc.Foreign {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := *s.slots.Load()
	n := newState(len(from))
	n.whole, n.pwd = s.whole, s.pwd
	to := *n.slots.Load()
	for i := range from {
		to[i].Store(from[i].Load())
	}
	return n
}

// grantOf finds the grant of a number that leads to d.
func grantOf(t *proc.Thread, n int32, d *fd.Description) *grant {
	s, ok := t.Process().Foreign().(*state)
	if !ok {
		return &ungranted
	}
	if table := *s.slots.Load(); int(n) < len(table) {
		if g := table[n].Load(); g != nil && g.d == d {
			return g
		}
	}
	return &ungranted
}

// setGrant gives the number, which is open, a grant.
func setGrant(t *proc.Thread, n int32, g *grant) {
	if s, ok := t.Process().Foreign().(*state); ok {
		s.set(n, g)
	}
}

// dropGrant forgets the grant of a number that led to d, unless another thread has opened
// something there meanwhile.
func dropGrant(t *proc.Thread, n int32, d *fd.Description) {
	if s, ok := t.Process().Foreign().(*state); ok {
		s.drop(n, d)
	}
}

func (s *state) drop(n int32, d *fd.Description) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if table := *s.slots.Load(); int(n) < len(table) {
		if g := table[n].Load(); g != nil && g.d == d {
			table[n].Store(nil)
		}
	}
}

func (s *state) set(n int32, g *grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	table := *s.slots.Load()
	if int(n) >= len(table) {
		size := max(16, len(table))
		for size <= int(n) {
			size *= 2
		}
		longer := make(slots, size)
		for i := range table {
			longer[i].Store(table[i].Load())
		}
		s.slots.Store(&longer)
		table = longer
	}
	table[n].Store(g)
}

// get gives an open description with a reference and its grant, which has the rights that
// are needed. Where the file cannot be used so anyway, the right is not missed: the system
// call has the better errno.
func get(t *proc.Thread, n int32, need uint64) (*fd.Description, *grant, linux.Errno) {
	d, e := t.Files().GetAny(n)
	if e != 0 {
		return nil, nil, e
	}
	g := grantOf(t, n, d)
	if missing := need &^ g.base; missing != 0 {
		st, e := d.File().Stat()
		if e == 0 && missing&rightsOf(d, st.Mode) != 0 {
			e = notCapable
		}
		if e != 0 {
			d.Unref()
			return nil, nil, e
		}
	}
	return d, g, 0
}

// open is get for calls that need more than a place in the tree: not O_PATH.
func open(t *proc.Thread, n int32, need uint64) (*fd.Description, *grant, linux.Errno) {
	d, g, e := get(t, n, need)
	if e == 0 && d.Flags()&linux.O_PATH != 0 {
		d.Unref()
		return nil, nil, linux.EBADF
	}
	return d, g, e
}

// may checks the rights of a number, for a system call that looks it up again.
func may(t *proc.Thread, n int32, need uint64) linux.Errno {
	d, _, e := get(t, n, need)
	if e == 0 {
		d.Unref()
	}
	return e
}
