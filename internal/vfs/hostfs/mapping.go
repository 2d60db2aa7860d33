package hostfs

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/futex"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// maxMapped is how many descriptors a file system keeps for what is mapped.
const maxMapped = 512

// uses is what all mappings of a file share.
type uses struct {
	futexes futex.Set
	held    atomic.Int64
	by      [2]*mapping // guarded by file.mu: for reading, and for writing too
}

// mapping is a descriptor of a file that is mapped. The pages are the host's cache of it: what the host's
// programs write shows at once, and what they cut off is SIGBUS.
type mapping struct {
	f      *file
	fd     int
	writes bool
	holds  int // guarded by file.mu
}

// Mapping gives the file as it is mapped for reading, or for writing too.
func (h *handle) Mapping(writes bool) (vfs.Mapping, linux.Errno) {
	f := h.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.uses == nil {
		f.uses = new(uses)
	}
	slot := 0
	if writes {
		slot = 1
	}
	m := f.uses.by[slot]
	if m == nil {
		var e linux.Errno
		if m, e = f.mapLocked(h.fd, writes); e != 0 {
			return nil, e
		}
		f.uses.by[slot] = m
	}
	m.holds++
	f.uses.held.Add(1)
	return m, 0
}

func (f *file) mapLocked(fd int, writes bool) (*mapping, linux.Errno) {
	if f.fs.mapped.Add(1) > maxMapped {
		f.fs.mapped.Add(-1)
		return nil, linux.ENFILE
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err == nil && writes && !f.BeginWrite() {
		unix.Close(own)
		err = unix.ETXTBSY
	}
	if err != nil {
		f.fs.mapped.Add(-1)
		return nil, from(err)
	}
	return &mapping{f: f, fd: own, writes: writes}, 0
}

// FD is a descriptor of its own.
func (m *mapping) FD() int { return m.fd }

// Writes tells whether it may write.
func (m *mapping) Writes() bool { return m.writes }

// Futexes are the waiters for words in the file.
func (m *mapping) Futexes() *futex.Set { return &m.f.uses.futexes }

// Sync writes the file to the host's disk.
func (m *mapping) Sync() linux.Errno { return from(unix.Fsync(m.fd)) }

// Users counts the holds of the file's mappings.
func (m *mapping) Users() int { return int(m.f.uses.held.Load()) }

// Cached says yes.
func (m *mapping) Cached() bool { return true }

// Hold holds it once more.
func (m *mapping) Hold() {
	m.f.mu.Lock()
	defer m.f.mu.Unlock()
	m.holds++
	m.f.uses.held.Add(1)
}

// Release ends a Hold. The last one closes the descriptor.
func (m *mapping) Release() {
	f := m.f
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uses.held.Add(-1)
	if m.holds--; m.holds > 0 {
		return
	}
	for k := range f.uses.by {
		if f.uses.by[k] == m {
			f.uses.by[k] = nil
		}
	}
	unix.Close(m.fd)
	f.fs.mapped.Add(-1)
	if m.writes {
		f.EndWrite()
	}
}
