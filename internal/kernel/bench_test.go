package kernel

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkShell measures what a shell does most, per round.
func BenchmarkShell(b *testing.B) {
	for _, bb := range []struct{ name, body string }{
		{"empty", ":"},
		{"exec", "/bin/true"},
		{"fork", "(:)"},
		{"pipe", "/bin/true | /bin/true"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c := newContainer(b, nil)
			start := time.Now()
			c.run("/bin/dash", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do %s; i=$((i+1)); done", b.N, bb.body))
			b.ReportMetric(float64(time.Since(start).Microseconds())/float64(b.N), "us/round")
		})
	}
}
