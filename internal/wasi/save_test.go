package wasi

import (
	"bytes"
	"testing"
	"time"

	"vkernel/internal/fd"
	saved "vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/eventfd"
)

// TestSave: grants of open descriptions are there again, for the same numbers, and none of closed ones.
func TestSave(t *testing.T) {
	types := append(Types, saved.Of[fd.Description](1), saved.Of[eventfd.File](1))
	s := newState(16)
	s.whole, s.pwd = true, "PWD=/x"
	open, closed := fd.New(eventfd.New(0, false), vfs.Path{}, 0), fd.New(eventfd.New(0, false), vfs.Path{}, 0)
	s.set(40, &grant{d: open, base: 7, inheriting: 1 << 63, nonblock: true, preopen: "/data"})
	s.set(2, &grant{d: closed, base: 1})
	closed.Unref()
	save := func(s *state) []byte {
		b, err := saved.NewEncoder(types, time.Now(), nil).Save(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := save(s)
	o, err := saved.NewDecoder(types, time.Now(), nil).Load(b)
	if err != nil {
		t.Fatal(err)
	}
	r := o.(*state)
	if !bytes.Equal(save(r), b) {
		t.Error("what was loaded is saved as other bytes")
	}
	table := *r.slots.Load()
	g := table[40].Load()
	if len(table) != len(*s.slots.Load()) || table[2].Load() != nil || g == nil || g.base != 7 || g.inheriting != 1<<63 || !g.nonblock || g.preopen != "/data" || !r.whole || r.pwd != s.pwd {
		t.Errorf("%d slots, grant %+v, %v %s", len(table), g, r.whole, r.pwd)
	}
	d := saved.NewDecoder(types, time.Now(), nil)
	d.Limit(100)
	if _, err := d.Load(b); err == nil {
		t.Error("a table that is larger than the memory was loaded")
	}
}
