package sandbox

import (
	"syscall"
	"testing"
	"time"

	"vkernel/internal/bundle"
)

// cpu is the processor time of this process, or of its children that have ended.
func cpu(who int) time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(who, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkOpen is what the launcher does before it starts a sandbox.
func BenchmarkOpen(b *testing.B) {
	open := guestBundle(b)
	begin := cpu(syscall.RUSAGE_SELF)
	for b.Loop() {
		again, err := bundle.Open(open.Dir, policyOf(b, open.Dir))
		must(b, err)
		again.Close()
	}
	b.ReportMetric(float64(cpu(syscall.RUSAGE_SELF)-begin)/float64(b.N)/1e6, "cpu-ms/op")
}

// BenchmarkSandbox is a sandbox process, from its start to its seal, and its end.
func BenchmarkSandbox(b *testing.B) {
	open := guestBundle(b)
	begin, children := cpu(syscall.RUSAGE_SELF), cpu(syscall.RUSAGE_CHILDREN)
	for b.Loop() {
		s, err := New(Config{Bundle: open, Processes: 10})
		must(b, err)
		_, err = s.Wait()
		must(b, err)
		s.Close()
	}
	b.ReportMetric(float64(cpu(syscall.RUSAGE_SELF)-begin)/float64(b.N)/1e6, "launcher-ms/op")
	b.ReportMetric(float64(cpu(syscall.RUSAGE_CHILDREN)-children)/float64(b.N)/1e6, "sandbox-ms/op")
}
