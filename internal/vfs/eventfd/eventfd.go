// Package eventfd is eventfd(2): a counter that is waited for.
//
// # Model
//
// A write adds to the counter, a read takes it, or one of it (EFD_SEMAPHORE). Neither waits:
// what cannot proceed is EAGAIN, and the queue is notified when that may have changed.
//
// # Lock order
//
// File.mu is above wait.Queue only. The value is copied out of guest memory before, and into it
// under the lock, which is therefore released by defer.
package eventfd

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/wait"
)

// most is the largest count; one more is what stands for an error.
const most = math.MaxUint64 - 1

// File is an eventfd.
type File struct {
	anon.File
	queue     wait.Queue
	semaphore bool

	mu sync.Mutex

	// guarded by mu
	count uint64
}

// New makes one.
func New(count uint32, semaphore bool) *File {
	return &File{semaphore: semaphore, count: uint64(count)}
}

// Read takes the count.
func (f *File) Read(p []byte, _ int64) (int, linux.Errno) {
	if len(p) < 8 {
		return 0, linux.EINVAL
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.count
	switch {
	case n == 0:
		return 0, linux.EAGAIN
	case f.semaphore:
		n = 1
	}
	binary.LittleEndian.PutUint64(p, n)
	f.count -= n
	f.queue.Notify(wait.Out)
	return 8, 0
}

// Write adds to it.
func (f *File) Write(p []byte, _ int64) (int, linux.Errno) {
	if len(p) != 8 {
		return 0, linux.EINVAL
	}
	n := binary.LittleEndian.Uint64(p)
	if n == math.MaxUint64 {
		return 0, linux.EINVAL
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n > most-f.count {
		return 0, linux.EAGAIN
	}
	f.count += n
	if n > 0 {
		f.queue.Notify(wait.In)
	}
	return 8, 0
}

// Poll gives the events that hold now.
func (f *File) Poll() wait.Events {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ev wait.Events
	if f.count > 0 {
		ev |= wait.In
	}
	if f.count < most {
		ev |= wait.Out
	}
	return ev
}

// Queue is where changes are told.
func (f *File) Queue() *wait.Queue { return &f.queue }

// Info is for /proc/PID/fdinfo.
func (f *File) Info() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	semaphore := 0
	if f.semaphore {
		semaphore = 1
	}
	return fmt.Appendf(nil, "eventfd-count: %16x\neventfd-semaphore: %d\n", f.count, semaphore)
}
