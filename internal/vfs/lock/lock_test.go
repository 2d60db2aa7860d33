package lock

import (
	"testing"

	"vkernel/internal/linux"
)

func TestRanges(t *testing.T) {
	var r Registry
	k := Key{1, 2}
	set := func(owner string, write bool, start, end int64) linux.Errno {
		return r.Set(k, Lock{Start: start, End: end, Write: write, Owner: owner}, false)
	}
	steps := []struct {
		name string
		got  linux.Errno
		want linux.Errno
	}{
		{"first", set("a", true, 0, 99), 0},
		{"other owner", set("b", false, 50, 60), linux.EAGAIN},
		{"beyond", set("b", true, 100, EOF), 0},
		{"own lock shrinks to reading", set("a", false, 40, 59), 0},
		{"shared reading", set("b", false, 45, 50), 0},
		{"no writing beside a reader", set("a", true, 45, 46), linux.EAGAIN},
		{"a hole", r.Unset(k, "a", 10, 19), 0},
		{"into the hole", set("b", true, 10, 19), 0},
		{"not beside it", set("b", true, 9, 9), linux.EAGAIN},
		{"another file", r.Set(Key{1, 3}, Lock{End: EOF, Write: true, Owner: "b"}, false), 0},
	}
	for _, s := range steps {
		if s.got != s.want {
			t.Errorf("%s: %v, want %v", s.name, s.got, s.want)
		}
	}
	if c, found := r.Test(k, Lock{Start: 20, End: 30, Owner: "b"}); !found || c.Start != 20 || c.End != 39 || !c.Write {
		t.Errorf("F_GETLK gives %+v, %v", c, found)
	}
	r.Drop(k, "a")
	r.Drop(k, "b")
	r.Drop(Key{1, 3}, "b")
	if r.count != 0 || len(r.ranges) != 0 {
		t.Errorf("%d locks left", r.count)
	}
}

func TestDeadlock(t *testing.T) {
	var r Registry
	for i, owner := range []string{"a", "b", "c"} {
		r.Set(Key{Ino: uint64(i)}, Lock{End: EOF, Write: true, Owner: owner}, true)
	}
	waits := func(owner string, ino uint64) linux.Errno {
		return r.Set(Key{Ino: ino}, Lock{End: EOF, Write: true, Owner: owner}, true)
	}
	if e := waits("a", 1); e != linux.EAGAIN {
		t.Error(e)
	}
	if e := waits("b", 2); e != linux.EAGAIN {
		t.Error(e)
	}
	if e := waits("c", 0); e != linux.EDEADLK {
		t.Error(e)
	}
	r.Forget("a")
	if e := waits("c", 0); e != linux.EAGAIN {
		t.Error("after one gave up:", e)
	}
}

func TestFlock(t *testing.T) {
	var r Registry
	k := Key{Ino: 1}
	for i, s := range []struct{ got, want linux.Errno }{
		{r.Flock(k, 1, false), 0},
		{r.Flock(k, 2, false), 0},
		{r.Flock(k, 1, true), linux.EAGAIN}, // and the shared lock is gone
		{r.Flock(k, 2, true), 0},
		{r.Flock(k, 2, true), 0},
		{r.Flock(k, 1, false), linux.EAGAIN},
	} {
		if s.got != s.want {
			t.Errorf("step %d: %v, want %v", i, s.got, s.want)
		}
	}
	r.Funlock(k, 2)
	if r.count != 0 {
		t.Errorf("%d locks left", r.count)
	}
}

func TestBound(t *testing.T) {
	var r Registry
	for i := int64(0); i < maxLocks/64; i++ {
		for j := range int64(64) {
			r.Set(Key{Ino: uint64(i)}, Lock{Start: 2 * j, End: 2 * j, Write: true, Owner: 1}, false)
		}
	}
	if e := r.Set(Key{Ino: 1}, Lock{Start: 1000, End: 1000, Owner: 1}, false); e != linux.ENOLCK {
		t.Errorf("a lock too many: %v", e)
	}
}

// Many locks of one owner must not cost the square of their number in copies.
func TestManyLocks(t *testing.T) {
	var r Registry
	k := Key{1, 1}
	allocs := testing.AllocsPerRun(1, func() {
		for i := range int64(2000) {
			if e := r.Set(k, Lock{Start: 2 * i, End: 2 * i, Write: true, Owner: t}, false); e != 0 {
				t.Fatal(e)
			}
		}
		r.Drop(k, t)
	})
	if allocs > 100 {
		t.Errorf("%v allocations for 2000 locks", allocs)
	}
}
