package manifest

import (
	"fmt"
	"net/netip"
	"strings"
)

// Connection allows connections from the container to outside: to Host, or to CIDR.
type Connection struct {
	Host     string `json:"host,omitempty"` // "example.com", or "*.example.com" for all below it
	CIDR     string `json:"cidr,omitempty"` // "10.1.0.0/16"
	Ports    []int  `json:"ports,omitzero"` // absent: every port
	Protocol string `json:"protocol"`       // "tcp" or "udp"
}

// Mount allows `run` to show a directory of the host in the container.
type Mount struct {
	// At is where: an absolute path, or one that ends in /* for all places below.
	At    string `json:"at"`
	Write bool   `json:"write,omitempty"` // it may be writable
	Exec  bool   `json:"exec,omitempty"`  // what is on it may be executed, if its digest is listed
}

// MayMount tells what the manifest allows of a mount at the absolute, clean path at.
// Without a list every place is allowed, nothing on it is executable.
func (m *Manifest) MayMount(at string) (rule Mount, ok bool) {
	if m.Mounts == nil {
		return Mount{At: at, Write: true}, true
	}
	for _, r := range m.Mounts {
		if dir, below := strings.CutSuffix(r.At, "/*"); r.At == at || below && strings.HasPrefix(at, dir+"/") && len(at) > len(dir)+1 {
			return r, true
		}
	}
	return Mount{}, false
}

func (m *Manifest) checkNetwork() error {
	if len(m.Network) > MaxRules {
		return fieldError("network", "%d rules, the limit is %d", len(m.Network), MaxRules)
	}
	for i := range m.Network {
		c := &m.Network[i]
		field := fmt.Sprintf("network[%d]", i)
		switch {
		case (c.Host == "") == (c.CIDR == ""):
			return fieldError(field, "expected either host or cidr")
		case c.Host != "" && !validHost(strings.TrimPrefix(c.Host, "*.")):
			return fieldError(field+".host", "malformed name %q, expected lower-case letters, digits, - and .", c.Host)
		case c.CIDR != "" && !validCIDR(c.CIDR):
			return fieldError(field+".cidr", "%q, expected an address and the length of its prefix, no bit set beyond it", c.CIDR)
		case c.Protocol != "tcp" && c.Protocol != "udp":
			return fieldError(field+".protocol", "%q, expected \"tcp\" or \"udp\"", c.Protocol)
		case c.Ports != nil && len(c.Ports) == 0 || len(c.Ports) > MaxRules:
			return fieldError(field+".ports", "%d ports, expected 1 to %d", len(c.Ports), MaxRules)
		}
		for j, p := range c.Ports {
			if p < 1 || p > 65535 {
				return fieldError(fmt.Sprintf("%s.ports[%d]", field, j), "%d, expected 1 to 65535", p)
			}
		}
	}
	return nil
}

func validHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
				return false
			}
		}
	}
	return true
}

func validCIDR(s string) bool {
	p, err := netip.ParsePrefix(s)
	return err == nil && p == p.Masked() && p.String() == s
}

func (m *Manifest) checkMounts() error {
	if len(m.Mounts) > MaxRules {
		return fieldError("mounts", "%d rules, the limit is %d", len(m.Mounts), MaxRules)
	}
	for i := range m.Mounts {
		dir, below := strings.CutSuffix(m.Mounts[i].At, "/*")
		if checkPath(dir) != nil && !(below && dir == "") || dir == "/" {
			return fieldError(fmt.Sprintf("mounts[%d].at", i), "%q is not an absolute, clean path below /, or such a path and /*", m.Mounts[i].At)
		}
	}
	return nil
}
