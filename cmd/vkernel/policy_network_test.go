package main

import "testing"

func TestParseConnection(t *testing.T) {
	for _, text := range []string{"tcp:example.org:443", "udp:*.example.org", "tcp:10.1.0.0/16:1,2", "tcp:[2001:db8::/32]:443", "udp:[2001:db8::/32]"} {
		c, err := parseConnection(text)
		if err != nil || connectionText(&c) != text {
			t.Errorf("%s: %s, %v", text, connectionText(&c), err)
		}
	}
	for text, want := range map[string]string{"tcp:192.0.2.1:80": "tcp:192.0.2.1/32:80", "tcp:[2001:db8::1]": "tcp:[2001:db8::1/128]", "tcp:Example.ORG": "tcp:example.org"} {
		if c, err := parseConnection(text); err != nil || connectionText(&c) != want {
			t.Errorf("%s: %s, %v", text, connectionText(&c), err)
		}
	}
	for _, text := range []string{"", "tcp", "sctp:a:1", "tcp:[2001:db8::1", "tcp:[::1]x", "tcp:a:b", "tcp:a:"} {
		if c, err := parseConnection(text); err == nil && text != "tcp:a:" {
			t.Errorf("%s: %s", text, connectionText(&c))
		}
	}
}
