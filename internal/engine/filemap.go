package engine

import (
	"slices"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// Files in an instance's memory are mappings of the host: a page shows the file's page. In a memory
// with threads one that is private is a shared mapping of the file as long as it is read-only, so that all
// views show the same pages; when it becomes writable, what it shows becomes a part of the memory. So does
// a private one that is writable, or was written to, when the first thread starts.

// File is what MapFile maps.
type File struct {
	FD     int   // of the host: it stays open as long as a mapping, or a part of one, exists
	Off    int64 // in the file, of the first byte
	Shared bool  // writes go to the file; else they are the process's own
}

// backing is the file that a vma maps. The zero value is none.
type backing struct {
	from    int // descriptor + 1
	off     int64
	private bool
}

// after is the backing of what follows n bytes later.
func (b backing) after(n uint64) backing {
	if b.from != 0 {
		b.off += int64(n)
	}
	return b
}

func (b backing) fd() int { return b.from - 1 }

// mapAt maps the file of r into a slot.
func (r *vma) mapAt(base uintptr, private bool) linux.Errno {
	flags := unix.MAP_SHARED
	if private {
		flags = unix.MAP_PRIVATE
	}
	flags |= unix.MAP_FIXED | unix.MAP_NORESERVE
	_, e := mmap(base+uintptr(r.start), uintptr(r.end-r.start), r.prot, flags, r.fd(), r.off)
	return e
}

// MapFile makes the unmapped pages of [addr, addr+length) show a file.
func (i *Instance) MapFile(addr, length uint64, prot int, f File) linux.Errno {
	_, e := i.within(addr, length)
	if e == 0 {
		e = checkProt(prot)
	}
	if e != 0 {
		return e
	}
	r := vma{start: addr, end: addr + length, prot: prot, backing: backing{f.FD + 1, f.Off, !f.Shared}}
	if m := i.memory.Load(); m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.mapFileLocked(r)
	}
	return i.mapObject(r)
}

// mapObject maps a file into a memory without threads.
func (i *Instance) mapObject(r vma) linux.Errno {
	l := i.layout()
	i.foreign = true
	if e := i.dropImage(r.start, r.end); e != 0 {
		return e
	}
	i.cutParts(hole{r.start, r.end})
	if e := r.mapAt(i.base, r.private); e != 0 {
		return e
	}
	l.replace(r.start, r.end, r)
	return 0
}

// mapFileLocked maps a file into all views. Precondition: mu is held.
func (m *sharedMemory) mapFileLocked(r vma) linux.Errno {
	if r.private && r.prot&ProtWrite != 0 {
		return m.takeIn(r)
	}
	return m.change(func(l *vmas) { l.replace(r.start, r.end, r) }, func() linux.Errno {
		for _, v := range m.views {
			if e := r.mapAt(v.base, false); e != 0 {
				m.hide(r.start, r.end)
				return e
			}
		}
		return 0
	})
}

// hide makes a range what unmapped memory is.
func (m *sharedMemory) hide(start, end uint64) {
	for _, v := range m.views {
		m.mapFile(v.base, start, end)
	}
}

// takeIn makes what r maps a part of the memory, in all views.
func (m *sharedMemory) takeIn(r vma) linux.Errno {
	if e := m.copyFile(r); e != 0 {
		m.punch(r.start, r.end)
		return e
	}
	own := vma{start: r.start, end: r.end, prot: r.prot}
	return m.change(func(l *vmas) { l.replace(r.start, r.end, own) }, func() linux.Errno {
		for _, v := range m.views {
			// In one step: other threads read the range.
			if e := m.mapFileAs(v.base, r.start, r.end, r.prot); e != 0 {
				m.hide(r.start, r.end)
				return e
			}
		}
		return 0
	})
}

// ownLocked takes what is mapped privately from files in a range into the memory, if the protection that
// it is about to get lets the guest write. Precondition: mu is held.
func (m *sharedMemory) ownLocked(start, end uint64, prot int) linux.Errno {
	if prot&ProtWrite == 0 {
		return 0
	}
	for _, r := range m.vmas.within(start, end) {
		if r.from != 0 && r.private {
			if e := m.takeIn(r); e != 0 {
				return e
			}
		}
	}
	return 0
}

// copyFile copies what r shows into the memory's file, up to the end of r's.
func (m *sharedMemory) copyFile(r vma) linux.Errno {
	buf := make([]byte, min(r.end-r.start, moveBuffer))
	for at := r.start; at < r.end; {
		b := buf[:min(uint64(len(buf)), r.end-at)]
		n, err := unix.Pread(r.fd(), b, r.off+int64(at-r.start))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return linux.From(err)
		case n == 0:
			return 0
		}
		if e := m.write(b[:n], at); e != 0 {
			return e
		}
		at += uint64(n)
	}
	return 0
}

// eachWritten calls f with a copy of each private page of r, which may have any protection. A page that is
// gone by now, because the file was truncated, is left out.
func (i *Instance) eachWritten(r *vma, f func(addr uint64, page []byte) linux.Errno) (e linux.Errno) {
	at, size := i.base+uintptr(r.start), uintptr(r.end-r.start)
	if r.prot == ProtNone {
		if e := mprotect(at, size, ProtRead); e != 0 {
			return e
		}
		defer mprotect(at, size, ProtNone)
	}
	page := make([]byte, pageSize)
	scan := i.p.code.pagemap.private(at, size, func(at, size uintptr) {
		for end := at + size; at < end && e == 0; at += pageSize {
			if addr := uint64(at - i.base); i.Memory().Read(uint32(addr), page) == 0 {
				e = f(addr, page)
			}
		}
	})
	if e == 0 {
		e = scan
	}
	return e
}

// exportFile copies what r shows of a file, and the private pages over it, into the memory's file.
func (i *Instance) exportFile(m *sharedMemory, r *vma) linux.Errno {
	if e := m.copyFile(*r); e != 0 {
		return e
	}
	return i.eachWritten(r, func(addr uint64, page []byte) linux.Errno { return m.write(page, addr) })
}

// writtenTo copies the private pages of r to another place of this instance, or of another, which is
// writable there. What cannot be written lies beyond the end of the file.
func (i *Instance) writtenTo(dst *Instance, r *vma, to uint64) linux.Errno {
	return i.eachWritten(r, func(addr uint64, page []byte) linux.Errno {
		dst.Memory().Write(uint32(addr-r.start+to), page)
		return 0
	})
}

// CopyFile gives a fork of this instance, which nobody else knows yet, what this one has in a range that
// MapFile mapped: the same file, with the private pages copied.
func (i *Instance) CopyFile(dst *Instance, addr, length uint64) linux.Errno {
	if _, e := i.within(addr, length); e != 0 {
		return e
	}
	m := i.memory.Load()
	list := i.vmas
	if m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		list = m.vmas
	}
	for _, r := range list.within(addr, addr+length) {
		if e := i.copyVMA(dst, m, r); e != 0 {
			return e
		}
	}
	return 0
}

// copyVMA copies one vma. Precondition: m.mu is held, if there is an m.
func (i *Instance) copyVMA(dst *Instance, m *sharedMemory, r vma) linux.Errno {
	const rw = ProtRead | ProtWrite
	prot := r.prot
	if r.from != 0 && !r.private {
		return dst.mapObject(r)
	}
	r.prot = rw
	var e linux.Errno
	if r.from != 0 {
		e = dst.mapObject(r)
	} else if e = dst.Map(r.start, r.end-r.start, rw, false); e == 0 && m != nil {
		e = m.copyData(dst, r.start, r.end)
	}
	if r.prot = prot; e == 0 && m == nil {
		e = i.writtenTo(dst, &r, r.start)
	}
	if e != 0 || prot == rw {
		return e
	}
	return dst.Protect(r.start, r.end-r.start, prot)
}

// MoveFile moves a range that MapFile mapped to an unmapped one, with the protection that it has. The ranges do
// not overlap.
func (i *Instance) MoveFile(from, to, length uint64) linux.Errno {
	if _, e := i.within(from, length); e != 0 {
		return e
	}
	if _, e := i.within(to, length); e != 0 {
		return e
	}
	for _, r := range i.list().within(from, from+length) {
		if e := i.moveVMA(r, r.start-from+to); e != 0 {
			return e
		}
	}
	return 0
}

// list gives a copy of the vmas.
func (i *Instance) list() vmas {
	m := i.memory.Load()
	if m == nil {
		return slices.Clone(i.vmas)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.vmas)
}

func (i *Instance) moveVMA(r vma, to uint64) linux.Errno {
	there := r
	there.start, there.end = to, to+r.end-r.start
	m := i.memory.Load()
	switch {
	case r.from != 0 && m != nil:
		return m.moveFile(r, there)
	case r.from != 0:
		return i.moveFile(r, there)
	}
	size := r.end - r.start
	if e := i.Protect(r.start, size, ProtRead|ProtWrite); e != 0 {
		return e
	}
	if e := i.Move(r.start, to, size); e != 0 {
		return e
	}
	return i.Protect(to, size, r.prot)
}

func (m *sharedMemory) moveFile(r, there vma) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.mapFileLocked(there); e != 0 {
		return e
	}
	return m.unmapLocked(r.start, r.end)
}

// moveFile moves a file's vma; private pages are copied.
func (i *Instance) moveFile(r, there vma) linux.Errno {
	prot := there.prot
	if r.private {
		there.prot = ProtRead | ProtWrite
	}
	if e := i.mapObject(there); e != 0 {
		return e
	}
	if r.private {
		if e := i.writtenTo(i, &r, there.start); e != 0 {
			return e
		}
		if e := i.Protect(there.start, there.end-there.start, prot); e != 0 {
			return e
		}
	}
	return i.Unmap(r.start, r.end-r.start)
}

// DropWritten drops the private pages over files in a range: it shows the files again. What was taken into the
// memory of a process with threads stays.
func (i *Instance) DropWritten(addr, length uint64) linux.Errno {
	if _, e := i.within(addr, length); e != 0 || i.memory.Load() != nil {
		return e
	}
	for _, r := range i.vmas.within(addr, addr+length) {
		if r.from != 0 && r.private {
			if e := madvise(i.base+uintptr(r.start), uintptr(r.end-r.start), unix.MADV_DONTNEED); e != 0 {
				return e
			}
		}
	}
	return 0
}

// Borrowed counts what the range shows of files and has not written to: pages that are the files'.
func (i *Instance) Borrowed(addr, length uint64) (n uint64) {
	at, e := i.within(addr, length)
	if e != 0 || i.memory.Load() != nil {
		return 0 // see Resident
	}
	i.p.code.pagemap.walk(at, uintptr(length), 0, func(_, size uintptr) { n += uint64(size) })
	i.p.code.pagemap.private(at, uintptr(length), func(_, size uintptr) { n -= min(n, uint64(size)) })
	return n
}
