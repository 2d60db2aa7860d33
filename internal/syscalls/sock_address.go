package syscalls

import (
	"time"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// Sockets: addresses.

const (
	waitIn  = wait.In
	waitOut = wait.Out
)

// blockSocket is Thread.Block on a socket's queue with a time-out of its own, whose end is EAGAIN.
func blockSocket(t *proc.Thread, limit time.Duration, s *sock.Socket, mask wait.Events, try func() (int64, linux.Errno)) (int64, linux.Errno) {
	return blockQueue(t, limit, s.Queue(), mask, try)
}

func blockQueue(t *proc.Thread, limit time.Duration, q *wait.Queue, mask wait.Events, try func() (int64, linux.Errno)) (int64, linux.Errno) {
	deadline := never
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	n, e := t.Block(q, mask, deadline, try)
	switch {
	case e == linux.ETIMEDOUT:
		return n, linux.EAGAIN
	case e == proc.ERESTARTSYS && limit > 0:
		return n, linux.EINTR // as on Linux, a call with a time-out is not done again
	}
	return n, e
}

// getAddress reads a sockaddr for a socket.
func getAddress(t *proc.Thread, s *sock.Socket, addr guest.Addr, size uint32) (a sock.Address, e linux.Errno) {
	if size > sock.MaxSockaddr {
		return a, linux.EINVAL
	}
	p := make([]byte, size)
	if e := t.Mem().Read(addr, p); e != 0 {
		return a, e
	}
	return sock.Parse(s.Domain, p)
}

// putAddress stores a sockaddr, cut to the size at sizeAddr, where its whole size goes.
func putAddress(t *proc.Thread, a sock.Address, addr, sizeAddr guest.Addr) linux.Errno {
	room, e := guest.Get[int32](t.Mem(), sizeAddr)
	if e != 0 {
		return e
	}
	if room < 0 {
		return linux.EINVAL
	}
	p := a.Encode()
	size := int32(len(p))
	if e := t.Mem().Write(addr, p[:min(room, size)]); e != 0 {
		return e
	}
	return guest.Put(t.Mem(), sizeAddr, &size)
}

// mayUse asks the policy about an Internet address.
func mayUse(t *proc.Thread, call string, a sock.Address) linux.Errno {
	if p := t.Process().Held(); !p.MayUse(call, a.IP) && !mutant.Off("policy.addresses") {
		return linux.EPERM
	}
	return 0
}

// mayUseUnix asks the policy about a UNIX address: an abstract name, or a path from the root of
// the container. A NUL in a name stays one: shown as @ it would be another name's.
func mayUseUnix(t *proc.Thread, call, name string) linux.Errno {
	if p := t.Process().Held(); !p.MayUseUnix(call, name) && !mutant.Off("policy.addresses") {
		return linux.EPERM
	}
	return 0
}

func bind(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	to, e := getAddress(t, s, a.Addr(1), a.Uint(2))
	if e != 0 {
		return 0, e
	}
	if s.Domain != linux.AF_UNIX {
		if e := mayUse(t, "bind", to); e != 0 {
			return 0, e
		}
		return 0, s.BindInternet(to, t.Cred().Super())
	}
	return 0, bindUnix(t, s, to)
}

func bindUnix(t *proc.Thread, s *sock.Socket, to sock.Address) linux.Errno {
	if to.Unnamed() {
		if e := mayUseUnix(t, "bind", "@"); e != 0 {
			return e
		}
		return s.Autobind()
	}
	if to.Abstract() {
		if e := mayUseUnix(t, "bind", "@"+to.Unix[1:]); e != 0 {
			return e
		}
		return s.BindAbstract(to)
	}
	if e := s.CanBindUnix(); e != 0 {
		if _, there := t.FS().Lookup(vfs.Path{}, to.Unix, 0); there == 0 {
			return linux.EADDRINUSE // as on Linux, where the name is made first
		}
		return e
	}
	st, _ := s.Stat()
	p, e := t.FS().MakeSocket(vfs.Path{}, to.Unix, st.Mode&linux.S_IRWXUGO, func(place string) linux.Errno {
		return mayUseUnix(t, "bind", place)
	})
	if e != 0 {
		return e
	}
	node, ok := p.Node().(vfs.Special)
	if !ok {
		return linux.EOPNOTSUPP
	}
	return s.BindPath(to, node)
}

// findUnix finds the socket of a UNIX address that a call names; nil: nobody has it.
func findUnix(t *proc.Thread, call string, to sock.Address) (*sock.Socket, linux.Errno) {
	switch {
	case to.Unnamed():
		return nil, linux.EINVAL
	case to.Abstract():
		if e := mayUseUnix(t, call, "@"+to.Unix[1:]); e != 0 {
			return nil, e
		}
		return t.Table().Sockets().Abstract(&to), 0
	}
	node, place, e := t.FS().FindSocket(vfs.Path{}, to.Unix)
	if e != 0 {
		return nil, e
	}
	if e := mayUseUnix(t, call, place); e != 0 {
		return nil, e
	}
	s, _ := node.Attached(nil).(*sock.Socket)
	return s, 0
}

func connect(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	to, e := getAddress(t, s, a.Addr(1), a.Uint(2))
	if e != 0 {
		if s.Domain == linux.AF_UNIX && e == linux.EINVAL && unspecified(t, a.Addr(1), a.Uint(2)) {
			return 0, s.Dissolve()
		}
		return 0, e
	}
	if s.Domain == linux.AF_UNIX {
		return connectUnix(t, s, to, d.Nonblocking())
	}
	if to.Family != linux.AF_UNSPEC {
		if e := mayUse(t, "connect", to); e != 0 {
			return 0, e
		}
	}
	return connectInternet(t, s, to, d.Nonblocking())
}

// unspecified reports whether a sockaddr has no family.
func unspecified(t *proc.Thread, addr guest.Addr, size uint32) bool {
	family, e := guest.Get[uint16](t.Mem(), addr)
	return e == 0 && size >= 2 && family == linux.AF_UNSPEC
}

func connectUnix(t *proc.Thread, s *sock.Socket, to sock.Address, nonblock bool) (int64, linux.Errno) {
	peer, e := findUnix(t, "connect", to)
	if e != 0 {
		return 0, e
	}
	try := func() (int64, linux.Errno) { return 0, s.ConnectUnix(peer, who(t)) }
	if _, e := try(); e != linux.EAGAIN || nonblock {
		return 0, e
	}
	return blockSocket(t, s.SendTimeout(), peer, waitOut, try)
}

func connectInternet(t *proc.Thread, s *sock.Socket, to sock.Address, nonblock bool) (int64, linux.Errno) {
	e := s.ConnectInternet(to, nonblock)
	if nonblock || s.Type != linux.SOCK_STREAM || e != linux.EAGAIN && e != linux.EALREADY {
		return 0, e
	}
	_, e = blockSocket(t, s.SendTimeout(), s, waitOut, func() (int64, linux.Errno) { return 0, s.Connecting() })
	if e == linux.EAGAIN {
		e = linux.EINPROGRESS // the time is over
	}
	return 0, e
}

func getsockname(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return 0, putAddress(t, s.Local(), a.Addr(1), a.Addr(2))
}

func getpeername(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	peer, e := s.Peer()
	if e != 0 {
		return 0, e
	}
	return 0, putAddress(t, peer, a.Addr(1), a.Addr(2))
}
