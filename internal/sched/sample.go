package sched

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Measuring each system call would cost as much as a short one takes. So the first calls of
// a thread are measured, and later one of many, which then stands for all: the sum is right
// on average whatever the guest does, since it cannot know which are measured.

const (
	exact  = 64 // calls that are measured at the beginning
	stride = 32 // calls that one measured later stands for, on average
)

type sampler struct {
	system atomic.Int64 // nanoseconds
	left   int32        // calls until the next that is measured
	weight int32        // of that
	count  int32        // measured so far, up to exact
	random uint32
}

func (s *sampler) start() {
	s.left, s.weight = 1, 1
	s.random = rand.Uint32() | 1
}

// Sample reports whether the system call that begins is to be measured: then Began gives
// what Ended wants when it is over.
func (t *Thread) Sample() bool {
	t.sampler.left--
	return t.sampler.left <= 0
}

// Began is called before a measured system call.
func (t *Thread) Began() time.Duration { return t.Ran() }

// Ended is called after it.
func (t *Thread) Ended(began time.Duration) {
	s := &t.sampler
	s.system.Add(int64(t.Ran()-began) * int64(s.weight))
	if s.count < exact {
		s.count++
		s.left, s.weight = 1, 1
		return
	}
	s.random ^= s.random << 13
	s.random ^= s.random >> 17
	s.random ^= s.random << 5
	s.left = 1 + int32(s.random%(2*stride-1))
	s.weight = stride
}
