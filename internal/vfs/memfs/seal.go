package memfs

import "vkernel/internal/linux"

// Seals are what a sealed file refuses (memfd_create(2)). A file that was not made to be sealed has
// F_SEAL_SEAL from the start.

// unwritable are the seals that keep write(2) away.
const unwritable = linux.F_SEAL_WRITE | linux.F_SEAL_FUTURE_WRITE

// Seals are the file's.
func (h *handle) Seals() uint32 {
	h.f.mu.RLock()
	defer h.f.mu.RUnlock()
	return h.f.sealsLocked()
}

func (f *file) sealsLocked() uint32 {
	if f.sealable {
		return f.seals
	}
	return f.seals | linux.F_SEAL_SEAL
}

// AddSeals adds seals: EPERM if F_SEAL_SEAL is there, EBUSY for F_SEAL_WRITE while there are
// mappings through which the content may change.
func (h *handle) AddSeals(seals uint32) linux.Errno {
	f := h.f
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case seals&^linux.F_ALL_SEALS != 0:
		return linux.EINVAL
	case !f.sealable:
		return linux.EPERM
	}
	if seals&linux.F_SEAL_EXEC != 0 && f.mode.Load()&0o111 != 0 {
		seals |= linux.F_SEAL_SHRINK | linux.F_SEAL_GROW | unwritable
	}
	if seals&^f.seals&linux.F_SEAL_WRITE != 0 && f.memory != nil && f.memory.writers > 0 {
		return linux.EBUSY
	}
	f.seals |= seals &^ linux.F_SEAL_SEAL
	if seals&linux.F_SEAL_SEAL != 0 {
		f.sealable = false
	}
	return 0
}

// sealedFor reports whether the file has one of some seals.
func (f *file) sealedFor(seals uint32) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.seals&seals != 0
}

// sealedLocked cuts a write at off to what the seals allow, which is whole pages of one that grows the
// file: EPERM if nothing is left. Precondition: mu is held.
func (f *file) sealedLocked(p []byte, off int64) ([]byte, linux.Errno) {
	if f.seals == 0 || len(p) == 0 {
		return p, 0
	}
	if f.seals&unwritable != 0 {
		return nil, linux.EPERM
	}
	if size := f.size.Load(); f.seals&linux.F_SEAL_GROW != 0 && off+int64(len(p)) > size {
		whole := size / pageSize * pageSize
		if off >= whole {
			return nil, linux.EPERM
		}
		p = p[:whole-off]
	}
	return p, 0
}

// resizableLocked is EPERM for a size that the seals refuse. Precondition: mu is held.
func (f *file) resizableLocked(size int64) linux.Errno {
	now := f.size.Load()
	if f.seals&linux.F_SEAL_SHRINK != 0 && size < now || f.seals&linux.F_SEAL_GROW != 0 && size > now {
		return linux.EPERM
	}
	return 0
}

// allocatableLocked is EPERM for a fallocate(2) that the seals refuse.
func (f *file) allocatableLocked(mode uint32, off, n int64) linux.Errno {
	const holes = linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_ZERO_RANGE
	if mode&holes != 0 && f.seals&unwritable != 0 {
		return linux.EPERM
	}
	if mode&linux.FALLOC_FL_PUNCH_HOLE == 0 && f.seals&linux.F_SEAL_GROW != 0 && off+n > f.size.Load() {
		return linux.EPERM
	}
	return 0
}
