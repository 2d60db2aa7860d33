package manifest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Address is what a rule says of socket addresses:
//
//	unix:/run/x.sock   the socket at this path, which is resolved (Rule.Paths)
//	unix:@name         an abstract one
//	127.0.0.1:80       [::1]:80
//	10.0.0.0/8:443     [2001:db8::/32]:443
//	127.0.0.1:*        any port
//
// There is one form of each.
type Address struct {
	Unix    string // path, or @name; empty for the Internet
	Prefix  netip.Prefix
	Port    uint16
	AnyPort bool
}

// Holds reports whether an address of the Internet is one that a means. One of IPv4 in IPv6 is
// what it stands for.
func (a *Address) Holds(addr netip.AddrPort) bool {
	return a.Unix == "" && a.Prefix.Contains(addr.Addr().Unmap().WithZone("")) && (a.AnyPort || a.Port == addr.Port())
}

// ParseAddress reads the text of a rule.
func ParseAddress(s string) (a Address, err error) {
	if name, ok := strings.CutPrefix(s, "unix:"); ok {
		if len(name) < 2 || name[0] != '/' && name[0] != '@' || strings.IndexByte(name, 0) >= 0 {
			return a, fmt.Errorf("address %q: expected unix:/absolute/path or unix:@name", s)
		}
		return Address{Unix: name}, nil
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
	if a.Prefix, err = parsePrefix(host); err != nil || a.Prefix.Addr().Is6() != v6 {
		return Address{}, fmt.Errorf("address %q: %q is no IP address or network in its usual form", s, host)
	}
	if port == "*" {
		a.AnyPort = true
		return a, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return Address{}, fmt.Errorf("address %q: port %q, expected 1 to 65535 or *", s, port)
	}
	a.Port = uint16(n)
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
