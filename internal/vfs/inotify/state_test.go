package inotify

import (
	"slices"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
)

func TestState(t *testing.T) {
	var r, r2 Registry
	ns, ns2 := new(vfs.Namespace), new(vfs.Namespace)
	h, h2 := &home{&r}, &home{&r2}
	n, n2 := new(node), new(node)
	f, _ := New(h, ns)
	wd, _ := f.Watch(n, linux.IN_OPEN|linux.IN_ONESHOT)
	f.Heard(f.watches[wd], linux.IN_OPEN, 9, "name")
	e := state.NewEncoder(Types, time.Now(), nil)
	e.External("home", h)
	e.External("ns", ns)
	e.External("node", n)
	saved, err := e.Save(f)
	if err != nil {
		t.Fatal(err)
	}
	d := state.NewDecoder(Types, time.Now(), nil)
	d.External("home", h2)
	d.External("ns", ns2)
	d.External("node", n2)
	root, err := d.Load(saved)
	if err != nil {
		t.Fatal(err)
	}
	g := root.(*File)
	if k := ns2.Marks().Find(n2, g); k == nil || k.ID != wd || ns2.Marks().Mask(k) != linux.IN_OPEN|linux.IN_ONESHOT {
		t.Errorf("mark %+v", k)
	}
	if !slices.Equal(g.events, f.events) || g.bytes != f.bytes || r2.bytes.Load() != r.bytes.Load() {
		t.Errorf("events %v", g.events)
	}
	if next, _ := g.Watch(new(node), linux.IN_OPEN); next != wd+1 {
		t.Errorf("the next watch is %d", next)
	}
	g.Close()
	if r2.bytes.Load() != 0 || r2.instances.Load() != 0 || r2.watches.Load() != 0 {
		t.Error("miscounted")
	}
	f.Close()
}
