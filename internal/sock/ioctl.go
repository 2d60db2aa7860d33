package sock

import (
	"encoding/binary"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// sizeIfreq is the size of struct ifreq where long has 4 bytes, which a list of them is made of.
const sizeIfreq = 32

// Ioctl serves what sockets know, and the requests about interfaces, of which there is one: lo.
func (s *Socket) Ioctl(_ *vfs.Context, mem guest.Memory, cmd, arg uint32) (int64, linux.Errno) {
	switch cmd {
	case linux.FIONREAD:
		if s.Listening() {
			return 0, linux.EINVAL
		}
		n := int32(s.unread())
		return 0, guest.Put(mem, arg, &n)
	case linux.SIOCOUTQ:
		n := int32(s.unsent())
		return 0, guest.Put(mem, arg, &n)
	case linux.SIOCATMARK:
		if !s.isTCP() {
			return 0, linux.ENOTTY
		}
		n := s.atMark()
		return 0, guest.Put(mem, arg, &n)
	case linux.SIOCGIFCONF:
		return 0, interfaces(mem, arg)
	}
	if cmd>>8 == linux.SIOCGIFCONF>>8 {
		return 0, oneInterface(mem, cmd, arg)
	}
	return 0, linux.ENOTTY
}

// unread is FIONREAD: of datagrams the first one's bytes.
func (s *Socket) unread() int {
	if s.inbox != nil {
		return s.inbox.waiting(false)
	}
	if c := s.conn.Load(); c != nil {
		return c.in.waiting(true)
	}
	return 0
}

// unsent is SIOCOUTQ.
func (s *Socket) unsent() int {
	if c := s.conn.Load(); c != nil && s.unix() {
		return c.out.queued()
	}
	return 0 // what goes over the loopback has arrived
}

// atMark reports whether the byte out of band is next.
func (s *Socket) atMark() int32 {
	if c := s.conn.Load(); c != nil {
		c.in.mu.Lock()
		defer c.in.mu.Unlock()
		if c.in.urgent != 0 && c.in.ring.n == 0 {
			return 1
		}
	}
	return 0
}

// loName is the name of the one interface, as struct ifreq has it.
var loName = [linux.IFNAMSIZ]byte{'l', 'o'}

// inetOf is a sockaddr_in.
func inetOf(a, b, c, d byte) []byte {
	p := binary.NativeEndian.AppendUint16(nil, linux.AF_INET)
	return append(p, 0, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0)
}

// interfaces is SIOCGIFCONF: struct ifconf has a size and an address.
func interfaces(mem guest.Memory, arg uint32) linux.Errno {
	c, e := guest.Get[struct{ Len, Buf uint32 }](mem, arg)
	if e != 0 {
		return e
	}
	size := uint32(sizeIfreq)
	if c.Buf != 0 {
		if int32(c.Len) < sizeIfreq {
			size = 0
		} else {
			var r [sizeIfreq]byte
			copy(r[:], loName[:])
			copy(r[linux.IFNAMSIZ:], inetOf(127, 0, 0, 1))
			if e := mem.Write(c.Buf, r[:]); e != 0 {
				return e
			}
		}
	}
	return guest.Put(mem, arg, &size)
}

// oneInterface serves a request about the interface that struct ifreq names, or, for its name,
// that it has the number of.
func oneInterface(mem guest.Memory, cmd, arg uint32) linux.Errno {
	name, e := guest.Get[[linux.IFNAMSIZ]byte](mem, arg)
	if e != 0 {
		return e
	}
	value := arg + linux.IFNAMSIZ
	if cmd == linux.SIOCGIFNAME {
		index, e := guest.Get[int32](mem, value)
		if e == 0 && index != linux.LoopbackInterface {
			e = linux.ENODEV
		}
		if e != 0 {
			return e
		}
		return mem.Write(arg, loName[:])
	}
	if string(trimNUL(name[:])) != "lo" {
		return linux.ENODEV
	}
	p, e := interfaceValue(cmd)
	if e != 0 {
		return e
	}
	return mem.Write(value, p)
}

func interfaceValue(cmd uint32) ([]byte, linux.Errno) {
	switch cmd {
	case linux.SIOCGIFINDEX:
		return num(linux.LoopbackInterface), 0
	case linux.SIOCGIFFLAGS:
		return binary.NativeEndian.AppendUint16(nil, linux.IFF_UP|linux.IFF_LOOPBACK|linux.IFF_RUNNING), 0
	case linux.SIOCGIFADDR:
		return inetOf(127, 0, 0, 1), 0
	case linux.SIOCGIFDSTADDR:
		return inetOf(127, 0, 0, 1), 0
	case linux.SIOCGIFBRDADDR:
		return inetOf(0, 0, 0, 0), 0
	case linux.SIOCGIFNETMASK:
		return inetOf(255, 0, 0, 0), 0
	case linux.SIOCGIFMETRIC:
		return num(0), 0
	case linux.SIOCGIFMTU:
		return num(65536), 0
	case linux.SIOCGIFTXQLEN:
		return num(1000), 0
	case linux.SIOCGIFHWADDR:
		p := binary.NativeEndian.AppendUint16(nil, linux.ARPHRD_LOOPBACK)
		return append(p, make([]byte, 14)...), 0
	case linux.SIOCGIFCONF + 2, 0x8916, 0x8918, 0x891a, 0x891c, 0x8922, 0x8924:
		return nil, linux.EPERM // to change one
	}
	return nil, linux.EINVAL
}
