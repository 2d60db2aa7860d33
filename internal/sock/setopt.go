package sock

import (
	"encoding/binary"
	"math"
	"sync/atomic"
	"time"

	"vkernel/internal/linux"
)

// bounds are the values that an option takes, and the one that it has at first.
type bounds struct{ first, least, most int32 }

var (
	whether = bounds{0, math.MinInt32, math.MaxInt32} // kept as 0 or 1
	counted = bounds{0, 0, math.MaxInt32}
)

// remembered are the options that change nothing over a loopback.
var remembered = map[option]bounds{
	{linux.SOL_SOCKET, linux.SO_DEBUG}:            whether,
	{linux.SOL_SOCKET, linux.SO_DONTROUTE}:        whether,
	{linux.SOL_SOCKET, linux.SO_BROADCAST}:        whether,
	{linux.SOL_SOCKET, linux.SO_KEEPALIVE}:        whether,
	{linux.SOL_SOCKET, linux.SO_PRIORITY}:         {0, 0, 6},
	{linux.SOL_SOCKET, linux.SO_RCVLOWAT}:         {1, 0, math.MaxInt32},
	{linux.SOL_SOCKET, linux.SO_TIMESTAMP}:        whether,
	{linux.SOL_SOCKET, linux.SO_TIMESTAMPNS}:      whether,
	{linux.SOL_SOCKET, linux.SO_TIMESTAMP64}:      whether,
	{linux.SOL_SOCKET, linux.SO_TIMESTAMPNS64}:    whether,
	{linux.IPPROTO_TCP, linux.TCP_NODELAY}:        whether,
	{linux.IPPROTO_TCP, linux.TCP_CORK}:           whether,
	{linux.IPPROTO_TCP, linux.TCP_QUICKACK}:       {1, math.MinInt32, math.MaxInt32},
	{linux.IPPROTO_TCP, linux.TCP_MAXSEG}:         {536, 0, 32767},
	{linux.IPPROTO_TCP, linux.TCP_KEEPIDLE}:       {7200, 1, 32767},
	{linux.IPPROTO_TCP, linux.TCP_KEEPINTVL}:      {75, 1, 32767},
	{linux.IPPROTO_TCP, linux.TCP_KEEPCNT}:        {9, 1, 127},
	{linux.IPPROTO_TCP, linux.TCP_SYNCNT}:         {6, 1, 127},
	{linux.IPPROTO_TCP, linux.TCP_LINGER2}:        {60, math.MinInt32, math.MaxInt32},
	{linux.IPPROTO_TCP, linux.TCP_DEFER_ACCEPT}:   counted,
	{linux.IPPROTO_TCP, linux.TCP_WINDOW_CLAMP}:   counted,
	{linux.IPPROTO_TCP, linux.TCP_USER_TIMEOUT}:   counted,
	{linux.IPPROTO_TCP, linux.TCP_NOTSENT_LOWAT}:  {-1, math.MinInt32, math.MaxInt32},
	{linux.IPPROTO_TCP, linux.TCP_FASTOPEN}:       counted,
	{linux.IPPROTO_IP, linux.IP_TOS}:              {0, 0, 255},
	{linux.IPPROTO_IP, linux.IP_TTL}:              {64, -1, 255},
	{linux.IPPROTO_IP, linux.IP_RECVTTL}:          whether,
	{linux.IPPROTO_IP, linux.IP_RECVTOS}:          whether,
	{linux.IPPROTO_IP, linux.IP_RECVERR}:          whether,
	{linux.IPPROTO_IP, linux.IP_RECVOPTS}:         whether,
	{linux.IPPROTO_IP, linux.IP_PKTINFO}:          whether,
	{linux.IPPROTO_IP, linux.IP_MTU_DISCOVER}:     {1, 0, 5},
	{linux.IPPROTO_IP, linux.IP_FREEBIND}:         whether,
	{linux.IPPROTO_IP, linux.IP_MULTICAST_TTL}:    {1, -1, 255},
	{linux.IPPROTO_IP, linux.IP_MULTICAST_LOOP}:   {1, math.MinInt32, math.MaxInt32},
	{linux.IPPROTO_IPV6, linux.IPV6_UNICAST_HOPS}: {64, -1, 255},

	{linux.IPPROTO_IPV6, linux.IPV6_MULTICAST_HOPS}:  {1, -1, 255},
	{linux.IPPROTO_IPV6, linux.IPV6_MULTICAST_LOOP}:  {1, 0, 1},
	{linux.IPPROTO_IPV6, linux.IPV6_MTU_DISCOVER}:    {1, 0, 5},
	{linux.IPPROTO_IPV6, linux.IPV6_RECVERR}:         whether,
	{linux.IPPROTO_IPV6, linux.IPV6_RECVPKTINFO}:     whether,
	{linux.IPPROTO_IPV6, linux.IPV6_RECVHOPLIMIT}:    whether,
	{linux.IPPROTO_IPV6, linux.IPV6_RECVHOPOPTS}:     whether,
	{linux.IPPROTO_IPV6, linux.IPV6_RECVRTHDR}:       whether,
	{linux.IPPROTO_IPV6, linux.IPV6_RECVDSTOPTS}:     whether,
	{linux.IPPROTO_IPV6, linux.IPV6_RECVTCLASS}:      whether,
	{linux.IPPROTO_IPV6, linux.IPV6_DONTFRAG}:        whether,
	{linux.IPPROTO_IPV6, linux.IPV6_TCLASS}:          {0, -1, 255},
	{linux.IPPROTO_IPV6, linux.IPV6_ADDR_PREFERENCE}: counted,
}

// isWhether reports whether an option is kept as 0 or 1.
func (b bounds) isWhether() bool {
	return b.least == math.MinInt32 && b.most == math.MaxInt32 && b.first >= 0
}

// hasLevel reports whether the options of a level are a socket's.
func (s *Socket) hasLevel(level int) bool {
	switch level {
	case linux.SOL_SOCKET:
		return true
	case linux.IPPROTO_TCP:
		return s.isTCP()
	case linux.IPPROTO_IP:
		return !s.unix()
	case linux.IPPROTO_IPV6:
		return s.Domain == linux.AF_INET6
	}
	return false
}

// flag finds the option that is kept as a flag of its own.
func (o *options) flag(k option) *atomic.Bool {
	switch k {
	case option{linux.SOL_SOCKET, linux.SO_PASSCRED}:
		return &o.passCred
	case option{linux.SOL_SOCKET, linux.SO_REUSEADDR}:
		return &o.reuseAddr
	case option{linux.SOL_SOCKET, linux.SO_REUSEPORT}:
		return &o.reusePort
	case option{linux.SOL_SOCKET, linux.SO_OOBINLINE}:
		return &o.oobInline
	case option{linux.IPPROTO_IPV6, linux.IPV6_V6ONLY}:
		return &o.v6only
	}
	return nil
}

// SetOption is setsockopt(2).
func (s *Socket) SetOption(level, name int, p []byte) linux.Errno {
	if !s.hasLevel(level) {
		if s.unix() || level != linux.IPPROTO_IPV6 && level != linux.IPPROTO_TCP {
			return linux.EOPNOTSUPP
		}
		return linux.ENOPROTOOPT
	}
	switch {
	case level == linux.SOL_SOCKET && name == linux.SO_LINGER:
		return s.setLinger(p)
	case level == linux.SOL_SOCKET && isTimeout(name):
		return s.setTimeout(name, p)
	case level == linux.SOL_SOCKET && name == linux.SO_BINDTODEVICE:
		return bindToDevice(p)
	case level == linux.IPPROTO_TCP && name == linux.TCP_CONGESTION:
		if text := string(trimNUL(p)); text != "cubic" && text != "reno" {
			return linux.ENOENT
		}
		return 0
	case joins(level, name):
		return linux.ENODEV // no interface takes part in multicast
	}
	v, e := number(level, p)
	if e != 0 {
		return e
	}
	return s.setNumber(option{level, name}, v)
}

// number reads an option's value: an int, or, of IP, a byte.
func number(level int, p []byte) (int32, linux.Errno) {
	switch {
	case len(p) >= 4:
		return int32(binary.NativeEndian.Uint32(p)), 0
	case len(p) >= 1 && level == linux.IPPROTO_IP:
		return int32(p[0]), 0
	}
	return 0, linux.EINVAL
}

func (s *Socket) setNumber(k option, v int32) linux.Errno {
	if f := s.opts.flag(k); f != nil {
		if k.name == linux.IPV6_V6ONLY && k.level == linux.IPPROTO_IPV6 && s.Bound() {
			return linux.EINVAL
		}
		if k.name == linux.SO_PASSCRED && k.level == linux.SOL_SOCKET && !s.unix() {
			return linux.EOPNOTSUPP
		}
		f.Store(v != 0)
		return 0
	}
	switch k {
	case option{linux.SOL_SOCKET, linux.SO_SNDBUF}, option{linux.SOL_SOCKET, linux.SO_SNDBUFFORCE}:
		s.opts.send.Store(max(min(v, defaultBuffer, math.MaxInt32/2)*2, minSend))
		s.opts.sized.Store(true)
		s.resize()
		return 0
	case option{linux.SOL_SOCKET, linux.SO_RCVBUF}, option{linux.SOL_SOCKET, linux.SO_RCVBUFFORCE}:
		s.opts.recv.Store(max(min(v, defaultBuffer, math.MaxInt32/2)*2, minReceive))
		s.opts.sized.Store(true)
		s.resize()
		return 0
	case option{linux.SOL_SOCKET, linux.SO_MARK}:
		return linux.EPERM
	}
	b, ok := remembered[k]
	switch {
	case !ok:
		return linux.ENOPROTOOPT
	case v < b.least || v > b.most:
		if k.name == linux.SO_PRIORITY && k.level == linux.SOL_SOCKET {
			return linux.EPERM
		}
		return linux.EINVAL
	case b.isWhether() && v != 0:
		v = 1
	}
	s.opts.mu.Lock()
	defer s.opts.mu.Unlock()
	s.opts.rememberLocked(k, v)
	return 0
}

func (s *Socket) setLinger(p []byte) linux.Errno {
	if len(p) < 8 {
		return linux.EINVAL
	}
	s.opts.mu.Lock()
	defer s.opts.mu.Unlock()
	s.opts.lingers = binary.NativeEndian.Uint32(p) != 0
	s.opts.seconds = int32(binary.NativeEndian.Uint32(p[4:]))
	return 0
}

func isTimeout(name int) bool {
	switch name {
	case linux.SO_RCVTIMEO, linux.SO_RCVTIMEO64, linux.SO_SNDTIMEO, linux.SO_SNDTIMEO64:
		return true
	}
	return false
}

// timeoutOf is where a time-out is kept.
func (o *options) timeoutOf(name int) *atomic.Int64 {
	if name == linux.SO_RCVTIMEO || name == linux.SO_RCVTIMEO64 {
		return &o.receiveTimeout
	}
	return &o.sendTimeout
}

// setTimeout takes a struct timeval of two 8-byte members.
func (s *Socket) setTimeout(name int, p []byte) linux.Errno {
	if len(p) < 16 {
		return linux.EINVAL
	}
	sec, usec := int64(binary.NativeEndian.Uint64(p)), int64(binary.NativeEndian.Uint64(p[8:]))
	if usec < 0 || usec >= 1e6 {
		return linux.EDOM
	}
	to := s.opts.timeoutOf(name)
	switch {
	case sec < 0:
		to.Store(1) // it is over before it begins
	case sec > math.MaxInt64/int64(time.Second)-1:
		to.Store(0)
	default:
		to.Store(sec*int64(time.Second) + usec*int64(time.Microsecond))
	}
	return 0
}

func trimNUL(p []byte) []byte {
	for i := range p {
		if p[i] == 0 {
			return p[:i]
		}
	}
	return p
}

func bindToDevice(p []byte) linux.Errno {
	switch string(trimNUL(p)) {
	case "", "lo":
		return 0
	}
	return linux.ENODEV
}

// joins reports whether an option is about multicast groups.
func joins(level, name int) bool {
	switch level {
	case linux.IPPROTO_IP:
		return name == linux.IP_ADD_MEMBERSHIP || name == linux.IP_DROP_MEMBERSHIP || name == linux.IP_MULTICAST_IF
	case linux.IPPROTO_IPV6:
		return name == linux.IPV6_JOIN_GROUP || name == linux.IPV6_LEAVE_GROUP
	}
	return false
}
