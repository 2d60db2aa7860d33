// Package guest is the one door to a guest's memory.
//
// # Model
//
// A Memory is the 4 GiB that a 32-bit address of the guest can reach, in the host's
// address space. Parts of it may be unmapped, read-only, or cut short under us; the guest
// may change any byte at any time. Every access of the kernel goes through this package,
// which checks the range once and turns a fault into EFAULT.
//
// # Rules of use
//
//   - A goroutine that touches guest memory first calls debug.SetPanicOnFault(true): a
//     fault is then a Go panic, which this package recovers.
//   - Copy a structure once, with Get, and check the copy. Never read a field twice.
//   - View hands out a slice for the time of one call; it must not outlive it. Code that
//     runs in a view holds locks only with defer, since a fault unwinds through it.
package guest

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"unsafe"

	"vkernel/internal/linux"
)

// Size is the number of bytes that a guest address can reach.
const Size = 1 << 32

// Addr is an address in a guest's linear memory.
type Addr = uint32

// Memory is the linear memory of one instance. The zero value has no memory: every
// access is EFAULT.
type Memory struct {
	base unsafe.Pointer
}

// At gives the memory whose byte 0 lies at base. The 4 GiB above base must be reserved
// for it.
func At(base unsafe.Pointer) Memory { return Memory{base} }

// slice gives the bytes [a, a+n), which must lie below 4 GiB.
func (m Memory) slice(a Addr, n int) ([]byte, linux.Errno) {
	if n < 0 || m.base == nil || uint64(a)+uint64(n) > Size {
		return nil, linux.EFAULT
	}
	return unsafe.Slice((*byte)(unsafe.Add(m.base, uintptr(a))), n), 0
}

// recoverFault turns the panic of a fault in this memory into EFAULT; others go on, so that a
// mistake of the kernel is never taken for one of the guest.
func (m Memory) recoverFault(e *linux.Errno) {
	r := recover()
	if r == nil {
		return
	}
	if f, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	}); ok && f.Addr()-uintptr(m.base) < Size {
		*e = linux.EFAULT
		return
	}
	panic(r)
}

// View calls f with the n bytes at a. A fault inside f is EFAULT; what f had done by then
// stays done.
func (m Memory) View(a Addr, n int, f func(p []byte) linux.Errno) (e linux.Errno) {
	p, e := m.slice(a, n)
	if e != 0 {
		return e
	}
	defer m.recoverFault(&e)
	return f(p)
}

// Read copies len(p) bytes at a out of the guest. On EFAULT, p is undefined.
func (m Memory) Read(a Addr, p []byte) (e linux.Errno) {
	s, e := m.slice(a, len(p))
	if e != 0 {
		return e
	}
	defer m.recoverFault(&e)
	copy(p, s)
	return 0
}

// Write copies p into the guest at a. On EFAULT a part may have been written.
func (m Memory) Write(a Addr, p []byte) (e linux.Errno) {
	s, e := m.slice(a, len(p))
	if e != 0 {
		return e
	}
	defer m.recoverFault(&e)
	copy(s, p)
	return 0
}

// Clear zeroes n bytes at a.
func (m Memory) Clear(a Addr, n int) (e linux.Errno) {
	s, e := m.slice(a, n)
	if e != 0 {
		return e
	}
	defer m.recoverFault(&e)
	clear(s)
	return 0
}

// String reads the bytes before the first NUL at a. If there is none in the first limit
// bytes, the error is long (ENAMETOOLONG for a path, E2BIG for an argument).
func (m Memory) String(a Addr, limit int, long linux.Errno) (s string, e linux.Errno) {
	var room [256]byte // most are short
	buf, e := m.AppendString(room[:0], a, limit, long)
	if e != 0 {
		return "", e
	}
	return string(buf), 0
}

// AppendString is String for many strings in one buffer.
func (m Memory) AppendString(to []byte, a Addr, limit int, long linux.Errno) (buf []byte, e linux.Errno) {
	defer m.recoverFault(&e)
	for limit > 0 {
		// A page at a time: what follows the NUL may be unmapped.
		n := min(4096-int(a&4095), limit)
		p, e := m.slice(a, n)
		if e != 0 {
			return to, e
		}
		if i := bytes.IndexByte(p, 0); i >= 0 {
			return append(to, p[:i]...), 0
		}
		to = append(to, p...)
		limit -= n
		if a += uint32(n); a == 0 && limit > 0 {
			return to, linux.EFAULT
		}
	}
	return to, long
}

// Get copies the structure at a out of the guest. T holds no pointers and has the
// guest's layout (package linux).
func Get[T any](m Memory, a Addr) (v T, e linux.Errno) {
	e = m.Read(a, unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
	return v, e
}

// Put copies v into the guest at a.
func Put[T any](m Memory, a Addr, v *T) linux.Errno {
	return m.Write(a, unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)))
}

// GetSlice copies n consecutive structures at a out of the guest. The caller bounds n.
func GetSlice[T any](m Memory, a Addr, n int) ([]T, linux.Errno) {
	v := make([]T, n)
	if n == 0 {
		return v, 0
	}
	e := m.Read(a, unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), uintptr(n)*unsafe.Sizeof(v[0])))
	return v, e
}

// LoadUint32 reads the word at a, which is aligned, in one access.
func LoadUint32(m Memory, a Addr) (v uint32, e linux.Errno) {
	p, e := m.slice(a&^3, 4)
	if e != 0 {
		return 0, e
	}
	defer m.recoverFault(&e)
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&p[0]))), 0
}

// LoadUint64 reads the aligned 8 bytes at a in one access.
func LoadUint64(m Memory, a Addr) (v uint64, e linux.Errno) {
	p, e := m.slice(a&^7, 8)
	if e != 0 {
		return 0, e
	}
	defer m.recoverFault(&e)
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&p[0]))), 0
}

// CompareAndSwapUint32 replaces the aligned word at a if it is old. On read-only memory it is
// EFAULT.
func CompareAndSwapUint32(m Memory, a Addr, old, v uint32) (done bool, e linux.Errno) {
	p, e := m.slice(a&^3, 4)
	if e != 0 {
		return false, e
	}
	defer m.recoverFault(&e)
	return atomic.CompareAndSwapUint32((*uint32)(unsafe.Pointer(&p[0])), old, v), 0
}
