package sock

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Shutdown is shutdown(2).
func (s *Socket) Shutdown(how int) linux.Errno {
	if how < linux.SHUT_RD || how > linux.SHUT_RDWR {
		return linux.EINVAL
	}
	rd, wr := how != linux.SHUT_WR, how != linux.SHUT_RD
	k := s.stack
	k.mu.Lock()
	defer k.mu.Unlock()
	c := s.conn.Load()
	switch {
	case s.datagram():
		return s.shutDatagramLocked(rd, wr)
	case s.state == listening:
		return k.shutListenerLocked(s, rd)
	case c == nil && !s.unix(), s.isTCP() && c.over():
		return linux.ENOTCONN
	case c == nil:
		return 0
	}
	if rd {
		c.in.finish()
		if s.unix() {
			c.in.refuse()
		}
	}
	if wr {
		c.out.finish()
	}
	return 0
}

func (s *Socket) shutDatagramLocked(rd, wr bool) linux.Errno {
	s.shutRD, s.shutWR = s.shutRD || rd, s.shutWR || wr
	bits := uint32(0)
	if s.shutRD {
		bits |= 1
		s.inbox.finish()
	}
	if s.shutWR {
		bits |= 2
	}
	s.shut.Store(bits)
	s.queue.Notify(wait.In | wait.Out | wait.Hup | wait.RdHup)
	if s.isUDP() && s.state != connected {
		return linux.ENOTCONN
	}
	return 0
}

// shutListenerLocked ends listening: TCP as if it never had, a UNIX socket for good.
func (k *Stack) shutListenerLocked(s *Socket, rd bool) linux.Errno {
	if !rd {
		return 0
	}
	if s.unix() {
		s.shutRD = true
		s.shut.Store(3)
	} else {
		k.emptyLocked(s)
		s.state = fresh
	}
	s.queue.Notify(wait.In | wait.Out | wait.Hup | wait.RdHup)
	return 0
}

// emptyLocked ends the connections that were not accepted.
func (k *Stack) emptyLocked(s *Socket) {
	line, waiting := s.line, s.waiting
	s.line, s.waiting = nil, nil
	for _, child := range line {
		k.closeLocked(child, true)
	}
	for _, w := range waiting {
		w.listener, w.state, w.announce = nil, fresh, true
		w.fail(linux.ECONNREFUSED)
	}
	s.queue.Notify(wait.Out)
}

// Close closes the socket. Its last description calls it.
func (s *Socket) Close() {
	k := s.stack
	k.mu.Lock()
	files := k.closeLocked(s, false)
	k.mu.Unlock()
	k.dropAll(files)
	if s.unix() {
		k.closedUnix()
	}
}

// closeLocked ends a socket and gives the files that nobody will receive. embryo: it was never accepted.
func (k *Stack) closeLocked(s *Socket, embryo bool) (files []Control) {
	if s.state == closed {
		return nil
	}
	if s.state == listening {
		for _, child := range s.line {
			files = append(files, k.closeLocked(child, true)...)
		}
		s.line = nil
		k.emptyLocked(s)
	}
	k.leaveLocked(s)
	if s.bound {
		if s.unix() {
			if s.local.Abstract() && k.abstract[s.local.Unix] == s {
				delete(k.abstract, s.local.Unix)
			}
		} else {
			k.portsOf(s).remove(s)
		}
	}
	if c := s.conn.Load(); c != nil {
		files = append(files, s.hangUp(c, embryo)...)
	}
	if s.flow != nil {
		s.flow.Close()
		s.flow = nil
	}
	if s.inbox != nil {
		s.inbox.refuse()
		left, _ := s.inbox.drain()
		files = append(files, left...)
		s.joinLocked(nil)
		for f := range s.fans {
			f.queue.Notify(wait.Out)
		}
	}
	s.state, s.bound = closed, false
	delete(k.all, s)
	s.room.Notify(wait.Out)
	return files
}

// hangUp ends a connection: what was not read is a reset for the other side.
//
// The other side may be writing: what it writes is refused before the buffer is emptied, or it would stay there.
func (s *Socket) hangUp(c *conn, embryo bool) []Control {
	if s.isTCP() {
		c.in.abandon()
	} else {
		c.in.refuse()
	}
	files, unread := c.in.drain()
	reset := unread || embryo
	if s.isTCP() {
		if on, seconds := s.opts.linger(); on && seconds == 0 {
			reset = true
		}
		if !reset {
			c.out.finish()
			return files
		}
		e := linux.ECONNRESET
		if c.out.finished() {
			e = linux.EPIPE
		}
		c.in.refuse()
		c.out.finish()
		c.peer.fail(e)
		return files
	}
	if reset {
		c.peer.pending.Store(uint32(linux.ECONNRESET))
	}
	c.out.finish()
	c.peer.queue.Notify(wait.In | wait.Out | wait.Err | wait.Hup | wait.RdHup)
	return files
}

// finished reports whether the writer has said that it writes no more.
func (b *buffer) finished() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fin
}
