package timerfd

import (
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/wait"
)

// A timer that is saved goes on, and fires when its clock says so.
func TestState(t *testing.T) {
	c := new(clocks)
	f := New(c, linux.CLOCK_MONOTONIC)
	f.Set(Setting{time.Hour, time.Minute}, 0)
	e := state.NewEncoder(Types, time.Now(), nil)
	e.External("clocks", c)
	saved, err := e.Save(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	later := new(clocks)
	later.now.Store(int64(time.Hour + 90*time.Second))
	d := state.NewDecoder(Types, time.Now(), nil)
	d.External("clocks", later)
	root, err := d.Load(saved)
	if err != nil {
		t.Fatal(err)
	}
	g := root.(*File)
	defer g.Close()
	if g.Poll() != wait.In || g.Get() != (Setting{30 * time.Second, time.Minute}) {
		t.Errorf("%v %+v", g.Poll(), g.Get())
	}
	if n, e := read(g); n != 2 || e != 0 {
		t.Errorf("read %d %v", n, e)
	}
}
