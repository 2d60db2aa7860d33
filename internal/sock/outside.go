package sock

import (
	"net/netip"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Edge leads to other hosts. Its methods are called with Stack.mu held and do not wait: what comes of them is
// told later, by other goroutines.
type Edge interface {
	// Dial makes a TCP connection, and tells far what came of it.
	Dial(far *Far)
	// Datagrams begins to carry the datagrams of a UDP socket. nil: there are too many such.
	Datagrams(s *Socket) Flow
}

// Flow carries datagrams to other hosts. What it cannot send is lost.
type Flow interface {
	Send(to netip.AddrPort, data []byte)
	Close()
}

// UseEdge connects the stack with other hosts. It is called before there are sockets.
func (k *Stack) UseEdge(e Edge) { k.edge = e }

// The addresses that other hosts' answers come to, as a socket here sees it. Nobody else does.
var (
	outside4 = netip.AddrFrom4([4]byte{10, 0, 2, 15})
	outside6 = netip.MustParseAddr("fd00::15")
)

// own is the address of the interface that leads to another.
func own(to netip.Addr) netip.Addr {
	switch to = to.Unmap(); {
	case to.IsLoopback() || to.IsUnspecified():
		return to
	case to.Is4():
		return outside4
	}
	return outside6
}

// has reports whether an address is that of the container.
func (k *Stack) has(ip netip.Addr) bool {
	return k.edge != nil && (ip == outside4 || ip == outside6)
}

// leaves is the errno of a socket's packets to an address beyond the loopback.
func (s *Socket) leaves(ip netip.Addr) linux.Errno {
	switch {
	case s.stack.edge == nil, ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}), s.stack.has(ip):
		return linux.ENETUNREACH
	case s.local.IP.IsValid() && s.local.IP.Addr().Unmap().IsLoopback():
		return linux.EINVAL // as Linux has it: such an address cannot be a source there
	}
	return 0
}

// passes reports whether a datagram that nobody here takes goes through the edge: also a question to the name server that
// there is without an /etc/resolv.conf.
func (k *Stack) passes(to netip.AddrPort) bool {
	const domain = 53
	return k.edge != nil && (!to.Addr().IsLoopback() || to.Port() == domain)
}

// dialLocked begins a TCP connection to another host.
func (k *Stack) dialLocked(s *Socket, to netip.AddrPort) linux.Errno {
	if len(k.all) >= maxSockets {
		return linux.ENOBUFS
	}
	s.local.IP = show(s.Domain, s.endpoint(to.Addr())).IP
	s.peer.IP, s.state = to, connecting
	s.far = &Far{near: s, to: to}
	k.edge.Dial(s.far)
	return linux.EAGAIN
}

// exitLocked gives what sends a datagram through the edge.
func (s *Socket) exitLocked(to netip.AddrPort, data []byte) (func(), linux.Errno) {
	if s.flow == nil {
		if s.flow = s.stack.edge.Datagrams(s); s.flow == nil {
			return nil, linux.ENOBUFS
		}
	}
	f := s.flow
	return func() { f.Send(to, data) }, 0
}

// Arrived takes a datagram from outside. data is the socket's from now on.
func (s *Socket) Arrived(from netip.AddrPort, data []byte) {
	k := s.stack
	k.mu.Lock()
	takes := s.state != closed && !s.shutRD && (s.state != connected || s.peer.IP == from)
	k.mu.Unlock()
	if takes {
		s.inbox.send(&packet{data: data, from: show(s.Domain, from)}, 0) // lost if there is no room
	}
}

// Far is the other side of a TCP connection to outside, as the edge has it. Its methods do not wait.
type Far struct {
	near *Socket
	to   netip.AddrPort
	side *Socket // once it is established
}

// To is where it leads.
func (f *Far) To() netip.AddrPort { return f.to }

// Established says that there is a connection. It reports whether somebody still wants it; if not, f is not used again.
func (f *Far) Established() bool {
	s := f.near
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.far != f || s.state != connecting {
		return false
	}
	s.far = nil
	f.side = k.make(s.Domain, s.Type, s.Proto, s.owner)
	f.side.outside = true
	f.side.opts.oobInline.Store(true)
	k.all[f.side] = struct{}{}
	k.connectLocked(s, f.side)
	s.announce = true
	s.queue.Notify(wait.Out)
	return true
}

// Failed says that there is none.
func (f *Far) Failed(e linux.Errno) {
	s := f.near
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.far == f && s.state == connecting {
		s.failLocked(e)
	}
}

// failLocked ends a connection that was being made.
func (s *Socket) failLocked(e linux.Errno) {
	s.far, s.state, s.announce = nil, fresh, true
	s.fail(e)
}

// Queue is notified when a method that gave EAGAIN may do better.
func (f *Far) Queue() *wait.Queue { return &f.side.queue }

// Read reads what was sent to outside: 0 at the end of it, ECONNRESET if it was closed with something unread.
func (f *Far) Read(p []byte) (int, linux.Errno) { return f.side.Recv(p, &Incoming{}) }

// Write writes what came from outside. EPIPE: nobody reads it.
func (f *Far) Write(p []byte) (int, linux.Errno) { return f.side.Send(p, nil) }

// CloseWrite says that nothing more comes.
func (f *Far) CloseWrite() { f.side.conn.Load().out.finish() }

// Reset ends the connection as by an error from outside.
func (f *Far) Reset(e linux.Errno) { f.side.conn.Load().sever(e) }

// Gone reports whether the socket was closed.
func (f *Far) Gone() bool {
	k := f.near.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	return f.near.state == closed
}

// Close ends it.
func (f *Far) Close() { f.side.Close() }

// Severed ends every connection to outside with ECONNRESET: of a container that was restored, they do not survive.
func (k *Stack) Severed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for s := range k.all {
		switch {
		case s.outside:
			s.conn.Load().sever(linux.ECONNRESET)
			k.closeLocked(s, false)
		case s.isTCP() && s.state == connecting && s.listener == nil:
			s.failLocked(linux.ECONNRESET)
		}
	}
}
