package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

func brk(t *proc.Thread, a Args) (int64, linux.Errno) { return int64(t.Space().Brk(a.Addr(0))), 0 }

// mapped is a file as the source of a mapping.
type mapped struct {
	vfs.File
	origin mm.Origin
}

func (m *mapped) Origin() mm.Origin { return m.origin }

func mmap(t *proc.Thread, a Args) (int64, linux.Errno) {
	prot, flags := int(a.Int(2)), int(a.Int(3))
	if flags&linux.MAP_ANONYMOUS != 0 {
		addr, e := t.Space().Map(a.Addr(0), a.Size(1), prot, flags, nil, 0)
		return int64(addr), e
	}
	d, e := t.Files().Get(a.Int(4))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	if !d.Readable() {
		return 0, linux.EACCES
	}
	if flags&linux.MAP_TYPE != linux.MAP_PRIVATE && prot&linux.PROT_WRITE != 0 && !d.Writable() {
		return 0, linux.EACCES
	}
	s, e := d.File().Stat()
	switch {
	case e == 0 && s.Mode&linux.S_IFMT == linux.S_IFCHR && s.Rdev == zeroDevice:
		addr, e := t.Space().Map(a.Addr(0), a.Size(1), prot, flags|linux.MAP_ANONYMOUS, nil, 0)
		return int64(addr), e
	case e != 0 || s.Mode&linux.S_IFMT != linux.S_IFREG:
		return 0, linux.ENODEV
	}
	src := &mapped{d.File(), mm.Origin{Path: t.FS().PathString(d.Path()), Dev: s.Dev, Ino: s.Ino}}
	if m, ok := d.File().(vfs.Mapper); ok {
		shared := flags&linux.MAP_TYPE != linux.MAP_PRIVATE
		object, e := m.Mapping(shared && d.Writable())
		if e != 0 {
			return 0, e
		}
		defer object.Release() // what is mapped holds it
		if shared && prot&linux.PROT_WRITE != 0 && !object.Writes() {
			return 0, linux.EPERM // sealed
		}
		src.origin.Object, src.origin.Writable = object, object.Writes()
	}
	addr, e := t.Space().Map(a.Addr(0), a.Size(1), prot, flags, src, a.Long(5))
	return int64(addr), e
}

// zeroDevice is /dev/zero, whose mappings are anonymous memory.
var zeroDevice = linux.Makedev(1, 5)

func munmap(t *proc.Thread, a Args) (int64, linux.Errno) {
	return 0, t.Space().Unmap(a.Addr(0), a.Size(1))
}

func mprotect(t *proc.Thread, a Args) (int64, linux.Errno) {
	return 0, t.Space().Protect(a.Addr(0), a.Size(1), int(a.Int(2)))
}

func mremap(t *proc.Thread, a Args) (int64, linux.Errno) {
	addr, e := t.Space().Remap(a.Addr(0), a.Size(1), a.Size(2), int(a.Int(3)), a.Addr(4))
	return int64(addr), e
}

func madvise(t *proc.Thread, a Args) (int64, linux.Errno) {
	return 0, t.Space().Advise(a.Addr(0), a.Size(1), int(a.Int(2)))
}

const pageSize = 4096

// pages checks a range that has to begin at a page and to be mapped: EINVAL, ENOMEM.
func pages(t *proc.Thread, addr guest.Addr, size uint32) linux.Errno {
	switch {
	case addr%pageSize != 0:
		return linux.EINVAL
	case size != 0 && !t.Space().Mapped(addr, size):
		return linux.ENOMEM
	}
	return 0
}

// msync writes what lies on the host's disk.
func msync(t *proc.Thread, a Args) (int64, linux.Errno) {
	const async, invalidate, sync = 1, 2, 4
	if f := a.Uint(2); f&^uint32(async|invalidate|sync) != 0 || f&async != 0 && f&sync != 0 {
		return 0, linux.EINVAL
	}
	if e := pages(t, a.Addr(0), a.Size(1)); e != 0 || a.Uint(2)&sync == 0 {
		return 0, e
	}
	return 0, t.Space().Sync(a.Addr(0), a.Size(1))
}

// mlock takes any start: Linux rounds it down.
func mlock(t *proc.Thread, a Args) (int64, linux.Errno) {
	start := a.Addr(0) &^ (pageSize - 1)
	return 0, pages(t, start, a.Size(1)+a.Addr(0)-start)
}

func mlock2(t *proc.Thread, a Args) (int64, linux.Errno) {
	const onFault = 1
	if a.Uint(2)&^uint32(onFault) != 0 {
		return 0, linux.EINVAL
	}
	return mlock(t, a)
}

func mlockall(t *proc.Thread, a Args) (int64, linux.Errno) {
	const current, future, onFault = 1, 2, 4
	if f := a.Uint(0); f == 0 || f == onFault || f&^uint32(current|future|onFault) != 0 {
		return 0, linux.EINVAL
	}
	return 0, 0
}

func munlockall(*proc.Thread, Args) (int64, linux.Errno) { return 0, 0 }

// mincore says that what is mapped is there.
func mincore(t *proc.Thread, a Args) (int64, linux.Errno) {
	if e := pages(t, a.Addr(0), a.Size(1)); e != 0 {
		return 0, e
	}
	n := int((uint64(a.Size(1)) + pageSize - 1) / pageSize)
	return 0, t.Mem().View(a.Addr(2), n, func(p []byte) linux.Errno {
		for i := range p {
			p[i] = 1
		}
		return 0
	})
}
