package sock

import "vkernel/internal/wait"

// Poll gives the events that hold now.
func (s *Socket) Poll() (ev wait.Events) {
	if s.pending.Load() != 0 {
		ev = wait.Err
	}
	switch c := s.conn.Load(); {
	case c != nil:
		return ev | s.pollConn(c)
	case s.datagram():
		return ev | s.pollDatagram()
	}
	return ev | s.pollIdle()
}

// pollConn is Poll of a connection.
func (s *Socket) pollConn(c *conn) (ev wait.Events) {
	c.in.mu.Lock()
	ended, some, urgent := c.in.fin, c.in.ring.n > 0 || len(c.in.list) > 0, c.in.urgent != 0
	c.in.mu.Unlock()
	c.out.mu.Lock()
	shut, spacious := c.out.fin || c.out.deaf, c.out.spaciousLocked()
	c.out.mu.Unlock()
	if ended {
		ev |= wait.In | wait.RdHup
	}
	if ended && shut {
		ev |= wait.Hup
	}
	if some {
		ev |= wait.In
	}
	if urgent {
		ev |= wait.Pri
	}
	if shut || spacious {
		ev |= wait.Out
	}
	return ev
}

// pollDatagram is Poll of a datagram socket.
func (s *Socket) pollDatagram() (ev wait.Events) {
	if shut := s.shut.Load(); shut&1 != 0 {
		ev |= wait.In | wait.RdHup
		if shut == 3 {
			ev |= wait.Hup
		}
	}
	s.inbox.mu.Lock()
	if len(s.inbox.list) > 0 {
		ev |= wait.In
	}
	s.inbox.mu.Unlock()
	if s.isUDP() {
		return ev | wait.Out
	}
	s.stack.mu.Lock()
	to := s.to
	s.stack.mu.Unlock()
	if to == nil || to == s || to.hasRoom() {
		ev |= wait.Out
	}
	return ev
}

// hasRoom reports whether the inbox takes another packet.
func (s *Socket) hasRoom() bool {
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	return s.inbox.deaf || len(s.inbox.list) <= maxDatagrams
}

// pollIdle is Poll of a stream without a connection, or of a listener.
func (s *Socket) pollIdle() (ev wait.Events) {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	switch {
	case s.state == connecting:
		return 0
	case s.state == listening:
		if len(s.line) > 0 {
			ev = wait.In
		}
		if s.shutRD {
			ev |= wait.In | wait.RdHup | wait.Hup
		}
		return ev
	case s.announce && s.isTCP(): // the connection failed
		return wait.In | wait.Out | wait.Hup | wait.RdHup
	}
	return wait.Out | wait.Hup
}
