// Package linux is the ABI of the kernel that guests see: error numbers, flags and
// structures of Linux x86-64, with pointers and size_t of four bytes (docs/abi.md).
//
// It holds data only: no state, no behaviour beyond naming and conversion. Structures
// have exactly the guest's layout, so that package guest can copy them whole; they hold
// no Go pointers. A file here is named after the Linux header that it follows.
package linux

import (
	"errors"
	"syscall"
)

// Error gives the text of strerror(3).
func (e Errno) Error() string {
	if int(e) < len(errnoNames) && errnoNames[e].text != "" {
		return errnoNames[e].text
	}
	return "unknown error"
}

// Name gives the symbolic name ("ENOENT"), for traces and logs.
func (e Errno) Name() string {
	if int(e) < len(errnoNames) && errnoNames[e].name != "" {
		return errnoNames[e].name
	}
	return "E?"
}

// Result is the value a system call returns to the guest: n, or -errno.
func (e Errno) Result(n int64) int64 {
	if e != 0 {
		return -int64(e)
	}
	return n
}

// From converts an error of the host (os, syscall, x/sys/unix) to the guest's errno.
// It is the one such conversion. An error that carries no errno is EIO.
func From(err error) Errno {
	if err == nil {
		return 0
	}
	var e Errno
	if errors.As(err, &e) {
		return e
	}
	var s syscall.Errno
	if errors.As(err, &s) {
		return Errno(s)
	}
	return EIO
}
