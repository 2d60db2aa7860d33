package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
)

// Sockets: how they are made and found.

// who is with whose rights the thread uses sockets.
func who(t *proc.Thread) sock.Who {
	c := t.Cred()
	return sock.Who{
		Ucred: linux.Ucred{PID: int32(t.Process().PID()), UID: c.EUID, GID: c.EGID},
		Super: c.Super(),
	}
}

// socketOf gives the socket of a descriptor, with a reference to its description.
func socketOf(t *proc.Thread, n int32) (*fd.Description, *sock.Socket, linux.Errno) {
	d, e := t.Files().Get(n)
	if e != 0 {
		return nil, nil, e
	}
	s, ok := d.File().(*sock.Socket)
	if !ok {
		d.Unref()
		return nil, nil, linux.ENOTSOCK
	}
	return d, s, 0
}

// describe makes the description of a socket; flags are SOCK_NONBLOCK or none.
func describe(s *sock.Socket, flags uint32) *fd.Description {
	return fd.New(s, s.Path(), linux.O_RDWR|flags&linux.SOCK_NONBLOCK)
}

// kindOf reads the family, type and protocol of socket(2) and socketpair(2).
func kindOf(a Args) (domain, typ, proto int, flags uint32, e linux.Errno) {
	domain, proto = int(a.Int(0)), int(a.Int(2))
	typ, flags = int(a.Int(1))&linux.SOCK_TYPE_MASK, a.Uint(1)&^linux.SOCK_TYPE_MASK
	if flags&^(linux.SOCK_NONBLOCK|linux.SOCK_CLOEXEC) != 0 {
		return 0, 0, 0, 0, linux.EINVAL
	}
	if domain == linux.AF_UNIX && typ == linux.SOCK_RAW {
		typ = linux.SOCK_DGRAM
	}
	proto, e = sock.Check(domain, typ, proto)
	return domain, typ, proto, flags, e
}

func socket(t *proc.Thread, a Args) (int64, linux.Errno) {
	domain, typ, proto, flags, e := kindOf(a)
	if e != 0 {
		return 0, e
	}
	if e := t.Table().Sockets().Room(1); e != 0 {
		return 0, e
	}
	d := describe(t.Table().Sockets().New(domain, typ, proto, who(t)), flags)
	n, e := t.Files().Install(d, 0, flags&linux.SOCK_CLOEXEC != 0, t.Limit(linux.RLIMIT_NOFILE))
	return int64(n), e
}

func socketpair(t *proc.Thread, a Args) (int64, linux.Errno) {
	domain, typ, _, flags, e := kindOf(a)
	if e != 0 {
		return 0, e
	}
	if domain != linux.AF_UNIX {
		return 0, linux.EOPNOTSUPP
	}
	if e := t.Table().Sockets().Room(2); e != 0 {
		return 0, e
	}
	x, y := t.Table().Sockets().Pair(typ, who(t))
	files := t.Files()
	nx, ny, e := files.InstallPair(describe(x, flags), describe(y, flags), flags&linux.SOCK_CLOEXEC != 0, t.Limit(linux.RLIMIT_NOFILE))
	if e != 0 {
		return 0, e
	}
	if e = guest.Put(t.Mem(), a.Addr(3), &[2]int32{nx, ny}); e != 0 {
		files.Close(nx)
		files.Close(ny)
	}
	return 0, e
}

func listen(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	if s.Domain != linux.AF_UNIX && !s.Bound() {
		if e := mayUse(t, "bind", s.Local()); e != 0 {
			return 0, e // it binds to any address
		}
	}
	return 0, s.Listen(int(a.Int(1)), who(t))
}

func shutdown(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return 0, s.Shutdown(int(a.Int(1)))
}

func accept(t *proc.Thread, a Args) (int64, linux.Errno) { return acceptWith(t, a, 0) }

func accept4(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(3)
	if flags&^(linux.SOCK_NONBLOCK|linux.SOCK_CLOEXEC) != 0 {
		return 0, linux.EINVAL
	}
	return acceptWith(t, a, flags)
}

func acceptWith(t *proc.Thread, a Args, flags uint32) (int64, linux.Errno) {
	n, e := Accept(t, a.Int(0), flags, false)
	if e != 0 || a.Addr(1) == 0 {
		return int64(n), e
	}
	d, s, e := socketOf(t, n)
	if e != 0 {
		return 0, e // another thread has closed it
	}
	defer d.Unref()
	peer, e := s.Peer()
	if e == linux.ENOTCONN { // gone again
		peer, e = sock.Address{Family: uint16(s.Domain)}, 0
	}
	if e == 0 {
		e = putAddress(t, peer, a.Addr(1), a.Addr(2))
	}
	if e != 0 {
		t.Files().Close(n)
		return 0, e
	}
	return int64(n), 0
}

// Accept is accept4(2) without an address; nonblock stands for O_NONBLOCK of the listener.
func Accept(t *proc.Thread, n int32, flags uint32, nonblock bool) (int32, linux.Errno) {
	d, s, e := socketOf(t, n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	child, e := s.Accept()
	if e == linux.EAGAIN && !d.Nonblocking() && !nonblock {
		_, e = blockSocket(t, s.ReceiveTimeout(), s, waitIn, func() (_ int64, e linux.Errno) {
			child, e = s.Accept()
			return 0, e
		})
	}
	if e != 0 {
		return 0, e
	}
	return t.Files().Install(describe(child, flags), 0, flags&linux.SOCK_CLOEXEC != 0, t.Limit(linux.RLIMIT_NOFILE))
}
