package engine

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// The file of a sharedMemory. It is read and written by system calls: no protection of a view
// is in the way, and a hole that is looked at stays one.

// openShared makes the file.
func openShared(p *Program) (*sharedMemory, linux.Errno) {
	f := &p.code.files
	fd, e := f.make("memory", f.forThreads())
	if e != 0 {
		p.code.slots.refuse(limitFiles, "%d memories of processes with threads, and layers of large ones, are open: %v", f.open.Load(), e)
		return nil, noRoom(e)
	}
	m := &sharedMemory{p: p, fd: fd}
	p.code.shared.add(m)
	return m, 0
}

// sharedSet is the memories of processes with threads that there are.
type sharedSet struct {
	mu  sync.Mutex
	all map[*sharedMemory]struct{}
}

func (s *sharedSet) add(m *sharedMemory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[*sharedMemory]struct{}{}
	}
	s.all[m] = struct{}{}
}

// remove closes the file, too: nobody measures it then.
func (s *sharedSet) remove(m *sharedMemory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, m)
	m.p.code.files.close(m.fd)
	m.fd = -1 // the number may be another file's from now on
}

// ThreadBytes is the memory of all processes with threads, each page counted once. The host's
// own count of shared pages has each as often as views have mapped it, and none that no view has.
func (c *Code) ThreadBytes() (n uint64) {
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	for m := range c.shared.all {
		n += m.bytes()
	}
	return n
}

// bytes is the size of all pages.
func (m *sharedMemory) bytes() uint64 {
	var st unix.Stat_t
	if unix.Fstat(m.fd, &st) != nil {
		return 0
	}
	return uint64(st.Blocks) * 512
}

// noRoom is what a thread that cannot be made for want of host resources gets: EAGAIN if it is
// the number of something that is limited, else ENOMEM.
func noRoom(e linux.Errno) linux.Errno {
	if e == linux.EMFILE || e == linux.ENFILE || e == linux.EAGAIN {
		return linux.EAGAIN
	}
	return linux.ENOMEM
}

func (m *sharedMemory) close() { m.p.code.shared.remove(m) }

// mapFile maps the file over a range of a view, inaccessible.
func (m *sharedMemory) mapFile(base uintptr, start, end uint64) linux.Errno {
	return m.mapFileAs(base, start, end, ProtNone)
}

// mapFileAs maps the file over a range of a view with a protection.
func (m *sharedMemory) mapFileAs(base uintptr, start, end uint64, prot int) linux.Errno {
	if start >= end {
		return 0
	}
	at, size := base+uintptr(start), uintptr(end-start)
	const flags = unix.MAP_SHARED | unix.MAP_FIXED | unix.MAP_NORESERVE
	if _, e := mmap(at, size, prot, flags, m.fd, int64(start)); e != 0 {
		return e
	}
	madvise(at, size, unix.MADV_NOHUGEPAGE)
	return 0
}

// write puts bytes into the file.
func (m *sharedMemory) write(b []byte, at uint64) linux.Errno {
	for len(b) > 0 {
		n, _, e := syscall.Syscall6(unix.SYS_PWRITE64, uintptr(m.fd), address(b), uintptr(len(b)), uintptr(at), 0, 0)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 || n == 0 {
			return noRoom(hostErrno(e))
		}
		b, at = b[n:], at+uint64(n)
	}
	return 0
}

// read fills host memory from the file.
func (m *sharedMemory) read(at uintptr, size uintptr, off uint64) linux.Errno {
	for size > 0 {
		n, _, e := syscall.Syscall6(unix.SYS_PREAD64, uintptr(m.fd), at, size, uintptr(off), 0, 0)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 || n == 0 {
			return linux.ENOMEM
		}
		at, size, off = at+n, size-n, off+uint64(n)
	}
	return 0
}

// data calls f for the runs of [start, end) that hold pages, in order.
func (m *sharedMemory) data(start, end uint64, f func(start, end uint64) linux.Errno) linux.Errno {
	for start < end {
		from, err := unix.Seek(m.fd, int64(start), unix.SEEK_DATA)
		if err == unix.ENXIO || err == nil && uint64(from) >= end {
			return 0
		}
		if err != nil {
			return linux.From(err)
		}
		to, err := unix.Seek(m.fd, from, unix.SEEK_HOLE)
		if err != nil {
			return linux.From(err)
		}
		if to <= from { // the run has just been freed
			to = from + pageSize
		}
		start = min(uint64(to), end)
		if e := f(uint64(from), start); e != 0 {
			return e
		}
	}
	return 0
}

// punch frees the pages of a range; it is zero then.
func (m *sharedMemory) punch(start, end uint64) linux.Errno {
	return linux.From(unix.Fallocate(m.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(start), int64(end-start)))
}
