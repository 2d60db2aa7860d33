package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"vkernel/internal/manifest"
)

// network reads --connect, which is about the container and not an entry: it replaces the manifest's rules.
func (o *policyOptions) network(m *manifest.Manifest) error {
	if len(o.connect) == 1 && o.connect[0] == "none" {
		m.Network = nil
		return nil
	}
	rules := make([]manifest.Connection, 0, len(o.connect))
	for _, text := range o.connect {
		c, err := parseConnection(text)
		if err != nil {
			return fmt.Errorf("--connect %s: %w; expected tcp:example.org:443, udp:10.1.0.0/16:53,123 or tcp:[2001:db8::/32], or none", text, err)
		}
		rules = append(rules, c)
	}
	if len(rules) > 0 {
		m.Network = rules
	}
	return nil
}

// parseConnection reads PROTOCOL:HOST[:PORT,PORT], where HOST is a name, *. and a name, an address or a network.
func parseConnection(text string) (c manifest.Connection, err error) {
	protocol, rest, ok := strings.Cut(text, ":")
	if c.Protocol = protocol; !ok || protocol != "tcp" && protocol != "udp" {
		return c, fmt.Errorf("%q is no protocol", protocol)
	}
	host, ports := rest, ""
	if inner, ok := strings.CutPrefix(rest, "["); ok {
		if host, ports, ok = strings.Cut(inner, "]"); !ok {
			return c, fmt.Errorf("[ without ]")
		}
		if ports, ok = strings.CutPrefix(ports, ":"); !ok && ports != "" {
			return c, fmt.Errorf("%q after ]", ports)
		}
	} else {
		host, ports, _ = strings.Cut(rest, ":")
	}
	c.Host, c.CIDR = place(host)
	if ports == "" {
		return c, nil
	}
	for p := range strings.SplitSeq(ports, ",") {
		n, err := strconv.Atoi(p)
		if err != nil {
			return c, fmt.Errorf("%q is no port", p)
		}
		c.Ports = append(c.Ports, n)
	}
	return c, nil
}

// place tells a name from an address, which is the network of it alone, or a network.
func place(text string) (host, cidr string) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return "", netip.PrefixFrom(ip, ip.BitLen()).String()
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return "", text
	}
	return strings.ToLower(text), ""
}

// connectionText is a rule as --connect has it.
func connectionText(c *manifest.Connection) string {
	text := c.Protocol + ":" + c.Host + c.CIDR
	if strings.Contains(c.CIDR, ":") {
		text = c.Protocol + ":[" + c.CIDR + "]"
	}
	for i, p := range c.Ports {
		text += map[bool]string{true: ":", false: ","}[i == 0] + strconv.Itoa(p)
	}
	return text
}
