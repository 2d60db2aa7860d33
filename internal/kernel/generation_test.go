package kernel

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestGeneration: who starts from an image finds another generation than any other copy does; who starts cold finds the container's.
func TestGeneration(t *testing.T) {
	c := newWarm(t, warmSpec, nil)
	_, out := c.run("/bin/dash", "-c", untilWarm+"for i in 1 2 3 4 5; do warm generation; done; for i in 1 2 3; do warm generation -R || COLD_= warm generation; done")
	ids := strings.Fields(out)
	if len(ids) != 8 || len(ids[0]) != 32 {
		t.Fatalf("%q", out)
	}
	cold := ids[5:]
	if cold[0] != cold[1] || cold[0] != cold[2] {
		t.Errorf("cold starts find %q", cold)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 6 {
		t.Errorf("%d generations, want those of five copies and the container's", n)
	}
}

// TestRestoreGeneration: a container that is restored has another generation, each time; who waits for that is told, by poll
// and by a signal.
func TestRestoreGeneration(t *testing.T) {
	c := newWarm(t, nil, nil)
	c.background(nil, "/bin/warm", "generations")
	for c.kernel.table.Init() == nil || !c.kernel.table.Init().Sleeping() {
		time.Sleep(time.Millisecond)
	}
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.kernel.Resume()
		c.kernel.table.Kill()
	})
	m := memory{}
	root, err := c.kernel.Save(m)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for range 3 {
		config := c.like()
		var out buffer
		config.Stdout = &out
		k, err := Restore(config, root, m)
		if err != nil {
			t.Fatal(err)
		}
		k.Resume()
		if s, err := k.Wait(t.Context()); err != nil || s != (Status{}) {
			t.Fatalf("%+v, %v, %q", s, err, out.String())
		}
		id, rest, _ := strings.Cut(out.String(), "\n")
		if len(id) != 32 || rest != "signals 1\n" {
			t.Fatalf("it says %q", out.String())
		}
		all = append(all, id)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 3 {
		t.Errorf("generations %q", all)
	}
}
