package kernel

import (
	"runtime"
	"testing"
)

// TestTidy looks once after many births, when nothing happens any more.
func TestTidy(t *testing.T) {
	n := 0
	d := &tidy{clean: func() { n++ }, live: func() uint64 { return 1 << 30 }}
	for i, c := range []struct {
		born     uint64
		runnable int
		want     int
	}{
		{1, 0, 0}, {1, 0, 0}, // few
		{70, 0, 0}, {70, 2, 0}, {70, 0, 1}, // until nobody runs
		{70, 0, 1}, {100, 0, 1}, {100, 0, 1}, // once, and few more are not worth it
		{1000, 0, 1}, {1001, 0, 1}, {1001, 0, 2}, // a birth between
	} {
		if d.look(c.born, c.runnable); n != c.want {
			t.Errorf("look %d: %d times, expected %d", i, n, c.want)
		}
	}
}

// TestPace lets garbage grow only while many are born and little lives.
func TestPace(t *testing.T) {
	percent, live, born := 100, uint64(1<<20), uint64(0)
	d := &tidy{clean: func() {}, live: func() uint64 { return live }}
	d.collect = func(p int) int { was := percent; percent = p; return was }
	for i, c := range []struct {
		births, live uint64
		want         int
	}{
		{10, 1 << 20, 100},
		{crowdFrom, 1 << 20, crowdGCRate},
		{crowdFrom, 1 << 20, crowdGCRate},
		{crowdFrom, crowdHeap + 1, 100},
		{crowdFrom, crowdHeap, crowdGCRate},
		{crowdFrom - 1, 1 << 20, 100},
		{0, 1 << 20, 100},
	} {
		born, live = born+c.births, c.live
		if d.look(born, 1); percent != c.want {
			t.Errorf("look %d: GOGC %d, expected %d", i, percent, c.want)
		}
	}
	d.look(born+crowdFrom, 1)
	if d.pace(0); percent != 100 {
		t.Errorf("GOGC %d after the end, expected 100", percent)
	}
	runtime.GC()
	if n := liveHeap(); n == 0 || n > 1<<40 {
		t.Errorf("%d bytes live", n)
	}
}
