package kernel

import (
	"context"
	"runtime/debug"
	"testing"
	"time"

	"vkernel/internal/proc"
)

// BenchmarkSave saves a container of 100 MB, and BenchmarkRestore restores it, from memory.
func large(b *testing.B) (*container, []byte, memory) {
	b.Helper()
	c := newContainer(b, nil)
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	script := `sleep 1000 | lua -e "local t={} for i=1,1600 do t[i]=string.rep(tostring(i)..' ', 64*1024//(#tostring(i)+1)) end print('ready') io.read()"`
	go c.kernel.Run(ctx, []string{"sh", "-c", script}, c.env, "/") //nolint:errcheck // it is killed
	for c.kernel.table.Init() == nil || len(c.kernel.table.All()) < 3 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Second)
	if err := c.kernel.Pause(ctx); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.kernel.Resume)
	m := memory{}
	root, err := c.kernel.Save(m)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, v := range m {
		n += len(v)
	}
	b.Logf("%d MB in %d chunks, %d bytes beside", n>>20, len(m), len(root))
	return c, root, m
}

func BenchmarkSave(b *testing.B) {
	c, _, m := large(b)
	for b.Loop() {
		if _, err := c.kernel.Save(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRestore(b *testing.B) {
	c, root, m := large(b)
	for b.Loop() {
		k, err := load(c.like(), root, m)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		k.drop()
		b.StartTimer()
	}
}

// BenchmarkPause is how long a container of 100 MB of which 10 MB were written to stands for a snapshot, not the first.
func BenchmarkPause(b *testing.B) {
	c, _, m := large(b)
	debug.SetPanicOnFault(true)
	b.ReportMetric(0, "ns/op")
	var stood, all time.Duration
	n := 0
	for b.Loop() {
		for _, p := range c.kernel.table.All() {
			p.View(func(v *proc.Memory) {
				if u := v.Space.Usage(); u.Resident < 64<<20 {
					return
				}
				for at, left := uint32(0xf0000000), 2560; at != 0 && left > 0; at -= 4096 {
					if v.Instance.Memory().Write(at, []byte{byte(n), byte(n >> 8)}) == 0 {
						left--
					}
				}
			})
		}
		began := time.Now()
		s, err := c.kernel.BeginSave(m)
		if err != nil {
			b.Fatal(err)
		}
		if n++; n > 1 {
			stood += time.Since(began)
		}
		if _, err := s.Finish(); err != nil {
			b.Fatal(err)
		}
		all += time.Since(began)
	}
	b.ReportMetric(float64(stood.Nanoseconds())/float64(max(n-1, 1)), "ns-paused/op")
	b.ReportMetric(float64(all.Nanoseconds())/float64(n), "ns-all/op")
}
