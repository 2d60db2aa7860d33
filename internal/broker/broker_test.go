package broker

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/packet"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRules(t *testing.T) {
	b := New([]manifest.Connection{
		{CIDR: "0.0.0.0/0", Protocol: "tcp", Ports: []int{443}},
		{CIDR: "127.0.0.1/32", Protocol: "tcp", Ports: []int{8080}},
		{CIDR: "10.1.0.0/16", Protocol: "udp"},
		{CIDR: "2001:db8::/32", Protocol: "tcp"},
		{Host: "example.org", Protocol: "tcp", Ports: []int{80}},
		{Host: "*.example.net", Protocol: "udp", Ports: []int{53}},
	}, nil)
	b.names.add(netip.MustParseAddr("198.51.100.1"), "example.org")
	b.names.add(netip.MustParseAddr("198.51.100.1"), "other.example")
	b.names.add(netip.MustParseAddr("198.51.100.2"), "a.b.example.net")
	b.names.add(netip.MustParseAddr("198.51.100.3"), "example.net")
	for _, ip := range []string{"192.168.1.1", "127.0.0.1", "169.254.169.254", "fc00::1", "::1", "10.0.0.1"} {
		b.names.add(netip.MustParseAddr(ip), "example.org")
	}
	for _, c := range []struct {
		protocol, to string
		want         bool
	}{
		{"tcp", "198.51.100.9:443", true},
		{"tcp", "198.51.100.9:80", false},
		{"udp", "198.51.100.9:443", false},
		{"tcp", "192.168.1.1:443", true}, // a private network lies in 0.0.0.0/0
		{"tcp", "127.0.0.1:443", false},
		{"tcp", "169.254.169.254:443", false},
		{"tcp", "0.0.0.0:443", false},
		{"tcp", "255.255.255.255:443", false},
		{"tcp", "[::ffff:198.51.100.9]:443", false}, // callers unmap
		{"tcp", "127.0.0.1:8080", true},
		{"tcp", "127.0.0.2:8080", false},
		{"udp", "10.1.255.255:9", true},
		{"udp", "10.2.0.0:9", false},
		{"udp", "10.1.0.1:0", false},
		{"tcp", "[2001:db8::1]:9", true},
		{"tcp", "[2001:db9::1]:9", false},
		{"tcp", "198.51.100.1:80", true},
		{"tcp", "198.51.100.2:80", false},
		{"udp", "198.51.100.2:53", true},
		{"udp", "198.51.100.3:53", false}, // *. does not have the name itself
		{"tcp", "192.168.1.1:80", false},  // what a name leads to is no neighbour
		{"tcp", "127.0.0.1:80", false},
		{"tcp", "169.254.169.254:80", false},
		{"tcp", "[fc00::1]:80", false},
		{"tcp", "[::1]:80", false},
		{"tcp", "10.0.0.1:80", false},
	} {
		if got := b.allows(c.protocol, netip.MustParseAddrPort(c.to)); got != c.want {
			t.Errorf("%s %s: %v", c.protocol, c.to, got)
		}
	}
}

// Who owns a name leads it to whatever counts as the host's neighbourhood: none of it is reached.
func TestRebinding(t *testing.T) {
	b := New([]manifest.Connection{{Host: "example.org", Protocol: "tcp"}, {CIDR: "::/0", Protocol: "tcp"}, {CIDR: "0.0.0.0/0", Protocol: "tcp", Ports: []int{1}}}, nil)
	b.links = func() []netip.Prefix {
		return []netip.Prefix{netip.MustParsePrefix("203.0.113.5/24"), netip.MustParsePrefix("2001:db8:7::5/64")}
	}
	for _, to := range []string{
		"100.64.0.1:80", "100.100.100.200:80", "192.0.0.192:80", "198.18.0.1:80", "203.0.113.5:80", "203.0.113.9:80", "0.1.2.3:80",
		"[64:ff9b::a9fe:a9fe]:80", "[64:ff9b:1::a00:1]:80", "[2002:a00:1::1]:80", "[2001:0:a00:1::1]:80", "[::7f00:1]:80",
		"[fec0::1]:80", "[fd00:ec2::254]:80",
		"100.100.100.200:1", "192.0.0.192:1",
	} {
		at := netip.MustParseAddrPort(to)
		b.names.add(at.Addr(), "example.org")
		if b.allows("tcp", at) {
			t.Errorf("%s is reached", to)
		}
	}
	b.rules = b.rules[:1] // names alone
	for to, want := range map[string]bool{"[2001:db8:7::9]:80": false, "[2001:db8:8::9]:80": true, "198.51.100.1:80": true} {
		at := netip.MustParseAddrPort(to)
		b.names.add(at.Addr(), "example.org")
		if b.allows("tcp", at) != want {
			t.Errorf("%s: %v", to, !want)
		}
	}
}

// The networks of this host are those of its addresses.
func TestLinks(t *testing.T) {
	l, err := net.InterfaceAddrs()
	must(t, err)
	list := links()
	for _, a := range l {
		ip := netip.MustParsePrefix(a.String()).Addr()
		if !slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			t.Errorf("%v is in none of %v", ip, list)
		}
	}
	if len(list) == 0 {
		t.Skip("this host has no addresses")
	}
}

func TestNamesAreBounded(t *testing.T) {
	var n names
	first := netip.MustParseAddr("10.0.0.0")
	ip := first
	for range maxNames + 1 {
		n.add(ip, "a")
		ip = ip.Next()
	}
	if n.of(first) != nil || len(n.known) != maxNames || len(n.order) != maxNames {
		t.Errorf("%d addresses, first %v", len(n.known), n.of(first))
	}
	for i := range 2 * maxAliases {
		n.add(first, strings.Repeat("x", i+1))
	}
	if l := n.of(first); len(l) != maxAliases || l[maxAliases-1] != strings.Repeat("x", 2*maxAliases) {
		t.Errorf("%d names", len(l))
	}
}

// What was passed to another process can be closed there while somebody reads from it.
func TestPassedIsNonBlocking(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	b := New([]manifest.Connection{{CIDR: "127.0.0.1/32", Protocol: "tcp"}}, nil)
	defer b.Close()
	stream, e := b.Dial(netip.MustParseAddrPort(l.Addr().String()))
	if e != 0 {
		t.Fatal(e)
	}
	flow, e := b.Datagrams()
	if e != 0 {
		t.Fatal(e)
	}
	from, to, err := packet.FlowPair()
	must(t, err)
	defer from.Close()
	receiver := packet.Conn{File: to}
	defer receiver.Close()
	must(t, from.Send([]byte("x"), stream, flow))
	stream.Close()
	flow.Close()
	_, files, err := receiver.Receive()
	must(t, err)
	for i, f := range files {
		ended := make(chan error, 1)
		go func() {
			_, err := f.Read(make([]byte, 1))
			ended <- err
		}()
		time.Sleep(10 * time.Millisecond) // more often than not it reads by then
		f.Close()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Errorf("descriptor %d: to close it does not end the read", i)
		}
	}
}

func TestDial(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(c, c)
			c.Close()
		}
	}()
	var said []string
	b := New([]manifest.Connection{{CIDR: "127.0.0.0/8", Protocol: "tcp"}}, func(s string) { said = append(said, s) })
	defer b.Close()
	at := l.Addr().(*net.TCPAddr).AddrPort()
	f, e := b.Dial(at)
	if e != 0 {
		t.Fatal(e)
	}
	defer f.Close()
	_, err = f.WriteString("there and back")
	must(t, err)
	buf := make([]byte, 14)
	_, err = io.ReadFull(f, buf)
	must(t, err)
	l.Close()
	if _, e := b.Dial(at); e != linux.ECONNREFUSED {
		t.Errorf("nobody listens: %v", e)
	}
	for range 3 {
		if _, e := b.Dial(netip.MustParseAddrPort("198.51.100.1:1")); e != linux.EACCES {
			t.Errorf("no rule: %v", e)
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "198.51.100.1:1") {
		t.Errorf("said %q", said)
	}
}

// flowOf opens a flow and gives functions to send and receive.
func flowOf(t *testing.T, b *Broker) (send func(to string, data []byte), receive func() (netip.AddrPort, []byte)) {
	t.Helper()
	f, e := b.Datagrams()
	if e != 0 {
		t.Fatal(e)
	}
	c := packet.Conn{File: f}
	t.Cleanup(c.Close)
	return func(to string, data []byte) {
			_, err := c.File.Write(append(packet.AppendAddress(nil, netip.MustParseAddrPort(to)), data...))
			must(t, err)
		}, func() (netip.AddrPort, []byte) {
			buf := make([]byte, packet.Max)
			c.File.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := c.File.Read(buf)
			must(t, err)
			from, data, err := packet.CutAddress(buf[:n])
			must(t, err)
			return from, data
		}
}

func TestDatagrams(t *testing.T) {
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, from, err := l.ReadFrom(buf)
			if err != nil {
				return
			}
			l.WriteTo(buf[:n], from)
		}
	}()
	b := New([]manifest.Connection{{CIDR: "127.0.0.0/8", Protocol: "udp"}}, nil)
	defer b.Close()
	send, receive := flowOf(t, b)
	send("198.51.100.1:1", []byte("no rule: lost"))
	for _, size := range []int{0, 1, 1500, 60000} {
		data := []byte(strings.Repeat("u", size))
		send(l.LocalAddr().String(), data)
		if from, got := receive(); string(got) != string(data) || from.String() != l.LocalAddr().String() {
			t.Errorf("%d bytes: %d from %v", size, len(got), from)
		}
	}
}

// Who may not be sent to is not heard either.
func TestUnaskedDatagrams(t *testing.T) {
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	other, err := net.ListenPacket("udp4", "127.0.0.2:0")
	must(t, err)
	defer other.Close()
	b := New([]manifest.Connection{{CIDR: "127.0.0.1/32", Protocol: "udp"}}, nil)
	defer b.Close()
	send, receive := flowOf(t, b)
	send(l.LocalAddr().String(), []byte("hello"))
	buf := make([]byte, 10)
	_, at, err := l.ReadFrom(buf)
	must(t, err)
	_, err = other.WriteTo([]byte("unasked"), at)
	must(t, err)
	_, err = l.WriteTo([]byte("asked"), at)
	must(t, err)
	if _, got := receive(); string(got) != "asked" {
		t.Errorf("got %q", got)
	}
}

func question(t *testing.T, name string, typ dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}},
	}
	p, err := m.Pack()
	must(t, err)
	return p
}

func TestNameServer(t *testing.T) {
	b := New([]manifest.Connection{{Host: "*.example.org", Protocol: "tcp", Ports: []int{80}}}, nil)
	defer b.Close()
	b.resolve = func(_ context.Context, network, name string) ([]netip.Addr, error) {
		switch {
		case name == "gone.example.org.":
			return nil, &net.DNSError{IsNotFound: true}
		case name == "sick.example.org.":
			return nil, os.ErrDeadlineExceeded
		case network == "ip4":
			return []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("127.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("2001:db8::1")}, nil
	}
	send, receive := flowOf(t, b)
	for _, c := range []struct {
		name string
		typ  dnsmessage.Type
		code dnsmessage.RCode
		n    int
	}{
		{"a.Example.ORG.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 2},
		{"a.example.org.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, 1},
		{"a.example.org.", dnsmessage.TypeTXT, dnsmessage.RCodeSuccess, 0},
		{"gone.example.org.", dnsmessage.TypeA, dnsmessage.RCodeNameError, 0},
		{"sick.example.org.", dnsmessage.TypeA, dnsmessage.RCodeServerFailure, 0},
		{"example.org.", dnsmessage.TypeA, dnsmessage.RCodeRefused, 0},
		{"secret.leaks.example.com.", dnsmessage.TypeA, dnsmessage.RCodeRefused, 0},
	} {
		send("127.0.0.1:53", question(t, c.name, c.typ))
		from, data := receive()
		var m dnsmessage.Message
		must(t, m.Unpack(data))
		if from.String() != "127.0.0.1:53" || m.ID != 7 || !m.Response || m.RCode != c.code || len(m.Answers) != c.n || len(m.Questions) != 1 {
			t.Errorf("%s %v: %v from %v", c.name, c.typ, m.GoString(), from)
		}
	}
	if !b.allows("tcp", netip.MustParseAddrPort("198.51.100.1:80")) || !b.allows("tcp", netip.MustParseAddrPort("[2001:db8::1]:80")) {
		t.Log("2001:db8::/32 and 198.51.100.0/24 are for documentation, and global to Go")
		t.Error("the addresses of a name are not its addresses for the rules")
	}
	if b.allows("tcp", netip.MustParseAddrPort("127.0.0.1:80")) {
		t.Error("a name leads to the host")
	}
}

// FuzzAnswer holds that no question breaks the name server, and that what it says can be read.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 12))
	b := New([]manifest.Connection{{Host: "a", Protocol: "tcp"}}, nil)
	b.resolve = func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("198.51.100.1")}, nil
	}
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("a."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	p, _ := m.Pack()
	f.Add(p)
	f.Fuzz(func(t *testing.T, query []byte) {
		p := b.answer(query)
		if p == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(p); err != nil || !m.Response || len(p) > 512 {
			t.Errorf("%d bytes, %v", len(p), err)
		}
	})
}
