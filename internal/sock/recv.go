package sock

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Recv reads bytes of a stream.
func (s *Socket) Recv(p []byte, in *Incoming) (int, linux.Errno) {
	c := s.conn.Load()
	if c == nil {
		return 0, s.unreadable()
	}
	in.Creds = s.opts.passCred.Load()
	n, e := c.in.read(p, in)
	if (n == 0 && e == 0 && in.Ended || e == linux.EAGAIN) && s.pending.Load() != 0 && len(p) > 0 && !s.endsFirst() {
		if e := s.takeError(); e != 0 {
			return 0, e
		}
	}
	if n > 0 && s.unix() {
		in.From = c.peer.name()
	}
	return n, e
}

// endsFirst reports whether the end of a stream comes before its error: TCP whose other side
// had closed before the reset.
func (s *Socket) endsFirst() bool {
	return s.isTCP() && linux.Errno(s.pending.Load()) == linux.EPIPE
}

// name is the address of a UNIX socket.
func (s *Socket) name() Address {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	return s.local
}

// unreadable is the error of a stream without a connection.
func (s *Socket) unreadable() linux.Errno {
	if e := s.takeError(); e != 0 {
		return e
	}
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	switch {
	case s.state == connecting:
		return linux.EAGAIN
	case s.unix():
		return linux.EINVAL
	}
	return linux.ENOTCONN
}

// RecvPacket takes a packet. At the end it is nil, with no errno.
func (s *Socket) RecvPacket(in *Incoming) ([]byte, linux.Errno) {
	if s.datagram() {
		return s.receive(s.inbox, in)
	}
	c := s.conn.Load()
	if c == nil {
		return nil, linux.ENOTCONN
	}
	data, e := s.receive(c.in, in)
	if data == nil && (e == 0 || e == linux.EAGAIN) {
		if pending := s.takeError(); pending != 0 {
			return nil, pending
		}
	}
	if data != nil {
		in.From = c.peer.name()
	}
	return data, e
}

func (s *Socket) receive(b *buffer, in *Incoming) ([]byte, linux.Errno) {
	if s.isUDP() {
		if e := s.takeError(); e != 0 {
			return nil, e
		}
	}
	p, ok, e := b.receive(in)
	if !ok {
		return nil, e
	}
	in.From = p.from
	in.Control = p.Control
	if p.data == nil {
		p.data = []byte{}
	}
	if s.datagram() && s.unix() && !in.Peek {
		s.tellFans()
	}
	return p.data, 0
}

// tellFans tells those whose peer it is that the inbox has room.
func (s *Socket) tellFans() {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	for f := range s.fans {
		f.queue.Notify(wait.Out)
	}
}

// Read is read(2) by those who know nothing of sockets.
func (s *Socket) Read(p []byte, _ int64) (int, linux.Errno) {
	var in Incoming
	defer func() { s.stack.Drop(&in.Control) }()
	if s.stream() {
		return s.Recv(p, &in)
	}
	data, e := s.RecvPacket(&in)
	return copy(p, data), e
}

// Write is write(2) by those who know nothing of sockets.
func (s *Socket) Write(p []byte, _ int64) (int, linux.Errno) {
	if s.stream() {
		return s.Send(p, nil)
	}
	if _, e := s.SendPacket(append([]byte{}, p...), &Outgoing{}); e != 0 {
		return 0, e
	}
	return len(p), 0
}
