package proc

// crew lends goroutines to threads. A goroutine that has run one waits a while for the next,
// since a new one would have to grow its stack again, step by step, while the guest's first
// calls wait. The zero value is not ready; see newCrew.
type crew struct {
	jobs chan job        // unbuffered: a send succeeds only if a goroutine waits
	seat chan struct{}   // one token for each goroutine that may wait
	done <-chan struct{} // closed when nobody will come any more
}

// job is a thread to run and the result of its pending call.
type job struct {
	thread *Thread
	result uint64
}

// maxWaiting is how many goroutines wait at most.
const maxWaiting = 64

func newCrew(done <-chan struct{}) crew {
	return crew{jobs: make(chan job), seat: make(chan struct{}, maxWaiting), done: done}
}

// start runs t on a goroutine.
func (c *crew) start(t *Thread, result uint64) {
	select {
	case c.jobs <- job{t, result}:
	default:
		go c.work(job{t, result})
	}
}

func (c *crew) work(j job) {
	for ok := true; ok; j, ok = c.next() {
		j.thread.run(j.result)
		j = job{} // the thread is garbage while we wait
	}
}

// next waits for a job, if not too many do. Its frame is not there while a thread runs.
//
//go:noinline
func (c *crew) next() (j job, ok bool) {
	select {
	case c.seat <- struct{}{}:
	default:
		return j, false
	}
	select {
	case j = <-c.jobs:
		<-c.seat
		return j, true
	case <-c.done:
		return j, false
	}
}
