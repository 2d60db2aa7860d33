package engine

import (
	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// moveBuffer is how much of a vma that moves is copied at once.
const moveBuffer = 256 << 10

// move is Instance.Move: what other views still write to the old place faults, as on Linux.
func (m *sharedMemory) move(from, to, length uint64) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.protect(from, from+length, ProtNone); e != 0 {
		return e
	}
	buf := make([]byte, min(length, moveBuffer))
	e := m.data(from, from+length, func(start, end uint64) linux.Errno {
		for ; start < end; start += uint64(len(buf)) {
			b := buf[:min(uint64(len(buf)), end-start)]
			if e := m.read(address(b), uintptr(len(b)), start); e != 0 {
				return e
			}
			if e := m.write(b, start-from+to); e != 0 {
				return e
			}
		}
		return 0
	})
	if e == 0 {
		r := vma{start: to, end: to + length, prot: ProtRead | ProtWrite}
		e = m.change(func(l *vmas) { l.replace(to, to+length, r) },
			func() linux.Errno { return m.protect(to, to+length, ProtRead|ProtWrite) })
	}
	if e != 0 {
		m.punch(to, to+length)
		for _, v := range m.views {
			m.reprotect(v, from, from+length)
		}
		return e
	}
	return m.unmapLocked(from, from+length)
}

// copyPages is Instance.CopyPages, into an instance that has no threads. A page of the program's
// image that nobody has changed stays one in dst.
func (m *sharedMemory) copyPages(dst *Instance, start, end uint64) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.copyData(dst, start, end)
}

// copyData is copyPages. Precondition: mu is held.
func (m *sharedMemory) copyData(dst *Instance, start, end uint64) linux.Errno {
	at := start
	e := m.data(start, end, func(from, to uint64) linux.Errno {
		dst.clearImage(at, from)
		at = to
		return m.copyRun(dst, from, to)
	})
	if e == 0 {
		dst.clearImage(at, end)
	}
	return e
}

func (m *sharedMemory) copyRun(dst *Instance, start, end uint64) linux.Errno {
	at := start
	for _, h := range dst.p.imageWithout(start, end, dst.holes) {
		if e := m.fill(dst, at, h.start); e != 0 {
			return e
		}
		if e := m.copyChanged(dst, h.start, h.end); e != 0 {
			return e
		}
		at = h.end
	}
	return m.fill(dst, at, end)
}

// fill reads a run of pages into dst.
func (m *sharedMemory) fill(dst *Instance, start, end uint64) linux.Errno {
	if start >= end {
		return 0
	}
	to, size := dst.base+uintptr(start), uintptr(end-start)
	if size >= populateFrom {
		madvise(to, size, unix.MADV_POPULATE_WRITE) // else it faults: slower, not wrong
	}
	return m.read(to, size, start)
}

// copyChanged copies the pages of a part of the image that differ from it.
func (m *sharedMemory) copyChanged(dst *Instance, start, end uint64) linux.Errno {
	buf := make([]byte, min(end-start, moveBuffer))
	for ; start < end; start += uint64(len(buf)) {
		b := buf[:min(uint64(len(buf)), end-start)]
		if e := m.read(address(b), uintptr(len(b)), start); e != 0 {
			return e
		}
		for k := 0; k < len(b); k += pageSize {
			page, off := b[k:k+pageSize], start+uint64(k)
			image := m.p.memory[off-uint64(m.p.Meta.Memory.ImageStart):][:pageSize]
			if string(page) != string(image) {
				copy(bytesAt(dst.base+uintptr(off), pageSize), page)
			}
		}
	}
	return 0
}

// clearImage zeroes what is the program's image in a range.
func (i *Instance) clearImage(start, end uint64) {
	for _, h := range i.p.imageWithout(start, end, i.holes) {
		clear(bytesAt(i.base+uintptr(h.start), uintptr(h.end-h.start)))
	}
}
