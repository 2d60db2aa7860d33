package wasi

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
)

// Calls on sockets. WASI makes none: a program has those that it was started with, and what it accepts from them.

// Flags of sock_recv and sock_shutdown.
const (
	recvPeek      = 1
	recvWaitall   = 2
	recvTruncated = 1 // of the result

	shutRead  = 1
	shutWrite = 2
)

func sockAccept(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	const nonblock = 4
	if a.Uint(1)&^nonblock != 0 {
		return 0, linux.EINVAL
	}
	flags := uint32(0)
	if a.Uint(1)&nonblock != 0 {
		flags = linux.SOCK_NONBLOCK
	}
	d, g, e := open(t, a.Int(0), rightAccept)
	if e != 0 {
		return 0, e
	}
	d.Unref()
	n, e := syscalls.Accept(t, a.Int(0), flags, g.nonblock)
	if e != 0 {
		return 0, e
	}
	if e := guest.Put(t.Mem(), a.Addr(2), &n); e != 0 {
		t.Files().Close(n)
		return 0, e
	}
	return 0, 0
}

func sockRecv(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, g, e := open(t, a.Int(0), rightRead)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	in, flags := a.Uint(3), uint32(0)
	if in&^(recvPeek|recvWaitall) != 0 {
		return 0, linux.EINVAL
	}
	if in&recvPeek != 0 {
		flags |= linux.MSG_PEEK
	}
	if in&recvWaitall != 0 {
		flags |= linux.MSG_WAITALL
	}
	if g.nonblock {
		flags |= linux.MSG_DONTWAIT
	}
	n, out, e := syscalls.Receive(t, d, a.Addr(1), a.Int(2), flags)
	if e != 0 {
		return 0, e
	}
	truncated := uint16(0)
	if out&linux.MSG_TRUNC != 0 {
		truncated = recvTruncated
	}
	if e := guest.Put(t.Mem(), a.Addr(5), &truncated); e != 0 {
		return 0, e
	}
	return putSize(t, a.Addr(4), n, 0)
}

func sockSend(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, g, e := open(t, a.Int(0), rightWrite)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	if a.Uint(3) != 0 {
		return 0, linux.EINVAL
	}
	flags := uint32(linux.MSG_NOSIGNAL)
	if g.nonblock {
		flags |= linux.MSG_DONTWAIT
	}
	n, e := syscalls.Transmit(t, d, a.Addr(1), a.Int(2), flags)
	return putSize(t, a.Addr(4), n, e)
}

func sockShutdown(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, _, e := open(t, a.Int(0), rightShutdown)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	how, ok := map[uint32]int{shutRead: linux.SHUT_RD, shutWrite: linux.SHUT_WR, shutRead | shutWrite: linux.SHUT_RDWR}[a.Uint(1)]
	if !ok {
		return 0, linux.EINVAL
	}
	return 0, syscalls.Shutdown(d, how)
}
