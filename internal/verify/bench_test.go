package verify

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkText verifies the file that VK_AOT names, or small real modules, on one processor and on all. On a
// machine that has other work the rate of one means little; best-MB/s is the best run's, by the processor
// time of its thread, which does all the work then.
func BenchmarkText(b *testing.B) {
	c := benchCode(b)
	b.Run("one", func(b *testing.B) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
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
	})
	b.Run("all", func(b *testing.B) {
		b.SetBytes(int64(len(c.Text.Bytes)))
		for b.Loop() {
			if _, err := Text(c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchCode(b *testing.B) *Code {
	path := os.Getenv("VK_AOT")
	if path == "" {
		return realCode(b)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	c, err := Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	return c
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
