package policy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Address is a rule on socket addresses:
//
//	unix:/run/x.sock   the socket at this path, which is resolved (Paths)
//	unix:@name         an abstract one
//	127.0.0.1:80       [::1]:80
//	10.0.0.0/8:443     [2001:db8::/32]:443
//	127.0.0.1:*        any port
type Address struct {
	unix   string // path, or @name
	prefix netip.Prefix
	port   uint16
	any    bool // port
}

// ParseAddress reads a rule. Only one form of each is accepted.
func ParseAddress(s string) (a Address, err error) {
	if name, ok := strings.CutPrefix(s, "unix:"); ok {
		if len(name) < 2 || name[0] != '/' && name[0] != '@' || strings.IndexByte(name, 0) >= 0 {
			return a, fmt.Errorf("address %q: expected unix:/absolute/path or unix:@name", s)
		}
		return Address{unix: name}, nil
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return a, fmt.Errorf("address %q: expected unix:NAME, IP:PORT or NETWORK/LENGTH:PORT", s)
	}
	host, port := s[:i], s[i+1:]
	v6 := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	if v6 {
		host = host[1 : len(host)-1]
	}
	if a.prefix, err = parsePrefix(host); err != nil || a.prefix.Addr().Is6() != v6 {
		return Address{}, fmt.Errorf("address %q: %q is no IP address or network in its usual form", s, host)
	}
	if port == "*" {
		a.any = true
		return a, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return Address{}, fmt.Errorf("address %q: port %q, expected 1 to 65535 or *", s, port)
	}
	a.port = uint16(n)
	return a, nil
}

// parsePrefix reads an address as the network of it alone. A network has no bit set beyond
// its length.
func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		if ip.Zone() != "" || ip.Is4In6() || ip.String() != s {
			return netip.Prefix{}, fmt.Errorf("%q is not the usual form of %s", s, ip)
		}
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err == nil && (p != p.Masked() || p.Addr().Is4In6() || p.String() != s) {
		err = fmt.Errorf("%q is not the usual form of %s", s, p.Masked())
	}
	return p, err
}

// MayUse reports whether a call (connect, bind, sendto, sendmsg) may be made with an address
// of the Internet. It is asked about the kernel's own copy of the address.
func (p *Policy) MayUse(call string, addr netip.AddrPort) bool {
	ip := addr.Addr().Unmap().WithZone("")
	return p.address(call, func(a *Address) bool {
		return a.unix == "" && a.prefix.Contains(ip) && (a.any || a.port == addr.Port())
	})
}

// MayUseUnix is MayUse for a UNIX socket: its path from the root with no link in it, or @ and
// its abstract name.
func (p *Policy) MayUseUnix(call, name string) bool {
	return p.address(call, func(a *Address) bool { return a.unix == name })
}

func (p *Policy) address(call string, match func(a *Address) bool) bool {
	if p == nil {
		return true
	}
	return p.parts(func(r *rules) bool {
		list, ruled := r.addresses[call]
		if !ruled {
			return true
		}
		for i := range list {
			if match(&list[i]) {
				return true
			}
		}
		return false
	})
}

// HasAddresses reports whether a call has rules on socket addresses.
func (p *Policy) HasAddresses(call string) bool {
	return p != nil && !p.parts(func(r *rules) bool { _, ruled := r.addresses[call]; return !ruled })
}
