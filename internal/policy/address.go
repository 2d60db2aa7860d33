package policy

import (
	"net/netip"

	"vkernel/internal/manifest"
)

// MayUse reports whether a call (connect, bind, sendto, sendmsg) may be made with an address
// of the Internet. It is asked about the kernel's own copy of the address.
func (p *Policy) MayUse(call string, addr netip.AddrPort) bool {
	return p.address(call, func(a *manifest.Address) bool { return a.Holds(addr) })
}

// MayUseUnix is MayUse for a UNIX socket: its path from the root with no link in it, or @ and
// its abstract name.
func (p *Policy) MayUseUnix(call, name string) bool {
	return p.address(call, func(a *manifest.Address) bool { return a.Unix == name })
}

func (p *Policy) address(call string, match func(a *manifest.Address) bool) bool {
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
