package broker

import (
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
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast, and what is reserved
	netip.MustParsePrefix("::/127"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("ff00::/8"),
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
		if public(to.Addr()) && slices.ContainsFunc(named, func(name string) bool { return matches(r.Host, name) }) {
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

// public reports whether a name may lead to an address.
func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && covers(netip.PrefixFrom(ip, 0).Masked(), ip)
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
