package kernel

import (
	"os"
	"testing"
	"time"
)

func TestVictims(t *testing.T) {
	all := func() []candidate { return []candidate{{bytes: 5}, {bytes: 50}, {bytes: 20}} }
	for _, tt := range []struct {
		need uint64
		want []uint64
	}{
		{1, []uint64{50}},
		{50, []uint64{50}},
		{51, []uint64{50, 20}},
		{1000, []uint64{50, 20, 5}},
	} {
		var got []uint64
		for _, c := range victims(all(), tt.need) {
			got = append(got, c.bytes)
		}
		if len(got) != len(tt.want) || got[0] != tt.want[0] || got[len(got)-1] != tt.want[len(got)-1] {
			t.Errorf("need %d: killed %v, want %v", tt.need, got, tt.want)
		}
	}
	if v := victims(nil, 1); len(v) != 0 {
		t.Errorf("killed %v of nobody", v)
	}
}

func TestMemoryIsMeasured(t *testing.T) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer status.Close()
	if m := resident(status); m.private < 1<<20 || m.private > 1<<40 || m.shared > 1<<40 {
		t.Errorf("this process uses %+v", m)
	}
	if n := DefaultMemory(); n < 64<<20 {
		t.Errorf("default limit of %d bytes", n)
	}
	if near, far := pause(99<<20, 100<<20), pause(0, 1<<40); near > 10*time.Millisecond || far < 100*time.Millisecond {
		t.Errorf("looks every %v near the limit, every %v far from it", near, far)
	}
}
