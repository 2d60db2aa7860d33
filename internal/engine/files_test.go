package engine

import (
	"testing"

	"vkernel/internal/linux"
)

// TestLayersAreBounded has no more layers than descriptors allow: a fork beyond that is a copy, and a first
// thread EAGAIN, with the limit's name.
func TestLayersAreBounded(t *testing.T) {
	c := loadGuest(t)
	c.files.limit = 8
	before := c.files.open.Load()
	var parents, children []*Instance
	for k := range 6 {
		parent := newLarge(t, c)
		child := settled(t, parent)
		if frozen := len(parent.parts) != 0; frozen != (k < 4) {
			t.Errorf("fork %d: frozen: %v", k, frozen)
		}
		parents, children = append(parents, parent), append(children, child)
	}
	if n := c.files.open.Load() - before; n != 4 {
		t.Errorf("%d files for 6 forks, expected 4", n)
	}
	var threads []*Instance
	for k, p := range children {
		v, e := p.Thread()
		if e != 0 && e != linux.EAGAIN {
			t.Errorf("thread %d: %v", k, e)
		}
		if n := c.files.open.Load() - before; n > 6 {
			t.Errorf("%d files", n)
		}
		if e == 0 {
			threads = append(threads, v)
		}
	}
	if r := c.Refused(); len(threads) == len(children) || r.Limit != limitFiles {
		t.Errorf("%d threads; refused by %+v", len(threads), r)
	}
	for _, list := range [][]*Instance{threads, parents, children} {
		for _, i := range list {
			i.Free()
		}
	}
	if n := c.files.open.Load(); n != before {
		t.Errorf("%d files are left", n-before)
	}
}
