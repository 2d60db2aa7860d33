package engine

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// The system calls on memory that the engine makes, by address: the ranges are not Go's.

// pointer makes an address outside Go's heap a pointer. Reading it through memory keeps vet
// and the pointer checker of the race detector out of what they cannot know.
func pointer(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// bytesAt is n bytes of host memory.
func bytesAt(at, n uintptr) []byte { return unsafe.Slice((*byte)(pointer(at)), n) }

func mmap(at, size uintptr, prot, flags, fd int, off int64) (uintptr, linux.Errno) {
	p, _, e := syscall.Syscall6(unix.SYS_MMAP, at, size, uintptr(prot), uintptr(flags), uintptr(fd), uintptr(off))
	return p, hostErrno(e)
}

func munmap(at, size uintptr) linux.Errno {
	_, _, e := syscall.Syscall(unix.SYS_MUNMAP, at, size, 0)
	return hostErrno(e)
}

func mprotect(at, size uintptr, prot int) linux.Errno {
	if size == 0 {
		return 0
	}
	_, _, e := syscall.Syscall(unix.SYS_MPROTECT, at, size, uintptr(prot))
	return hostErrno(e)
}

func madvise(at, size uintptr, advice int) linux.Errno {
	if size == 0 {
		return 0
	}
	_, _, e := syscall.Syscall(unix.SYS_MADVISE, at, size, uintptr(advice))
	return hostErrno(e)
}

func mremap(from, oldSize, newSize uintptr, flags int, to uintptr) linux.Errno {
	_, _, e := syscall.Syscall6(unix.SYS_MREMAP, from, oldSize, newSize, uintptr(flags), to, 0)
	return hostErrno(e)
}

// reserve gives back address space in place: what was mapped there is gone, and nothing else
// can be put there.
func reserve(at, size uintptr) linux.Errno {
	const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE | unix.MAP_FIXED
	if _, e := mmap(at, size, unix.PROT_NONE, flags, -1, 0); e != 0 {
		return e
	}
	madvise(at, size, unix.MADV_NOHUGEPAGE) // a host without huge pages says EINVAL: fine
	return 0
}
