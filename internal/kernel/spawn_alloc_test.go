//go:build !race

package kernel

import (
	"fmt"
	"runtime"
	"testing"
)

// TestSpawnAllocates holds how many allocations a process costs that begins, executes a program, ends and is waited
// for: what lives as long as it is one piece. (Of a vfork these are the process; the image, its arguments and its
// environment, two each, and their list; the instance and its space; what stat and open of the file need.)
func TestSpawnAllocates(t *testing.T) {
	for _, tt := range []struct {
		name string
		most float64
		argv func(n int) []string
	}{
		{"fork", 12, func(n int) []string {
			return []string{"/bin/dash", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do (:); i=$((i+1)); done", n)}
		}},
		{"vfork and exec", 15, func(n int) []string {
			return []string{"/bin/sh", "-c", fmt.Sprintf("yes | head -n %d | xargs -n 1 /bin/true", n)}
		}},
	} {
		mallocs := func(n int) uint64 {
			c := newContainer(t, nil)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if status, out := c.run(tt.argv(n)...); status != (Status{}) {
				t.Fatalf("%s: %+v %q", tt.name, status, out)
			}
			runtime.ReadMemStats(&after)
			return after.Mallocs - before.Mallocs
		}
		const few, many = 200, 1200
		mallocs(few)
		each := (float64(mallocs(many)) - float64(mallocs(few))) / (many - few)
		t.Logf("%s: %.1f allocations", tt.name, each)
		if each > tt.most {
			t.Errorf("%s: %.1f allocations each, at most %v expected", tt.name, each, tt.most)
		}
	}
}
