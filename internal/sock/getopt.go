package sock

import (
	"encoding/binary"

	"vkernel/internal/linux"
)

// Option is getsockopt(2).
func (s *Socket) Option(level, name int) ([]byte, linux.Errno) {
	if !s.hasLevel(level) {
		if s.unix() || level != linux.IPPROTO_IPV6 && level != linux.IPPROTO_TCP {
			return nil, linux.EOPNOTSUPP
		}
		return nil, linux.ENOPROTOOPT
	}
	k := option{level, name}
	if f := s.opts.flag(k); f != nil {
		return bit(f.Load()), 0
	}
	switch level {
	case linux.SOL_SOCKET:
		if p := s.general(name); p != nil {
			return p, 0
		}
	case linux.IPPROTO_TCP:
		switch name {
		case linux.TCP_CONGESTION:
			return append([]byte("cubic"), make([]byte, 11)...), 0
		case linux.TCP_INFO:
			return s.info(), 0
		}
	}
	b, ok := remembered[k]
	if !ok {
		return nil, linux.ENOPROTOOPT
	}
	s.opts.mu.Lock()
	defer s.opts.mu.Unlock()
	if v, set := s.opts.numbers[k]; set {
		return num(v), 0
	}
	return num(b.first), 0
}

// general gives the options of the socket level that are not merely remembered.
func (s *Socket) general(name int) []byte {
	switch name {
	case linux.SO_TYPE:
		return num(int32(s.Type))
	case linux.SO_DOMAIN:
		return num(int32(s.Domain))
	case linux.SO_PROTOCOL:
		return num(int32(s.Proto))
	case linux.SO_ERROR:
		return num(int32(s.takeError()))
	case linux.SO_ACCEPTCONN:
		return bit(s.Listening())
	case linux.SO_SNDBUF:
		return num(s.opts.send.Load())
	case linux.SO_RCVBUF:
		return num(s.opts.recv.Load())
	case linux.SO_SNDLOWAT:
		return num(1)
	case linux.SO_LINGER:
		on, seconds := s.opts.linger()
		return append(bit(on), num(seconds)...)
	case linux.SO_PEERCRED:
		c := s.PeerCred()
		return append(append(num(c.PID), num(int32(c.UID))...), num(int32(c.GID))...)
	case linux.SO_BINDTODEVICE, linux.SO_PEERGROUPS:
		return []byte{}
	}
	if isTimeout(name) {
		us := s.opts.timeoutOf(name).Load() / 1000
		p := binary.NativeEndian.AppendUint64(nil, uint64(us/1e6))
		return binary.NativeEndian.AppendUint64(p, uint64(us%1e6))
	}
	return nil
}

// States of TCP_INFO.
const (
	tcpEstablished = 1
	tcpSynSent     = 2
	tcpClose       = 7
	tcpListen      = 10
)

// info is the start of struct tcp_info: the state is what programs look at.
func (s *Socket) info() []byte {
	p := make([]byte, 232)
	p[0] = s.tcpState()
	return p
}

func (s *Socket) tcpState() byte {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	return s.tcpStateLocked()
}

func (s *Socket) tcpStateLocked() byte {
	switch s.state {
	case connected:
		if c := s.conn.Load(); c != nil && c.over() {
			return tcpClose
		}
		return tcpEstablished
	case connecting:
		return tcpSynSent
	case listening:
		return tcpListen
	}
	return tcpClose
}

func num(v int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }

func bit(on bool) []byte {
	if on {
		return num(1)
	}
	return num(0)
}
