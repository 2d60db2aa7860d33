package memfs

import (
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/futex"
	"vkernel/internal/linux"
)

// memory is the content of a file that is, or was, mapped: a file in the host's memory, of the same size.
// Its pages are charged when the file is next changed or unmapped, since a guest makes pages of holes by
// touching them.
type memory struct {
	host    *os.File
	fd      int
	futexes futex.Set
	users   atomic.Int64 // holds of its mappings

	// guarded by the file's mu
	mappings int   // that are held
	writers  int   // of them, those through which the content may change
	charged  int64 // pages
	free     int64 // pages that are not charged: they came from the base
	clean    bool  // a copy of the base's file of this size, if version is still the file's
	version  uint64
}

// memories are the memfds of a file system. The host's descriptors are few, so they are bounded.
type memories struct {
	mu sync.Mutex

	// guarded by mu
	all   map[*memory]struct{}
	kept  []*file // whose copy of the base is kept although nobody maps it, oldest first
	limit int     // 0: not yet known
}

// hostFiles is the process's limit of descriptors, asked for when it starts: a sandbox may not ask later.
var hostFiles = func() uint64 {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return min(l.Cur, 1<<20)
}()

const (
	filesShare = 24      // a file system may have one of so many of the host's descriptors
	fewFiles   = 32      // but always so many
	smallFile  = 1 << 20 // bytes of a file that goes back to the heap when nobody maps it any more
	keptBytes  = 64 << 20
	copyStep   = 256 << 10
)

// make makes an empty one. ENFILE: there are too many.
func (s *memories) make(name string, size int64) (*memory, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit == 0 {
		s.limit, s.all = max(int(hostFiles)/filesShare, fewFiles), map[*memory]struct{}{}
	}
	if len(s.all) >= s.limit {
		return nil, linux.ENFILE
	}
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, linux.From(err)
	}
	m := &memory{host: os.NewFile(uintptr(fd), name), fd: fd} // it closes itself with its file system
	if err := unix.Ftruncate(fd, size); err != nil {
		m.host.Close()
		return nil, linux.From(err)
	}
	s.all[m] = struct{}{}
	return m, 0
}

// drop closes one: nobody maps it. f has it, or none.
func (s *memories) drop(m *memory, f *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(f)
	delete(s.all, m)
	m.host.Close()
}

// MemoryBytes is what files that are, or were, mapped take of the host's memory.
func (fs *FS) MemoryBytes() (n uint64) {
	fs.memories.mu.Lock()
	defer fs.memories.mu.Unlock()
	for m := range fs.memories.all {
		n += uint64(m.pages()) * pageSize
	}
	return n
}

// pages counts the pages that it has.
func (m *memory) pages() int64 {
	var st unix.Stat_t
	if unix.Fstat(m.fd, &st) != nil {
		return 0
	}
	return st.Blocks / (pageSize / 512)
}

// read copies content at off into p.
func (m *memory) read(p []byte, off int64) (int, linux.Errno) {
	for {
		n, err := unix.Pread(m.fd, p, off)
		if err != unix.EINTR {
			return max(n, 0), linux.From(err)
		}
	}
}

// write copies p, as far as the host takes it.
func (m *memory) write(p []byte, off int64) (n int, e linux.Errno) {
	for n < len(p) {
		k, err := unix.Pwrite(m.fd, p[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case n > 0 && err != nil:
			return n, 0
		case err != nil:
			return 0, linux.From(err)
		default:
			n += k
		}
	}
	return n, 0
}

// data calls f for the runs of [lo, hi) that hold pages, in order, until it gives an error.
func (m *memory) data(lo, hi int64, f func(lo, hi int64) linux.Errno) linux.Errno {
	for lo < hi {
		from, err := unix.Seek(m.fd, lo, unix.SEEK_DATA)
		if err == unix.ENXIO || err == nil && from >= hi {
			return 0
		}
		to := from
		if err == nil {
			to, err = unix.Seek(m.fd, from, unix.SEEK_HOLE)
		}
		if err != nil {
			return linux.From(err)
		}
		if lo = min(max(to, from+1), hi); to > from {
			if e := f(from, lo); e != 0 {
				return e
			}
		}
	}
	return 0
}

// missing counts the pages of [lo, hi), in pages, that are holes.
func (m *memory) missing(lo, hi int64) int64 {
	n := hi - lo
	m.data(lo*pageSize, hi*pageSize, func(lo, hi int64) linux.Errno {
		n -= (hi+pageSize-1)/pageSize - lo/pageSize
		return 0
	})
	return max(n, 0)
}

// chargeLocked charges what the memory has by now. What guests have made by touching it is there whatever
// the limit says. Precondition: mu is held.
func (f *file) chargeLocked() {
	m := f.memory
	all := m.pages()
	due := max(all-m.free, 0)
	f.fs.pages.used.Add(due - m.charged)
	m.charged = due
	f.blocks.Store(all)
}

// writeMemoryLocked is writeLocked. Precondition: mu is held, there is a memory.
func (f *file) writeMemoryLocked(p []byte, off int64) (int, linux.Errno) {
	m := f.memory
	p = f.roomLocked(p, off)
	if len(p) == 0 {
		return 0, linux.ENOSPC
	}
	n, e := m.write(p, off)
	if e == linux.ENOMEM {
		e = linux.ENOSPC
	}
	if n > 0 {
		if end := off + int64(n); end > f.size.Load() {
			f.size.Store(end)
		}
		f.chargeLocked()
		f.touch()
	}
	return n, e
}

// roomLocked gives the part of p for which there are pages.
func (f *file) roomLocked(p []byte, off int64) []byte {
	left := max(f.fs.pages.left(), 0)
	first, last := off/pageSize, (off+int64(len(p))-1)/pageSize
	if last-first < left {
		return p
	}
	for i := first; i <= last; i++ {
		if left -= f.memory.missing(i, i+1); left < 0 {
			return p[:max(i*pageSize-off, 0)]
		}
	}
	return p
}

// resizeMemoryLocked is resizeLocked.
func (f *file) resizeMemoryLocked(size int64) linux.Errno {
	if err := unix.Ftruncate(f.memory.fd, size); err != nil {
		return linux.From(err)
	}
	f.size.Store(size)
	f.chargeLocked()
	return 0
}

// zeroMemoryLocked is zeroLocked.
func (f *file) zeroMemoryLocked(lo, hi int64) linux.Errno {
	const mode = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	if err := unix.Fallocate(f.memory.fd, mode, lo, hi-lo); err != nil {
		return linux.From(err)
	}
	f.chargeLocked()
	return 0
}

// allocateMemoryLocked is allocateLocked, for pages [lo, hi).
func (f *file) allocateMemoryLocked(lo, hi int64) linux.Errno {
	if hi-lo > f.fs.pages.left() && f.memory.missing(lo, hi) > f.fs.pages.left() {
		return linux.ENOSPC
	}
	if err := unix.Fallocate(f.memory.fd, unix.FALLOC_FL_KEEP_SIZE, lo*pageSize, (hi-lo)*pageSize); err != nil {
		return linux.ENOSPC
	}
	f.chargeLocked()
	return 0
}
