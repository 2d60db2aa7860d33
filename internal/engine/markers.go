package engine

import (
	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// Each thread's stack has a guard below it: two mappings for each thread, in each view, would
// end at some hundred threads, for the host limits mappings. Where it can (Linux 6.15), the
// guards of a process with many are kept by markers in the page table, inside of one mapping.

const (
	markFrom  = 16       // mappings of a view; few are not worth a page of page table each
	markBelow = 64 << 10 // bytes of a guard
)

// madvGuardRemove is MADV_GUARD_REMOVE.
const madvGuardRemove = 103

// hasSharedMarkers tries whether the host has markers in shared memory.
func hasSharedMarkers() bool {
	fd, err := unix.MemfdCreate("markers", unix.MFD_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	at, e := mmap(0, pageSize, unix.PROT_NONE, unix.MAP_SHARED, fd, 0)
	if e != 0 {
		return false
	}
	defer munmap(at, pageSize)
	return madvise(at, pageSize, madvGuardInstall) == 0 && madvise(at, pageSize, madvGuardRemove) == 0
}

// effective is the protection of the mapping that r is a part of.
func (r *vma) effective() int {
	if r.marked {
		return ProtRead | ProtWrite
	}
	return r.prot
}

// alike counts the vmas, from the first, that are one mapping of the host.
func (l vmas) alike() int {
	n := 1
	for n < len(l) && !l[0].apart() && !l[n].apart() && l[n].start == l[n-1].end && l[n].effective() == l[0].effective() {
		n++
	}
	return n
}

// markable lists the guards that could be marked: small, and below what is writable.
func (l vmas) markable() (list []int) {
	for k := range l {
		r := &l[k]
		if r.prot != ProtNone || r.apart() || r.marked || r.end-r.start > markBelow || k+1 == len(l) {
			continue
		}
		if up := &l[k+1]; up.start == r.end && !up.apart() && up.prot == ProtRead|ProtWrite {
			list = append(list, k)
		}
	}
	return list
}

// markGuards marks what is markable, if the views have many mappings. What the host refuses stays
// as it is.
func (m *sharedMemory) markGuards() {
	if m.cost < markFrom || !m.p.code.sharedMarkers {
		return
	}
	list := m.vmas.markable()
	for _, k := range list {
		r, e := &m.vmas[k], linux.Errno(0)
		r.marked = true
		for _, v := range m.views {
			if e = setMarkersAt(v.base, r); e != 0 {
				break
			}
		}
		if e != 0 {
			m.protect(r.start, r.end, ProtNone)
			r.marked = false
		}
	}
	if len(list) != 0 {
		m.declare(m.vmas)
	}
}

// setMarkersAt makes an inaccessible range one by markers. It is inaccessible all the time.
func setMarkersAt(base uintptr, r *vma) linux.Errno {
	at, size := base+uintptr(r.start), uintptr(r.end-r.start)
	if e := madvise(at, size, madvGuardInstall); e != 0 {
		return e
	}
	return mprotect(at, size, ProtRead|ProtWrite)
}

// clearMarkers takes the markers out of a range that has got another protection.
func (m *sharedMemory) clearMarkers(v *Instance, start, end uint64) {
	for _, r := range m.vmas.within(start, end) {
		if r.marked {
			madvise(v.base+uintptr(r.start), uintptr(r.end-r.start), madvGuardRemove)
		}
	}
}
