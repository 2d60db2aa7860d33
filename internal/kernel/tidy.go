package kernel

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A process that has been started has used more of the runtime's memory than one that waits: the stack of its
// goroutine is twice as large until a garbage collection, and what was garbage stays with the process until the runtime
// gives it back, bit by bit. So when many have been born, and then nothing happens for a while, the memory is tidied up once.

// The other way round, a container in which thousands are born in a second would collect garbage every few milliseconds,
// because what lives is so little: 3 KB of each that was born. So while that lasts garbage may be four times what lives,
// if that is little; a container that starts few, or has much, is left alone.

const (
	tidyAfter = time.Second // without a birth, and with nobody to run
	tidyFrom  = 64          // births that are worth it

	crowdFrom   = 2000    // births in that time that are many
	crowdHeap   = 8 << 20 // bytes that live, at most, for more garbage than usual
	crowdGCRate = 400     // GOGC while many are born
)

// tidy counts births.
type tidy struct {
	before, last uint64
	clean        func()
	live         func() uint64               // bytes that live
	collect      func(percent int) (was int) // sets GOGC
	usual        int                         // GOGC otherwise, while it is set; else 0
}

func (k *Kernel) tidier() *tidy {
	return &tidy{clean: debug.FreeOSMemory, live: liveHeap, collect: debug.SetGCPercent}
}

// liveHeap is what the last garbage collection found alive.
func liveHeap() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return math.MaxUint64
	}
	return s[0].Value.Uint64()
}

// watch looks at the container until ctx is done.
func (d *tidy) watch(ctx context.Context, k *Kernel) {
	ticker := time.NewTicker(tidyAfter)
	defer ticker.Stop()
	defer d.pace(0)
	for {
		select {
		case <-ticker.C:
			d.look(k.table.Born(), k.table.Scheduler().Runnable())
		case <-ctx.Done():
			return
		}
	}
}

// look is told how many processes have been born since the beginning, and how many threads run or want to.
func (d *tidy) look(born uint64, runnable int) {
	d.pace(born - d.last)
	quiet := born == d.last && runnable == 0
	d.last = born
	if quiet && born-d.before >= tidyFrom {
		d.before = born
		d.clean()
	}
}

// pace is told how many were born since the last look.
func (d *tidy) pace(born uint64) {
	switch many := born >= crowdFrom && d.live() <= crowdHeap; {
	case many && d.usual == 0:
		d.usual = d.collect(crowdGCRate)
	case !many && d.usual != 0:
		d.collect(d.usual)
		d.usual = 0
	}
}
