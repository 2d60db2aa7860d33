package kernel

import "testing"

// TestTidy looks once after many births, when nothing happens any more.
func TestTidy(t *testing.T) {
	n := 0
	d := &tidy{clean: func() { n++ }}
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
