package sock

import (
	"net/netip"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Outgoing is what goes with bytes that are sent.
type Outgoing struct {
	To      *Address // of a datagram: an Internet address
	Unix    *Socket  // of a datagram: the socket that a UNIX address led to
	HasUnix bool     // whether there was one
	Urgent  bool     // MSG_OOB
	Control
}

// Send writes bytes of a stream, as many as there is room for.
func (s *Socket) Send(p []byte, o *Outgoing) (int, linux.Errno) {
	c := s.conn.Load()
	if c == nil {
		return 0, s.notConnected()
	}
	if s.isTCP() {
		if e := s.takeError(); e != 0 {
			return 0, e
		}
	}
	var with *Control
	if o != nil && s.unix() {
		with = &o.Control
		if !with.HasCred && !s.opts.passCred.Load() && !c.peer.opts.passCred.Load() {
			with = nil
			if len(o.Files) > 0 {
				with = &Control{Files: o.Files, user: o.user}
			}
		} else {
			with.HasCred = true
		}
	}
	if o != nil && o.Urgent && !c.peer.opts.oobInline.Load() {
		return c.out.writeUrgent(p)
	}
	n, e := c.out.write(p, with)
	if e == linux.ECONNRESET { // thrown away: the other side is closed
		c.in.finish()
		s.fail(linux.EPIPE)
		return n, 0
	}
	return n, e
}

// notConnected is the error of a stream that has no connection.
func (s *Socket) notConnected() linux.Errno {
	if e := s.takeError(); e != 0 {
		return e
	}
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	switch {
	case s.state == connecting:
		return linux.EAGAIN
	case s.isTCP():
		return linux.EPIPE
	}
	return linux.ENOTCONN
}

// SendPacket sends a packet. EAGAIN: there is no room; room is notified when there may be. What is in
// data and in o.Files is the receiver's if it went.
func (s *Socket) SendPacket(data []byte, o *Outgoing) (room *wait.Queue, e linux.Errno) {
	p := &packet{data: data, Control: o.Control}
	switch {
	case !s.datagram():
		return s.sendSequenced(p)
	case s.unix():
		return s.sendUnix(p, o)
	}
	return nil, s.sendUDP(p, o)
}

// sendSequenced sends one packet of a connection.
func (s *Socket) sendSequenced(p *packet) (*wait.Queue, linux.Errno) {
	c := s.conn.Load()
	if c == nil {
		return nil, linux.ENOTCONN
	}
	if len(p.data) > s.opts.sendBuffer() {
		return nil, linux.EMSGSIZE
	}
	s.sign(p, c.peer)
	return &s.queue, c.out.send(p, 0)
}

// sign notes the sender of a packet, if one side has asked for that.
func (s *Socket) sign(p *packet, to *Socket) {
	if !p.HasCred && !s.opts.passCred.Load() && !to.opts.passCred.Load() {
		p.Cred = nobody
	}
	p.HasCred = true
}

// sendUnix sends a datagram to the peer, or to the socket that it was addressed to.
func (s *Socket) sendUnix(p *packet, o *Outgoing) (*wait.Queue, linux.Errno) {
	if len(p.data) > s.opts.sendBuffer()-32 {
		return nil, linux.EMSGSIZE
	}
	to, e := s.target(p, o)
	if e != 0 {
		return nil, e
	}
	s.sign(p, to)
	e = to.inbox.send(p, maxDatagrams)
	if e == linux.EPIPE && s.disconnectFrom(to) {
		e = linux.ECONNREFUSED
	}
	return &to.room, e
}

// target finds to whom a UNIX datagram goes, and names its sender.
func (s *Socket) target(p *packet, o *Outgoing) (*Socket, linux.Errno) {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	to := s.to
	if o.HasUnix {
		to = o.Unix
	}
	if o.HasUnix && to == nil {
		return nil, linux.ECONNREFUSED
	}
	if s.opts.passCred.Load() {
		if e := k.autobindUnixLocked(s); e != 0 {
			return nil, e
		}
	}
	p.from = s.local
	switch {
	case s.shutWR:
		return nil, linux.EPIPE
	case to == nil:
		return nil, linux.ENOTCONN
	case to.state == closed:
		if s.to == to {
			s.joinLocked(nil)
		}
		return nil, linux.ECONNREFUSED
	case to.Type != s.Type:
		return nil, linux.EPROTOTYPE
	case !to.hearsLocked(s):
		return nil, linux.EPERM
	}
	return to, 0
}

// disconnectFrom drops the peer if it is closed, and reports whether it is.
func (s *Socket) disconnectFrom(to *Socket) bool {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	if to.state != closed {
		return false
	}
	if s.to == to {
		s.joinLocked(nil)
	}
	return true
}

// sendUDP sends a datagram. It is lost, as on a network, if nobody takes it or
// there is no room; a socket with a peer is told of the first.
func (s *Socket) sendUDP(p *packet, o *Outgoing) linux.Errno {
	if len(p.data) > maxUDP {
		return linux.EMSGSIZE
	}
	if e := s.takeError(); e != 0 {
		return e
	}
	to, out, e := s.route(p, o)
	if e != 0 {
		return e
	}
	if out != nil {
		out()
		return 0
	}
	if to == nil {
		if o.To == nil {
			s.fail(linux.ECONNREFUSED)
		}
		return 0
	}
	to.inbox.send(p, 0)
	return 0
}

// route finds the receiver of a UDP datagram, nil if there is none; out sends one that leaves the container.
func (s *Socket) route(p *packet, o *Outgoing) (r *Socket, out func(), e linux.Errno) {
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	to := s.peer.IP
	switch {
	case s.shutWR:
		return nil, nil, linux.EPIPE
	case o.To != nil:
		if o.To.IP.Port() == 0 {
			return nil, nil, linux.EINVAL
		}
		if to, e = s.destination(o.To); e != 0 {
			return nil, nil, e
		}
	case s.state != connected:
		return nil, nil, linux.EDESTADDRREQ
	}
	if e := k.autobindLocked(s, anyOf(s.Domain)); e != 0 {
		return nil, nil, e
	}
	from := s.endpoint(to.Addr())
	r = k.udp.find(to, from, true)
	switch {
	case r != nil:
		p.from = show(r.Domain, netip.AddrPortFrom(from.Addr(), from.Port()))
	case k.passes(to):
		out, e = s.exitLocked(to, p.data)
	}
	return r, out, e
}
