package engine

import (
	"testing"

	"golang.org/x/sys/unix"
)

const (
	largeAt    = 1 << 30
	largePages = 1000
)

// newLarge is a guest with many private pages, each with its number.
func newLarge(t *testing.T, c *Code) *Instance {
	t.Helper()
	i := newGuest(t, c)
	start(t, i, "x_add", 1, 2)
	if e := i.Map(largeAt, largePages*pageSize, ProtRead|ProtWrite, false); e != 0 {
		t.Fatal(e)
	}
	i.number(0, 1)
	return i
}

// number writes every step-th page.
func (i *Instance) number(plus, step int) {
	for k := 0; k < largePages; k += step {
		*i.page(k) = uint32(k + plus)
	}
}

func (i *Instance) page(k int) *uint32 {
	return (*uint32)(pointer(i.base + largeAt + uintptr(k)*pageSize))
}

// settled forks a large parent.
func settled(t *testing.T, parent *Instance) *Instance {
	t.Helper()
	if e := parent.Settle([]Piece{{0, uint64(parent.p.initial), ProtRead | ProtWrite}, {largeAt, largeAt + largePages*pageSize, ProtRead | ProtWrite}}); e != 0 {
		t.Fatal(e)
	}
	defer parent.Settled()
	child, e := parent.p.Fork(parent)
	if e != 0 {
		t.Fatal(e)
	}
	if e := child.Map(largeAt, largePages*pageSize, ProtRead|ProtWrite, false); e != 0 {
		t.Fatal(e)
	}
	for _, r := range [][2]uint64{{0, uint64(parent.p.initial)}, {largeAt, largePages * pageSize}} {
		if e := parent.CopyPages(child, r[0], r[1]); e != 0 {
			t.Fatal(e)
		}
	}
	for k := range largePages {
		if got, want := *child.page(k), *parent.page(k); got != want {
			t.Fatalf("page %d of the child holds %d, the parent's %d", k, got, want)
		}
	}
	return child
}

func (i *Instance) privatePages() (n int) {
	i.p.code.pagemap.private(i.base+largeAt, largePages*pageSize, func(_, size uintptr) { n += int(size / pageSize) })
	return n
}

// TestFreeze holds what a fork of a large process costs: memory once, for as long as somebody
// uses it, and the child's copies are only of what it writes.
func TestFreeze(t *testing.T) {
	c := loadGuest(t)
	parent := newLarge(t, c)
	child := settled(t, parent)
	if got := c.LayerBytes(); got != largePages*pageSize {
		t.Errorf("layers hold %d bytes, want %d", got, largePages*pageSize)
	}
	if p, q := parent.privatePages(), child.privatePages(); p != 0 || q != 0 {
		t.Errorf("%d private pages in the parent, %d in the child", p, q)
	}
	if got := child.Resident(largeAt, largePages*pageSize); got != largePages*pageSize {
		t.Errorf("%d bytes of the child are resident", got)
	}
	if got := child.Lent(); got != largePages*pageSize/2 {
		t.Errorf("%d bytes are lent, want half", got)
	}
	parent.number(7, 10)
	if got := *child.page(10); got != 10 {
		t.Errorf("the child sees the parent's write: %d", got)
	}
	child.Free()
	for round := range 5 {
		parent.number(round, 10)
		child := settled(t, parent)
		if n := child.privatePages(); n != 0 {
			t.Errorf("round %d: %d private pages in the child", round, n)
		}
		child.Free()
	}
	if got := c.LayerBytes(); got != largePages*pageSize {
		t.Errorf("layers hold %d bytes after more forks", got)
	}
	parent.Free()
	if got := c.LayerBytes(); got != 0 {
		t.Errorf("layers hold %d bytes when all have ended", got)
	}
}

// TestFreezeOfLastUser holds that the parent's end leaves the child what it has.
func TestFreezeOfLastUser(t *testing.T) {
	c := loadGuest(t)
	parent := newLarge(t, c)
	child := settled(t, parent)
	parent.Free()
	grandchild := settled(t, child)
	child.number(3, 1)
	child.Free()
	for k := range largePages {
		if *grandchild.page(k) != uint32(k) {
			t.Fatalf("page %d holds %d", k, *grandchild.page(k))
		}
	}
	grandchild.Free()
}

// TestFreezeWithoutFiles holds that a fork is a copy where the host has no file for a layer.
func TestFreezeWithoutFiles(t *testing.T) {
	c := loadGuest(t)
	parent := newLarge(t, c)
	defer parent.Free()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	none := old
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	child := settled(t, parent)
	if n := child.privatePages(); n != largePages || c.LayerBytes() != 0 {
		t.Errorf("%d private pages, layers of %d bytes", n, c.LayerBytes())
	}
	child.Free()
}

// TestDiscardOfLayers holds that discarded pages are zero, whatever their number, and that a
// process cannot make the host keep a mapping for each.
func TestDiscardOfLayers(t *testing.T) {
	c := loadGuest(t)
	parent := newLarge(t, c)
	defer parent.Free()
	settled(t, parent).Free()
	for k := 0; k < largePages; k += 2 {
		if e := parent.Discard(largeAt+uint64(k)*pageSize, pageSize, ProtRead|ProtWrite); e != 0 {
			t.Fatal(e)
		}
	}
	if e := parent.Discard(largeAt+500*pageSize, 100*pageSize, ProtRead); e != 0 {
		t.Fatal(e)
	}
	for k := range largePages {
		want := uint32(k)
		if k%2 == 0 || k >= 500 && k < 600 {
			want = 0
		}
		if got := *parent.page(k); got != want {
			t.Fatalf("page %d holds %d, want %d", k, got, want)
		}
	}
	if n := len(parent.parts); n > 2 {
		t.Errorf("%d parts", n)
	}
}
