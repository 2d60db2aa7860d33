package engine

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// files makes the files in the host's memory that layers and the memories of processes with threads are, and
// counts them: the host's descriptors are also what the kernel itself needs. Layers get half of them, since
// a fork can do without one; with those of threads it is three quarters.
type files struct {
	open  atomic.Int64
	limit int64 // of descriptors
}

// leastFiles is the limit where the host's cannot be read.
const leastFiles = 1024

func (f *files) init() {
	f.limit = leastFiles
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) == nil {
		f.limit = int64(min(l.Cur, 1<<20))
	}
}

// make makes a file of the size of a memory, if no more than most are there. EAGAIN: they are.
func (f *files) make(name string, most int64) (int, linux.Errno) {
	if f.open.Add(1) > most {
		f.open.Add(-1)
		return -1, linux.EAGAIN
	}
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err == nil {
		if err = unix.Ftruncate(fd, memorySize); err == nil {
			return fd, 0
		}
		unix.Close(fd)
	}
	f.open.Add(-1)
	return -1, linux.From(err)
}

func (f *files) close(fd int) {
	unix.Close(fd)
	f.open.Add(-1)
}

func (f *files) forLayers() int64 { return f.limit / 2 }

func (f *files) forThreads() int64 { return f.limit / 4 * 3 }
