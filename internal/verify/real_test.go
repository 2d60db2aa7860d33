package verify

import (
	"os"
	"testing"
	"time"
)

// TestFile verifies the file that VK_AOT names.
func TestFile(t *testing.T) {
	path := os.Getenv("VK_AOT")
	if path == "" {
		t.Skip("VK_AOT is not set")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("VK_ALL") != "" {
		all(t, c)
		return
	}
	start := time.Now()
	stats, err := Text(c)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d functions, %d bytes, %v, %.1f MB/s", stats.Funcs, stats.Bytes, took, float64(stats.Bytes)/1e6/took.Seconds())
}

// all reports the refusals of all functions.
func all(t *testing.T, c *Code) {
	v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr}
	for _, step := range []func() error{v.place, v.list, v.checkStubs, v.programs, v.entries, v.gaps} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	w := v.newWalker()
	bad := 0
	for i := v.stubs; i < len(v.funcs); i++ {
		if err := w.function(int32(i)); err != nil {
			bad++
			t.Log(err)
		}
	}
	t.Logf("%d of %d functions refused", bad, len(v.funcs))
	if err := v.arguments(); err != nil {
		t.Log(err)
	}
	for _, e := range w.edges {
		if v.taken(&e) > e.room {
			v.fail(&v.funcs[e.caller], e.at, "room %d of %d", e.room, v.taken(&e))
		}
	}
}
