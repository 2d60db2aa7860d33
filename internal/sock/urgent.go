package sock

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// writeUrgent is MSG_OOB of TCP: the last byte goes out of band, and stands beside the stream;
// one that was not read before the next one comes is lost.
func (b *buffer) writeUrgent(p []byte) (int, linux.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	if len(p) > 1 {
		n, e := b.write(p[:len(p)-1], nil)
		if e != 0 || n < len(p)-1 {
			return n, e
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fin || b.deaf {
		return 0, linux.EPIPE
	}
	b.urgent = 1 + int(p[len(p)-1])
	b.readers.Notify(wait.Pri)
	return len(p), 0
}

// ReadUrgent is recv(2) with MSG_OOB.
func (s *Socket) ReadUrgent(p []byte, peek bool) (int, linux.Errno) {
	c := s.conn.Load()
	if !s.isTCP() {
		return 0, linux.EOPNOTSUPP
	}
	if c == nil {
		return 0, linux.ENOTCONN
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	if c.in.urgent == 0 {
		return 0, linux.EINVAL
	}
	if len(p) == 0 {
		return 0, 0
	}
	p[0] = byte(c.in.urgent - 1)
	if !peek {
		c.in.urgent = 0
	}
	return 1, 0
}
