package verify

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkText verifies the file that VK_AOT names, or small real modules. On a machine that
// has other work its own rate means little; best-MB/s is the best run's, by the processor time of
// its thread.
func BenchmarkText(b *testing.B) {
	var c *Code
	if path := os.Getenv("VK_AOT"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		if c, err = Parse(data); err != nil {
			b.Fatal(err)
		}
	} else {
		c = realCode(b)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := time.Duration(1 << 62)
	b.SetBytes(int64(len(c.Text.Bytes)))
	for b.Loop() {
		start := threadTime(b)
		if _, err := Text(c); err != nil {
			b.Fatal(err)
		}
		best = min(best, threadTime(b)-start)
	}
	b.ReportMetric(float64(len(c.Text.Bytes))/1e6/best.Seconds(), "best-MB/s")
}

// threadTime is the time that this thread has had a processor.
func threadTime(b *testing.B) time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
