package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
)

// What package wasi uses of sockets.

// Receive is recvmsg(2) into an array of vectors; flags are those of the call, and of the result.
func Receive(t *proc.Thread, d *fd.Description, addr guest.Addr, count int32, flags uint32) (n int64, out uint32, e linux.Errno) {
	s, ok := d.File().(*sock.Socket)
	if !ok {
		return 0, 0, linux.ENOTSOCK
	}
	v, total, e := vectors(t.Mem(), addr, count)
	if e != 0 {
		return 0, 0, e
	}
	r := awaits(d, s, flags)
	n, e = r.vector(t, v, total)
	r.drop(t)
	return n, r.out, e
}

// Transmit is sendmsg(2) of an array of vectors.
func Transmit(t *proc.Thread, d *fd.Description, addr guest.Addr, count int32, flags uint32) (int64, linux.Errno) {
	s, ok := d.File().(*sock.Socket)
	if !ok {
		return 0, linux.ENOTSOCK
	}
	v, total, e := vectors(t.Mem(), addr, count)
	if e != 0 {
		return 0, e
	}
	m, e := starts(t, d, s, flags)
	if e != 0 {
		return 0, e
	}
	return m.vector(t, v, total)
}

// Shutdown is shutdown(2).
func Shutdown(d *fd.Description, how int) linux.Errno {
	s, ok := d.File().(*sock.Socket)
	if !ok {
		return linux.ENOTSOCK
	}
	return s.Shutdown(how)
}
