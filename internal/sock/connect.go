package sock

import (
	"net/netip"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// ConnectInternet is connect(2) of an Internet socket. EAGAIN: the connection waits for the
// listener; Queue is notified, and Connecting tells what came of it. With later, as of a
// nonblocking socket, a TCP connection is EINPROGRESS, and what came of it is told by SO_ERROR,
// poll and the next connect(2).
func (s *Socket) ConnectInternet(a Address, later bool) linux.Errno {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.Family == linux.AF_UNSPEC {
		return k.dissolveLocked(s)
	}
	if s.isUDP() {
		return k.connectUDPLocked(s, a)
	}
	switch {
	case s.announce:
		s.announce = false
		if e := s.takeError(); e != 0 || s.state != connected {
			if e == 0 {
				e = linux.ECONNABORTED
			}
			return e
		}
		return 0
	case s.state == connecting:
		return linux.EALREADY
	case s.state != fresh || s.shutRD || s.shutWR:
		return linux.EISCONN
	}
	to, e := s.destination(&a)
	if e != 0 {
		return e
	}
	if e := k.autobindLocked(s, own(to.Addr())); e != 0 {
		return linux.EADDRNOTAVAIL
	}
	if to.Addr().IsLoopback() {
		e = k.connectTCPLocked(s, to)
	} else {
		e = k.dialLocked(s, to)
	}
	if !later {
		return e
	}
	if s.announce = e != linux.EAGAIN; e != 0 && s.announce {
		s.fail(e)
	}
	return linux.EINPROGRESS
}

// connectTCPLocked finds the listener, and connects at once or lets the connection wait.
func (k *Stack) connectTCPLocked(s *Socket, to netip.AddrPort) linux.Errno {
	from := s.endpoint(to.Addr())
	l := k.tcp.find(to, from, false)
	if l == nil || len(k.all) >= maxSockets {
		return linux.ECONNREFUSED
	}
	s.peer.IP, s.local.IP = to, show(s.Domain, from).IP
	if len(l.line) > l.backlog || len(l.waiting) > 0 {
		if len(l.waiting) >= linux.SOMAXCONN {
			s.peer.IP = netip.AddrPort{}
			return linux.ECONNREFUSED
		}
		s.state, s.listener = connecting, l
		l.waiting = append(l.waiting, s)
		return linux.EAGAIN
	}
	k.enlistLocked(s, l)
	return 0
}

// enlistLocked connects s to a new socket in the listener's line.
func (k *Stack) enlistLocked(s, l *Socket) {
	child := k.childLocked(l)
	child.listener, child.accepted = l, true
	if !s.unix() {
		to := s.peer.IP
		child.local.IP = show(l.Domain, to).IP
		child.peer.IP = s.local.IP
		if unmapped := s.local.IP.Addr().Unmap(); unmapped.Is4() || unmapped.Is6() {
			child.peer.IP = netip.AddrPortFrom(unmapped, s.local.IP.Port())
		}
		child.bound = true
		k.tcp.add(child, true)
	} else {
		child.local = l.local
	}
	k.connectLocked(s, child)
	s.peerCred, child.peerCred = l.owner.Ucred, s.owner.Ucred
	s.listener = nil
	l.line = append(l.line, child)
	l.queue.Notify(wait.In)
}

// childLocked makes a socket like the listener, with its options.
func (k *Stack) childLocked(l *Socket) *Socket {
	child := k.make(l.Domain, l.Type, l.Proto, l.owner)
	k.all[child] = struct{}{}
	child.opts.inherit(&l.opts)
	return child
}

// admitLocked connects those who wait for room in the line.
func (k *Stack) admitLocked(l *Socket) {
	for len(l.waiting) > 0 && len(l.line) <= l.backlog {
		s := l.waiting[0]
		if l.waiting = l.waiting[1:]; len(l.waiting) == 0 {
			l.waiting = nil
		}
		s.announce = true
		k.enlistLocked(s, l)
		s.queue.Notify(wait.Out)
	}
}

// Connecting is EAGAIN while a connection waits for its listener, then what came of it.
func (s *Socket) Connecting() linux.Errno {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.state == connecting {
		return linux.EAGAIN
	}
	s.announce = false
	if e := s.takeError(); e != 0 {
		return e
	}
	if s.state != connected {
		return linux.ECONNABORTED
	}
	return 0
}

// connectUDPLocked sets the peer of a datagram socket.
func (k *Stack) connectUDPLocked(s *Socket, a Address) linux.Errno {
	to, e := s.destination(&a)
	if e != 0 {
		return e
	}
	if e := k.autobindLocked(s, own(to.Addr())); e != 0 {
		return e
	}
	s.peer.IP, s.state = to, connected
	s.local.IP = show(s.Domain, s.endpoint(to.Addr())).IP
	return 0
}

// dissolveLocked is connect(2) with AF_UNSPEC.
func (k *Stack) dissolveLocked(s *Socket) linux.Errno {
	switch {
	case s.state == closed:
		return linux.EINVAL
	case s.unix() && s.datagram():
		s.joinLocked(nil)
	case s.unix():
		return linux.EINVAL
	case s.isUDP():
		s.peer.IP, s.state = netip.AddrPort{}, fresh
	case s.isTCP():
		k.leaveLocked(s)
		if c := s.conn.Swap(nil); c != nil {
			c.sever(linux.ECONNRESET)
		}
		if s.state == listening {
			return linux.EINVAL
		}
		s.state, s.peer.IP, s.announce, s.far = fresh, netip.AddrPort{}, false, nil
		s.pending.Store(0)
	}
	return 0
}

// sever ends a TCP connection at once in both directions, as a reset that the peer receives.
func (c *conn) sever(e linux.Errno) {
	c.in.refuse()
	c.in.drain()
	c.out.finish()
	c.peer.fail(e)
}

// leaveLocked takes a socket out of its listener's second line.
func (k *Stack) leaveLocked(s *Socket) {
	l := s.listener
	if l == nil || s.state != connecting {
		return
	}
	for i := range l.waiting {
		if l.waiting[i] == s {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			break
		}
	}
	s.listener = nil
}

// ConnectUnix is connect(2) of a UNIX socket to a socket that was found; nil: none. EAGAIN: the
// listener's line is full; its Queue is notified for Out.
func (s *Socket) ConnectUnix(to *Socket, who Who) linux.Errno {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if to == nil || to.state == closed {
		return linux.ECONNREFUSED
	}
	if to.Type != s.Type {
		return linux.EPROTOTYPE
	}
	if s.opts.passCred.Load() {
		if e := k.autobindUnixLocked(s); e != 0 {
			return e
		}
	}
	if s.datagram() {
		if !to.hearsLocked(s) {
			return linux.EPERM
		}
		s.joinLocked(to)
		return 0
	}
	switch {
	case s.state == connected:
		return linux.EISCONN
	case s.state != fresh:
		return linux.EINVAL
	case to.state != listening || to.shutRD || len(k.all) >= maxSockets:
		return linux.ECONNREFUSED
	case len(to.line) > to.backlog:
		return linux.EAGAIN
	}
	s.owner.Ucred = who.Ucred
	k.enlistLocked(s, to)
	return 0
}

// hearsLocked reports whether a datagram socket takes packets of another: one with a peer takes
// those of its peer only.
func (s *Socket) hearsLocked(from *Socket) bool { return s.to == nil || s.to == from }

// Dissolve is connect(2) with AF_UNSPEC.
func (s *Socket) Dissolve() linux.Errno {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	return s.stack.dissolveLocked(s)
}

// Abstract finds the socket of an abstract name, nil if there is none.
func (k *Stack) Abstract(a *Address) *Socket {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.abstract[a.Unix]
}

// Accept is accept(2): EAGAIN while nobody has connected.
func (s *Socket) Accept() (*Socket, linux.Errno) {
	k := s.stack
	if s.datagram() {
		return nil, linux.EOPNOTSUPP
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.state != listening || s.shutRD {
		return nil, linux.EINVAL
	}
	if len(s.line) == 0 {
		return nil, linux.EAGAIN
	}
	child := s.line[0]
	if s.line = s.line[1:]; len(s.line) == 0 {
		s.line = nil
	}
	child.listener = nil
	k.admitLocked(s)
	s.queue.Notify(wait.Out) // of those who connect UNIX sockets
	return child, 0
}
