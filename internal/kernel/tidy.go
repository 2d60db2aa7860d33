package kernel

import (
	"context"
	"runtime/debug"
	"time"
)

// A process that has been started has used more of the runtime's memory than one that waits: the stack of its
// goroutine is twice as large until a garbage collection, and what was garbage stays with the process until the runtime
// gives it back, bit by bit. So when many have been born, and then nothing happens for a while, the memory is tidied up once.

const (
	tidyAfter = time.Second // without a birth, and with nobody to run
	tidyFrom  = 64          // births that are worth it
)

// tidy counts births.
type tidy struct {
	before, last uint64
	clean        func()
}

func (k *Kernel) tidier() *tidy { return &tidy{clean: debug.FreeOSMemory} }

// watch looks at the container until ctx is done.
func (d *tidy) watch(ctx context.Context, k *Kernel) {
	ticker := time.NewTicker(tidyAfter)
	defer ticker.Stop()
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
	quiet := born == d.last && runnable == 0
	d.last = born
	if quiet && born-d.before >= tidyFrom {
		d.before = born
		d.clean()
	}
}
