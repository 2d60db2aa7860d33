package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vkernel/internal/bundle"
	"vkernel/internal/kernel"
	"vkernel/internal/manifest"
)

// ownAddress is an address of this machine that is not the loopback's; the test is skipped where it has none.
func ownAddress(t *testing.T) netip.Addr {
	t.Helper()
	list, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap().Is4() && ip.Unmap().IsGlobalUnicast() {
				return ip.Unmap()
			}
		}
	}
	t.Skip("the machine has no address but the loopback's")
	return netip.Addr{}
}

// networkBundle is the bundle of guests with rules for connections.
func networkBundle(t *testing.T, rules ...manifest.Connection) *bundle.Bundle {
	t.Helper()
	guestBundle(t) // built
	dir := filepath.Join(t.TempDir(), "network.vk")
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join(built.dir(), "guests.vk"))))
	at := filepath.Join(dir, manifest.File)
	text, err := os.ReadFile(at)
	must(t, err)
	var m map[string]any
	must(t, json.Unmarshal(text, &m))
	m["network"] = rules
	text, err = json.MarshalIndent(m, "", "  ")
	must(t, err)
	must(t, os.WriteFile(at, append(text, '\n'), 0o644))
	must(t, sign(dir))
	b, err := bundle.Open(dir, policyOf(t, dir))
	must(t, err)
	t.Cleanup(b.Close)
	return b
}

// online runs a script in a sandbox and gives what it printed.
func online(t *testing.T, b *bundle.Bundle, offline bool, script string) (string, kernel.Status) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	st, err := start(t, Config{Bundle: b}).Run(ctx, Run{
		Command: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"}, Dir: "/",
		Streams: Streams{Out: &out, Err: &out}, Offline: offline,
	})
	if err != nil {
		t.Fatalf("%v, after printing %q", err, &out)
	}
	return out.String(), st
}

// A guest reaches what the manifest has a rule for, through the seal, and nothing else.
func TestOutside(t *testing.T) {
	ip := ownAddress(t)
	page := strings.Repeat("a page of some size\n", 50000)
	l, err := net.Listen("tcp4", netip.AddrPortFrom(ip, 0).String())
	must(t, err)
	served := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, page)
	})}
	go served.Serve(l)
	defer served.Close()
	port := l.Addr().(*net.TCPAddr).Port
	b := networkBundle(t, manifest.Connection{CIDR: ip.String() + "/32", Ports: []int{port}, Protocol: "tcp"})
	url := fmt.Sprintf("http://%s:%d/", ip, port)
	out, st := online(t, b, false, "busybox wget -q -O - "+url+" | wc -c; busybox wget -q -O - "+url+" | wc -l")
	if out != "1000000\n50000\n" || st.Code != 0 {
		t.Errorf("printed %q, %v", out, st)
	}
	for _, c := range []struct {
		name, script, want string
		offline            bool
	}{
		{"another port", fmt.Sprintf("busybox wget -q -O - http://%s:%d/", ip, port-1), "Permission denied", false},
		{"another address", fmt.Sprintf("busybox wget -q -O - http://198.51.100.1:%d/", port), "no rule in the manifest's network allows it", false},
		{"a name", "busybox wget -q -O - http://no.rule.example/", "bad address", false},
		{"offline", "busybox wget -q -O - " + url, "Network unreachable", true},
	} {
		if out, st := online(t, b, c.offline, c.script); !strings.Contains(out, c.want) || st.Code == 0 {
			t.Errorf("%s: printed %q, %v", c.name, out, st)
		}
	}
}
