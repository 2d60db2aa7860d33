package broker

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"vkernel/internal/manifest"
)

// special are the blocks that a rule for everything, or for a name, does not have (RFC 6890): what is in one is meant only by a
// rule for a network within it. Private networks are beside: a rule for a wider network has them, one for a name does not.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.100.100.200/32"), // metadata of a cloud, as are the next two
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast, and what is reserved
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"), // each address of IPv4, through a translator, as are the next three
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fd00:ec2::/32"), // metadata of a cloud
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("ff00::/8"),
}

// shared are blocks in which a network's own hosts are though nobody calls them private: a name does not lead there.
var shared = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("198.18.0.0/15"),
}

// allows reports whether a rule has an address.
func (b *Broker) allows(protocol string, to netip.AddrPort) bool {
	named := b.names.of(to.Addr())
	for i := range b.rules {
		r := &b.rules[i]
		if r.Protocol != protocol || r.Ports != nil && !slices.Contains(r.Ports, int(to.Port())) || to.Port() == 0 {
			continue
		}
		if r.CIDR != "" {
			if p, err := netip.ParsePrefix(r.CIDR); err == nil && covers(p, to.Addr()) {
				return true
			}
			continue
		}
		if len(named) > 0 && b.public(to.Addr()) && slices.ContainsFunc(named, func(name string) bool { return matches(r.Host, name) }) {
			return true
		}
	}
	return false
}

// covers reports whether a rule for a network has an address.
func covers(p netip.Prefix, ip netip.Addr) bool {
	if !p.Contains(ip) {
		return false
	}
	for _, s := range special {
		if s.Contains(ip) && !(s.Bits() <= p.Bits() && s.Contains(p.Addr())) {
			return false
		}
	}
	return true
}

// public reports whether a name may lead to an address: the host's own, and those on its links, are as near as private ones.
func (b *Broker) public(ip netip.Addr) bool {
	holds := func(p netip.Prefix) bool { return p.Contains(ip) }
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && covers(netip.PrefixFrom(ip, 0).Masked(), ip) &&
		!slices.ContainsFunc(shared, holds) && !slices.ContainsFunc(b.links(), holds)
}

// links are the networks that the host has an address in, without those that are everything.
func links() (list []netip.Prefix) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			if p.Bits() == 0 {
				p = netip.PrefixFrom(p.Addr(), p.Addr().BitLen())
			}
			list = append(list, p)
		}
	}
	return list
}

// matches reports whether a rule's host is a name, in lower case without the last dot: itself, or a name below it.
func matches(host, name string) bool {
	if below, ok := strings.CutPrefix(host, "*."); ok {
		return strings.HasSuffix(name, "."+below)
	}
	return host == name
}

// resolves reports whether a rule has a name. One for a network that is not special allows any: who may send to every
// address can ask any name server itself.
func (b *Broker) resolves(name string) bool {
	return slices.ContainsFunc(b.rules, func(r manifest.Connection) bool {
		if r.CIDR != "" {
			p, err := netip.ParsePrefix(r.CIDR)
			return err == nil && p.Bits() == 0
		}
		return matches(r.Host, name)
	})
}

// maxNames bounds the addresses whose names are known; the oldest is forgotten.
const maxNames = 4096

// names says which names have led to an address.
type names struct {
	mu sync.Mutex

	// guarded by mu
	known map[netip.Addr][]string
	order []netip.Addr
}

// maxAliases bounds the names of one address.
const maxAliases = 16

// of gives the names of an address.
func (n *names) of(ip netip.Addr) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[ip]
}

// add notes that a name leads to an address.
func (n *names) add(ip netip.Addr, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[netip.Addr][]string{}
	}
	list, ok := n.known[ip]
	if slices.Contains(list, name) {
		return
	}
	if !ok {
		if n.order = append(n.order, ip); len(n.order) > maxNames {
			delete(n.known, n.order[0])
			n.order = n.order[1:]
		}
	}
	list = append(slices.Clone(list), name) // readers keep what they were given
	n.known[ip] = list[max(0, len(list)-maxAliases):]
}
