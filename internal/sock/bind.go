package sock

import (
	"fmt"
	"net/netip"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// BindInternet is bind(2) of an Internet socket. Addresses of the loopback are the host's, and those that it has
// to others if there is an edge.
func (s *Socket) BindInternet(a Address, super bool) linux.Errno {
	ip := a.IP.Addr()
	if a.Family == linux.AF_UNSPEC && (s.Domain != linux.AF_INET || ip != any4) {
		return linux.EAFNOSUPPORT
	}
	if plain := ip.Unmap(); !plain.IsUnspecified() && !plain.IsLoopback() && !s.stack.has(plain) && !s.opts.freeBind() {
		return linux.EADDRNOTAVAIL
	}
	if ip.Is4In6() && s.opts.v6only.Load() {
		return linux.EINVAL
	}
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.bound || s.state != fresh {
		return linux.EINVAL
	}
	return k.bindLocked(s, ip, a.IP.Port(), super)
}

// CanBindUnix reports whether bind(2) of a UNIX socket may go on.
func (s *Socket) CanBindUnix() linux.Errno {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.bound || s.state == closed {
		return linux.EINVAL
	}
	return 0
}

// BindAbstract is bind(2) to an abstract name.
func (s *Socket) BindAbstract(a Address) linux.Errno {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.bound || s.state == closed {
		return linux.EINVAL
	}
	if k.abstract[a.Unix] != nil {
		return linux.EADDRINUSE
	}
	k.abstract[a.Unix] = s
	s.local, s.bound = a, true
	return 0
}

// Autobind gives a UNIX socket an abstract name of five hexadecimal digits.
func (s *Socket) Autobind() linux.Errno {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.autobindUnixLocked(s)
}

func (k *Stack) autobindUnixLocked(s *Socket) linux.Errno {
	if s.bound {
		return 0
	}
	for range 1 << 20 {
		k.autobind = (k.autobind + 1) & 0xfffff
		name := fmt.Sprintf("\x00%05x", k.autobind)
		if k.abstract[name] == nil {
			k.abstract[name] = s
			s.local, s.bound = Address{Family: linux.AF_UNIX, Unix: name}, true
			return 0
		}
	}
	return linux.ENOSPC
}

// BindPath is bind(2) to a path, whose node has been made for it. The node leads to the socket from now on.
func (s *Socket) BindPath(a Address, node vfs.Special) linux.Errno {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.bound || s.state == closed {
		return linux.EINVAL
	}
	if node.Attached(func() any { return s }) != s {
		return linux.EADDRINUSE
	}
	s.local, s.bound = a, true
	return 0
}

// Listen is listen(2).
func (s *Socket) Listen(backlog int, who Who) linux.Errno {
	if s.datagram() {
		return linux.EOPNOTSUPP
	}
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.state != fresh && s.state != listening || s.unix() && !s.bound {
		return linux.EINVAL
	}
	if !s.bound {
		if e := k.bindLocked(s, anyOf(s.Domain), 0, who.Super); e != 0 {
			return e
		}
	} else if s.state == fresh && !s.unix() && k.tcp.listensAt(s) {
		return linux.EADDRINUSE
	}
	s.backlog = min(max(backlog, 0), linux.SOMAXCONN)
	if backlog < 0 {
		s.backlog = linux.SOMAXCONN
	}
	s.state, s.owner = listening, who
	k.admitLocked(s)
	return 0
}

// listensAt reports whether another socket listens where s is bound: two that SO_REUSEADDR has
// let bind may not both.
func (p *ports) listensAt(s *Socket) bool {
	for _, o := range p.at(s.local.IP.Port()).named {
		if o.state == listening && s.conflictsWith(o, s.local.IP.Addr()) {
			return true
		}
	}
	return false
}

// Bound reports whether the socket has a name, or a port.
func (s *Socket) Bound() bool {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	return s.bound
}

// Listening reports whether it listens.
func (s *Socket) Listening() bool {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	return s.state == listening
}

// Local is getsockname(2).
func (s *Socket) Local() Address {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	if s.unix() || !s.local.IP.IsValid() {
		return s.local
	}
	return show(s.Domain, s.local.IP)
}

// Peer is getpeername(2).
func (s *Socket) Peer() (Address, linux.Errno) {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	if s.state != connected {
		return Address{}, linux.ENOTCONN
	}
	if s.isTCP() {
		if c := s.conn.Load(); c == nil || c.over() {
			return Address{}, linux.ENOTCONN
		}
	}
	if s.unix() {
		to := s.to
		if c := s.conn.Load(); c != nil {
			to = c.peer
		}
		return to.local, 0
	}
	return show(s.Domain, s.peer.IP), 0
}

// over reports whether nothing goes in either direction any more.
func (c *conn) over() bool {
	c.in.mu.Lock()
	in := c.in.fin
	c.in.mu.Unlock()
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return in && (c.out.fin || c.out.deaf)
}

// endpoint is where a socket of the Internet is seen from another: its own address, or that of the interface.
func (s *Socket) endpoint(to netip.Addr) netip.AddrPort {
	ip := s.local.IP.Addr().Unmap()
	if ip.IsUnspecified() || !s.local.IP.IsValid() {
		switch {
		case !to.IsLoopback():
			ip = own(to)
		case to.Is6():
			ip = loopback6
		default:
			ip = loopback4
		}
	}
	return netip.AddrPortFrom(ip, s.local.IP.Port())
}
