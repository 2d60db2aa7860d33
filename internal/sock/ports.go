package sock

import (
	"net/netip"

	"vkernel/internal/linux"
)

// Ephemeral ports, as net.ipv4.ip_local_port_range has them, and the first port that anybody
// may use.
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
	firstFree      = 1024
)

// ports is who uses which port of a protocol. Guarded by Stack.mu.
type ports struct {
	used map[uint16]*port
	next uint16
}

// port is the users of one port.
type port struct {
	named []*Socket            // that were bound, or listen, or are datagram sockets
	conns map[*Socket]struct{} // accepted connections, which nobody looks up
}

func (p *ports) at(n uint16) *port {
	if p.used == nil {
		p.used = map[uint16]*port{}
	}
	at := p.used[n]
	if at == nil {
		at = &port{}
		p.used[n] = at
	}
	return at
}

// add notes a user.
func (p *ports) add(s *Socket, accepted bool) {
	at := p.at(s.local.IP.Port())
	if !accepted {
		at.named = append(at.named, s)
		return
	}
	if at.conns == nil {
		at.conns = map[*Socket]struct{}{}
	}
	at.conns[s] = struct{}{}
}

// remove forgets a user.
func (p *ports) remove(s *Socket) {
	n := s.local.IP.Port()
	at := p.used[n]
	if at == nil {
		return
	}
	delete(at.conns, s)
	for i := range at.named {
		if at.named[i] == s {
			at.named = append(at.named[:i], at.named[i+1:]...)
			break
		}
	}
	if len(at.named)+len(at.conns) == 0 {
		delete(p.used, n)
	}
}

// ephemeral finds a port that nobody uses; 0: none.
func (p *ports) ephemeral() uint16 {
	const count = lastEphemeral - firstEphemeral + 1
	for range count {
		n := firstEphemeral + p.next%count
		p.next++
		if p.used[n] == nil {
			return n
		}
	}
	return 0
}

// conflicts reports whether s may not have the address because of others.
func (p *ports) conflicts(s *Socket, to netip.AddrPort) bool {
	at := p.used[to.Port()]
	if at == nil {
		return false
	}
	for _, o := range at.named {
		if s.conflictsWith(o, to.Addr()) {
			return true
		}
	}
	for o := range at.conns {
		if s.conflictsWith(o, to.Addr()) {
			return true
		}
	}
	return false
}

func (s *Socket) conflictsWith(o *Socket, ip netip.Addr) bool {
	if o == s || !overlap(s, ip, o, o.local.IP.Addr()) {
		return false
	}
	if s.opts.reusePort.Load() && o.opts.reusePort.Load() && s.owner.UID == o.owner.UID {
		return false
	}
	return !s.opts.reuseAddr.Load() || !o.opts.reuseAddr.Load() || o.state == listening
}

// overlap reports whether two addresses are the same, or one contains the other.
func overlap(s *Socket, x netip.Addr, o *Socket, y netip.Addr) bool {
	if x == any6 && !s.opts.v6only.Load() || y == any6 && !o.opts.v6only.Load() {
		return true
	}
	x, y = x.Unmap(), y.Unmap()
	if x.Is4() != y.Is4() {
		return false
	}
	return x == y || x.IsUnspecified() || y.IsUnspecified()
}

// takes reports how well a bound socket fits a destination: 0 not at all.
func (s *Socket) takes(to netip.Addr) int {
	own := s.local.IP.Addr()
	switch {
	case own.Unmap() == to:
		return 3
	case own == any4 && to.Is4(), own == any6 && to.Is6(), own.Is4In6() && own.Unmap() == any4 && to.Is4():
		return 2
	case own == any6 && !s.opts.v6only.Load():
		return 1
	}
	return 0
}

// find gives the socket at a destination that fits best; of several that share a port by
// SO_REUSEPORT, one in turn. from is the sender of a datagram.
func (p *ports) find(to, from netip.AddrPort, udp bool) *Socket {
	at := p.used[to.Port()]
	if at == nil {
		return nil
	}
	best, score, equal := (*Socket)(nil), 0, 0
	for _, s := range at.named {
		fit := s.takes(to.Addr())
		switch {
		case fit == 0, !udp && s.state != listening:
			continue
		case udp && s.state == connected:
			if peer := s.peer.IP; peer.Port() != from.Port() || peer.Addr().Unmap() != from.Addr() {
				continue
			}
			fit += 10
		}
		switch {
		case fit > score:
			best, score, equal = s, fit, 1
		case fit == score:
			if equal++; s.opts.reusePort.Load() && int(from.Port())%equal == 0 || udp && !s.opts.reusePort.Load() {
				best = s // the last one, as on Linux
			}
		}
	}
	return best
}

// portsOf gives the table of a socket's protocol.
func (k *Stack) portsOf(s *Socket) *ports {
	if s.isTCP() {
		return &k.tcp
	}
	return &k.udp
}

// bindLocked binds an Internet socket.
func (k *Stack) bindLocked(s *Socket, ip netip.Addr, n uint16, super bool) linux.Errno {
	p := k.portsOf(s)
	switch {
	case n == 0:
		if n = p.ephemeral(); n == 0 {
			return linux.EADDRINUSE
		}
	case n < firstFree && !super:
		return linux.EACCES
	}
	to := netip.AddrPortFrom(ip, n)
	if p.conflicts(s, to) {
		return linux.EADDRINUSE
	}
	s.local.IP = to
	s.bound = true
	p.add(s, false)
	return 0
}

// autobindLocked gives a socket that was not bound a port for its destination.
func (k *Stack) autobindLocked(s *Socket, ip netip.Addr) linux.Errno {
	if s.bound {
		return 0
	}
	if e := k.bindLocked(s, show(s.Domain, netip.AddrPortFrom(ip, 0)).IP.Addr(), 0, false); e != 0 {
		return linux.EAGAIN
	}
	return 0
}
