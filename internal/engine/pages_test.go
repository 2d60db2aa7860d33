package engine

import (
	"testing"

	"vkernel/internal/linux"
)

// TestRawBounds holds that no raw operation reaches beyond the memory of its slot.
func TestRawBounds(t *testing.T) {
	c := loadGuest(t)
	i, other := newGuest(t, c), newGuest(t, c)
	defer i.Free()
	defer other.Free()
	ops := map[string]func(addr, n uint64) linux.Errno{
		"map":        func(a, n uint64) linux.Errno { return i.Map(a, n, ProtRead, false) },
		"map shared": func(a, n uint64) linux.Errno { return i.Map(a, n, ProtRead, true) },
		"protect":    func(a, n uint64) linux.Errno { return i.Protect(a, n, ProtRead) },
		"unmap":      i.Unmap,
		"discard":    func(a, n uint64) linux.Errno { return i.Discard(a, n, ProtRead) },
		"move from":  func(a, n uint64) linux.Errno { return i.Move(a, 0, n) },
		"move to":    func(a, n uint64) linux.Errno { return i.Move(0, a, n) },
		"copy":       func(a, n uint64) linux.Errno { return i.CopyPages(other, a, n) },
		"share":      func(a, n uint64) linux.Errno { return i.Share(other, a, 0, n, ProtRead) },
		"share to":   func(a, n uint64) linux.Errno { return i.Share(other, 0, a, n, ProtRead) },
	}
	for name, op := range ops {
		for _, r := range [][2]uint64{
			{1, 4096},
			{0, 1},
			{0, 0},
			{1 << 32, 4096},
			{1<<32 - 4096, 8192},
			{0, 1<<32 + 4096},
			{1<<64 - 4096, 4096},
			{1<<64 - 4096, 8192},
			{4096, 1<<64 - 4096},
			{1 << 63, 1 << 63},
		} {
			if e := op(r[0], r[1]); e != linux.EINVAL {
				t.Errorf("%s of %#x: %v, want EINVAL", name, r, e)
			}
		}
	}
	for _, prot := range []int{4, 5, 7} {
		if e := i.Protect(0, 4096, prot); e != linux.EACCES {
			t.Errorf("protection %d: %v, want EACCES", prot, e)
		}
		if e := i.Map(1<<30, 4096, prot, false); e != linux.EACCES {
			t.Errorf("mapping with protection %d: %v, want EACCES", prot, e)
		}
	}
	pristine(t, "after refused operations", i)
}

// TestAreas holds that the areas of instances do not use up the mappings of new ones.
func TestAreas(t *testing.T) {
	c := loadGuest(t)
	half := int(c.slots.mappings) / 2
	i, other := newGuest(t, c), newGuest(t, c)
	if e := i.Areas(half + 1); e != linux.ENOMEM {
		t.Errorf("more than half of all mappings: %v", e)
	}
	if e := i.Areas(half - 10); e != 0 {
		t.Errorf("half of them: %v", e)
	}
	if e := other.Areas(20); e != linux.ENOMEM {
		t.Errorf("another instance: %v", e)
	}
	newGuest(t, c).Free()
	i.Free()
	if e := other.Areas(half - 10); e != 0 {
		t.Errorf("after the first is gone: %v", e)
	}
	other.Free()
	if n := c.slots.used.Load() + c.slots.areas.Load(); n != 0 {
		t.Errorf("%d mappings declared by nobody", n)
	}
}
