package sock

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"vkernel/internal/linux"
)

// Address is a sockaddr.
type Address struct {
	Family uint16
	Unix   string         // a path, or a NUL byte and an abstract name; empty: none
	IP     netip.AddrPort // of AF_INET and AF_INET6; an AF_INET6 one may be mapped from IPv4
}

// Sizes of sockaddr_in and sockaddr_in6; sockaddr_in6 may lack its scope, as before RFC 2553.
const (
	sizeInet     = 16
	sizeInet6    = 28
	sizeInet6Old = 24
	maxSockaddr  = 128
)

// MaxSockaddr is the size of sockaddr_storage: no address is longer.
const MaxSockaddr = maxSockaddr

// Parse reads a sockaddr for a socket of a domain. Errors are those of bind(2) and connect(2).
func Parse(domain int, p []byte) (a Address, e linux.Errno) {
	if len(p) < 2 {
		return a, linux.EINVAL
	}
	a.Family = binary.NativeEndian.Uint16(p)
	if a.Family == linux.AF_UNSPEC && domain != linux.AF_UNIX {
		return parseUnspec(domain, p)
	}
	switch domain {
	case linux.AF_UNIX:
		return parseUnix(a, p)
	case linux.AF_INET:
		if len(p) < sizeInet {
			return a, linux.EINVAL
		}
		if a.Family != linux.AF_INET {
			return a, linux.EAFNOSUPPORT
		}
		a.IP = netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[4:8])), binary.BigEndian.Uint16(p[2:]))
	default:
		if len(p) < sizeInet6Old {
			return a, linux.EINVAL
		}
		if a.Family != linux.AF_INET6 {
			return a, linux.EAFNOSUPPORT
		}
		a.IP = netip.AddrPortFrom(netip.AddrFrom16([16]byte(p[8:24])), binary.BigEndian.Uint16(p[2:]))
	}
	return a, 0
}

// parseUnspec reads an address without a family: connect(2) takes it for no address, bind(2) of
// an IPv4 socket for any address.
func parseUnspec(domain int, p []byte) (a Address, e linux.Errno) {
	if domain == linux.AF_INET && len(p) >= sizeInet {
		a.IP = netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[4:8])), binary.BigEndian.Uint16(p[2:]))
	}
	return a, 0
}

func parseUnix(a Address, p []byte) (Address, linux.Errno) {
	if len(p) > 2+linux.UNIX_PATH {
		return a, linux.EINVAL
	}
	if a.Family != linux.AF_UNIX {
		return a, linux.EINVAL
	}
	name := string(p[2:])
	if name != "" && name[0] != 0 {
		name, _, _ = strings.Cut(name, "\x00")
	}
	a.Unix = name
	return a, 0
}

// Abstract reports whether a UNIX address is an abstract name.
func (a *Address) Abstract() bool { return a.Unix != "" && a.Unix[0] == 0 }

// Unnamed reports whether a UNIX address is none.
func (a *Address) Unnamed() bool { return a.Unix == "" }

// Shown is a UNIX address as /proc/net/unix and a policy have it: @ stands for NUL.
func (a *Address) Shown() string {
	if a.Abstract() {
		return "@" + strings.ReplaceAll(a.Unix[1:], "\x00", "@")
	}
	return a.Unix
}

// Encode writes the sockaddr: nothing where there is none.
func (a *Address) Encode() []byte {
	if a.Family == linux.AF_UNSPEC {
		return nil
	}
	p := binary.NativeEndian.AppendUint16(make([]byte, 0, sizeInet6), a.Family)
	switch a.Family {
	case linux.AF_UNIX:
		p = append(p, a.Unix...)
		if a.Unix != "" && a.Unix[0] != 0 {
			p = append(p, 0)
		}
	case linux.AF_INET:
		p = binary.BigEndian.AppendUint16(p, a.IP.Port())
		four := [4]byte{}
		if ip := a.IP.Addr().Unmap(); ip.Is4() {
			four = ip.As4()
		}
		p = append(p, four[:]...)
		p = append(p, make([]byte, 8)...)
	case linux.AF_INET6:
		p = binary.BigEndian.AppendUint16(p, a.IP.Port())
		p = append(p, 0, 0, 0, 0)
		sixteen := [16]byte{}
		if a.IP.IsValid() {
			sixteen = a.IP.Addr().As16()
		}
		p = append(p, sixteen[:]...)
		p = append(p, 0, 0, 0, 0)
	}
	return p
}

var (
	any4      = netip.AddrFrom4([4]byte{})
	any6      = netip.IPv6Unspecified()
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)

// anyOf is the unspecified address of a domain.
func anyOf(domain int) netip.Addr {
	if domain == linux.AF_INET {
		return any4
	}
	return any6
}

// show gives an address as a socket of the domain sees it: an IPv4 address in an IPv6 socket
// is mapped.
func show(domain int, ip netip.AddrPort) Address {
	a := Address{Family: uint16(domain), IP: ip}
	if domain == linux.AF_INET6 && ip.Addr().Is4() {
		a.IP = netip.AddrPortFrom(netip.AddrFrom16(ip.Addr().As16()), ip.Port())
	}
	return a
}

// destination is where packets to an address go: the unspecified one is the host itself. What
// is not of the loopback is reached through the edge, if there is one.
func (s *Socket) destination(a *Address) (netip.AddrPort, linux.Errno) {
	ip := a.IP.Addr()
	if s.Domain == linux.AF_INET6 && s.opts.v6only.Load() && ip.Is4In6() {
		return a.IP, linux.ENETUNREACH
	}
	if s.local.IP.IsValid() && s.Domain == linux.AF_INET6 && !ip.IsUnspecified() {
		own := s.local.IP.Addr()
		if !own.IsUnspecified() && own.Is4In6() != ip.Is4In6() {
			if own.Is4In6() {
				return a.IP, linux.EAFNOSUPPORT
			}
			return a.IP, linux.ENETUNREACH
		}
	}
	ip = ip.Unmap()
	switch {
	case ip == any4:
		ip = loopback4
	case ip == any6:
		ip = loopback6
		if s.local.IP.IsValid() && s.local.IP.Addr().Is4In6() {
			ip = loopback4
		}
	case !ip.IsLoopback():
		if e := s.leaves(ip); e != 0 {
			return a.IP, e
		}
	}
	return netip.AddrPortFrom(ip, a.IP.Port()), 0
}
