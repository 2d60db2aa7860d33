package proc

import (
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
)

// TestNobodyRaisesALimitDuringExec: root sets a limit of a process (prlimit(2)) while that executes a
// program whose policy bounds it. Whatever comes first, the bound holds.
func TestNobodyRaisesALimitDuringExec(t *testing.T) {
	const most = 1 << 20
	set, err := policy.New(&manifest.Manifest{Entries: []manifest.Entry{{ID: "x", Limits: manifest.Limits{Memory: most}}}})
	if err != nil {
		t.Fatal(err)
	}
	image := &Image{Target: Target{Program: &Program{Policy: set.Entry("x")}}}
	for i := range 2000 {
		p := &Process{limits: defaults(1)}
		started, end := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(end)
			close(started)
			unlimited := linux.Rlimit{Cur: linux.RLIM_INFINITY, Max: linux.RLIM_INFINITY}
			for e := linux.Errno(0); e == 0; {
				_, e = p.SetLimit(linux.RLIMIT_AS, unlimited, true)
			}
		}()
		<-started
		for range i % 512 {
			p.image.Load()
		}
		p.image.Store(image) // as in replace
		p.limits.lower(linux.RLIMIT_AS, most)
		<-end
		if got := p.limits.Get(linux.RLIMIT_AS); got.Max != most || got.Cur != most {
			t.Fatalf("after %d: the limit is %+v, the policy allows %d", i, got, most)
		}
	}
}
