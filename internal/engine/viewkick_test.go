package engine

import "time"

// kickAll kicks instances every 100 us until it is stopped, so that spinning views give way.
func kickAll(list []*Instance) (stop func()) {
	done, gone := make(chan bool), make(chan bool)
	go func() {
		defer close(gone)
		tick := time.NewTicker(100 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				for _, i := range list {
					i.Kick()
				}
			}
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}
