package edge

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"vkernel/internal/broker"
	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/sock"
	"vkernel/internal/vfs/hostio"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/wait"
)

// here is a broker whose other hosts are all servers of this one: 198.51.100.1 stands for 127.0.0.1, and so on.
type here struct{ *broker.Broker }

func (h here) Dial(to netip.AddrPort) (*os.File, linux.Errno) {
	ip := to.Addr().As4()
	return h.Broker.Dial(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, ip[3]}), to.Port()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func errno(t *testing.T, e linux.Errno) {
	t.Helper()
	if e != 0 {
		t.Fatal(e)
	}
}

// guest makes a stack with an edge, and a socket.
func guest(t *testing.T) (*sock.Stack, *sync.RWMutex, func(typ int) *sock.Socket) {
	t.Helper()
	b := broker.New([]manifest.Connection{{CIDR: "127.0.0.0/8", Protocol: "tcp"}}, nil)
	t.Cleanup(b.Close)
	var outside sync.RWMutex
	k := sock.NewStack(pipe.NewPool(1 << 20))
	k.UseEdge(New(here{b}, outside.RLocker()))
	return k, &outside, func(typ int) *sock.Socket {
		s := k.New(linux.AF_INET, typ, 0, sock.Who{})
		t.Cleanup(s.Close)
		return s
	}
}

// serve gives the address of a server, as the guest has it.
func serve(t *testing.T, f func(c *net.TCPConn)) sock.Address {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f(c.(*net.TCPConn))
		}
	}()
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	return sock.Address{Family: linux.AF_INET, IP: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), port)}
}

// blocking does what a guest's blocking call does.
func blocking(s *sock.Socket, mask wait.Events, f func() (int, linux.Errno)) (int, linux.Errno) {
	var none sync.Mutex
	return hostio.Retry(&none, s.Queue(), mask, f)
}

func connect(t *testing.T, s *sock.Socket, a sock.Address) linux.Errno {
	t.Helper()
	if e := s.ConnectInternet(a, false); e != linux.EAGAIN {
		return e
	}
	_, e := blocking(s, wait.Out|wait.Err, func() (int, linux.Errno) { return 0, s.Connecting() })
	return e
}

// read reads to the end.
func read(s *sock.Socket) (data []byte, e linux.Errno) {
	buf := make([]byte, 30000)
	for {
		n, e := blocking(s, wait.In, func() (int, linux.Errno) { return s.Recv(buf, &sock.Incoming{}) })
		if e != 0 || n == 0 {
			return data, e
		}
		data = append(data, buf[:n]...)
	}
}

func write(s *sock.Socket, p []byte) linux.Errno {
	for len(p) > 0 {
		n, e := blocking(s, wait.Out, func() (int, linux.Errno) { return s.Send(p, nil) })
		if e != 0 {
			return e
		}
		p = p[n:]
	}
	return 0
}

// What is sent comes back, all of it, while both directions are full; the end of one direction is passed on.
func TestEcho(t *testing.T) {
	at := serve(t, func(c *net.TCPConn) {
		io.Copy(c, c)
		c.CloseWrite()
	})
	_, _, socket := guest(t)
	s := socket(linux.SOCK_STREAM)
	errno(t, connect(t, s, at))
	if a := s.Local(); a.IP.Addr() != netip.MustParseAddr("10.0.2.15") || a.IP.Port() == 0 {
		t.Errorf("local address %v", a.IP)
	}
	if a, e := s.Peer(); e != 0 || a.IP != at.IP {
		t.Errorf("peer %v %v", a.IP, e)
	}
	sent := make([]byte, 5<<20)
	rand.Read(sent)
	var writing sync.WaitGroup
	writing.Go(func() {
		errno(t, write(s, sent))
		errno(t, s.Shutdown(linux.SHUT_WR))
	})
	got, e := read(s)
	writing.Wait()
	if e != 0 || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back, %v", len(got), e)
	}
}

func TestRefused(t *testing.T) {
	_, _, socket := guest(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	l.Close()
	s := socket(linux.SOCK_STREAM)
	a := sock.Address{Family: linux.AF_INET, IP: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), port)}
	if e := connect(t, s, a); e != linux.ECONNREFUSED {
		t.Errorf("%v", e)
	}
}

// A reset from outside is the guest's, and one by the guest reaches the other host.
func TestReset(t *testing.T) {
	ended := make(chan error, 1)
	at := serve(t, func(c *net.TCPConn) {
		buf := make([]byte, 1)
		io.ReadFull(c, buf)
		if buf[0] == 'r' {
			c.SetLinger(0)
			c.Close()
			return
		}
		c.Write([]byte("not read"))
		_, err := c.Read(buf)
		ended <- err
		c.Close()
	})
	_, _, socket := guest(t)
	s := socket(linux.SOCK_STREAM)
	errno(t, connect(t, s, at))
	errno(t, write(s, []byte("r")))
	if _, e := read(s); e != linux.ECONNRESET {
		t.Errorf("reset by the other host: %v", e)
	}
	s = socket(linux.SOCK_STREAM)
	errno(t, connect(t, s, at))
	errno(t, write(s, []byte("x")))
	blocking(s, wait.In, func() (int, linux.Errno) { return s.Recv(make([]byte, 8), &sock.Incoming{Peek: true}) })
	s.Close()
	if err := <-ended; err == nil {
		t.Error("the other host does not know that the guest has closed")
	}
}

// A pause holds the edge: nothing comes in while it lasts.
func TestPause(t *testing.T) {
	wrote := make(chan bool)
	at := serve(t, func(c *net.TCPConn) {
		<-wrote
		c.Write([]byte("late"))
		c.Close()
	})
	_, outside, socket := guest(t)
	s := socket(linux.SOCK_STREAM)
	errno(t, connect(t, s, at))
	outside.Lock()
	close(wrote)
	time.Sleep(50 * time.Millisecond)
	if n, e := s.Recv(make([]byte, 4), &sock.Incoming{}); e != linux.EAGAIN {
		t.Errorf("%d bytes in a pause, %v", n, e)
	}
	outside.Unlock()
	if got, e := read(s); string(got) != "late" || e != 0 {
		t.Errorf("%q, %v", got, e)
	}
}

// In a container that was restored connections to outside are gone.
func TestSevered(t *testing.T) {
	at := serve(t, func(c *net.TCPConn) { io.Copy(io.Discard, c) })
	k, _, socket := guest(t)
	s := socket(linux.SOCK_STREAM)
	errno(t, connect(t, s, at))
	k.Severed()
	if _, e := read(s); e != linux.ECONNRESET {
		t.Errorf("%v", e)
	}
	if e := write(s, []byte("x")); e != linux.EPIPE {
		t.Errorf("writing: %v", e)
	}
}

// The name server answers datagrams to port 53 of the loopback that nobody here takes; other ports are not its.
func TestNameServer(t *testing.T) {
	_, _, socket := guest(t)
	s := socket(linux.SOCK_DGRAM)
	query := []byte{0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1} // a.  A  IN
	to := sock.Address{Family: linux.AF_INET, IP: netip.MustParseAddrPort("127.0.0.1:53")}
	_, e := s.SendPacket(query, &sock.Outgoing{To: &to})
	errno(t, e)
	var data []byte
	in := &sock.Incoming{}
	_, e = blocking(s, wait.In, func() (n int, e linux.Errno) { data, e = s.RecvPacket(in); return len(data), e })
	errno(t, e)
	const refused = 5
	if len(data) < 12 || data[1] != 9 || data[3]&15 != refused || in.From.IP != to.IP {
		t.Errorf("answer % x from %v", data, in.From.IP)
	}
	elsewhere := sock.Address{Family: linux.AF_INET, IP: netip.MustParseAddrPort("127.0.0.1:54")}
	if e := s.ConnectInternet(elsewhere, false); e != 0 {
		t.Error(e)
	}
	s.SendPacket(query, &sock.Outgoing{})
	if _, e := s.SendPacket(query, &sock.Outgoing{}); e != linux.ECONNREFUSED {
		t.Errorf("port 54: %v", e)
	}
}

func TestUnreachable(t *testing.T) {
	_, _, socket := guest(t)
	for _, c := range []struct {
		to, local string
		want      linux.Errno
	}{
		{"224.0.0.1:9", "", linux.ENETUNREACH},
		{"255.255.255.255:9", "", linux.ENETUNREACH},
		{"10.0.2.15:9", "", linux.ENETUNREACH},
		{"198.51.100.1:9", "127.0.0.1:0", linux.EINVAL},
	} {
		s := socket(linux.SOCK_DGRAM)
		if c.local != "" {
			errno(t, s.BindInternet(sock.Address{Family: linux.AF_INET, IP: netip.MustParseAddrPort(c.local)}, true))
		}
		a := sock.Address{Family: linux.AF_INET, IP: netip.MustParseAddrPort(c.to)}
		if _, e := s.SendPacket([]byte("x"), &sock.Outgoing{To: &a}); e != c.want {
			t.Errorf("%s from %q: %v", c.to, c.local, e)
		}
	}
}
