package manifest

import (
	"strings"
	"testing"
)

// TestParseAddress: one form of each, and what it means is what it says.
func TestParseAddress(t *testing.T) {
	for _, good := range []string{"unix:/run/x", "unix:@y", "1.2.3.4:1", "1.2.3.0/24:65535", "[::1]:80", "[2001:db8::/32]:*", "0.0.0.0/0:*"} {
		if _, err := ParseAddress(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{
		"", ":", "unix:", "unix:x", "unix:@", "unix:/\x00", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:080", "1.2.3.4:65536", "01.2.3.4:1",
		"[1.2.3.4]:1", "::1:80", "[::1%a]:80", "[::ffff:1.2.3.4]:80", "10.0.0.1/8:1", "10.0.0.0/33:1", "[2001:DB8::]:1", "host:80", "*:80",
	} {
		if _, err := ParseAddress(bad); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"unix:/run/x", "127.0.0.1:80", "10.0.0.0/8:*", "[2001:db8::/32]:443"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		if a.Unix != "" {
			if "unix:"+a.Unix != s {
				t.Errorf("%q is %q", s, a.Unix)
			}
			return
		}
		host := a.Prefix.String()
		if a.Prefix.IsSingleIP() && !strings.Contains(s, "/") {
			host = a.Prefix.Addr().String()
		}
		if a.Prefix.Addr().Is6() {
			host = "[" + host + "]"
		}
		if !strings.HasPrefix(s, host+":") || a.AnyPort != strings.HasSuffix(s, ":*") {
			t.Errorf("%q is read as %s, %d", s, host, a.Port)
		}
	})
}
