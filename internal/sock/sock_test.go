package sock

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/wait"
)

var (
	_ vfs.Stream  = (*Socket)(nil)
	_ vfs.Ioctler = (*Socket)(nil)
	_ vfs.Special = (*node)(nil)
)

var root = Who{Ucred: linux.Ucred{PID: 1}, Super: true}

func newStack() *Stack { return NewStack(pipe.NewPool(64 << 20)) }

func inet(port uint16) Address {
	return Address{Family: linux.AF_INET, IP: netip.AddrPortFrom(loopback4, port)}
}

// listener makes a listening TCP socket and its address.
func listener(t testing.TB, k *Stack, backlog int) (*Socket, Address) {
	l := k.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
	if e := l.BindInternet(inet(0), true); e != 0 {
		t.Fatal(e)
	}
	if e := l.Listen(backlog, root); e != 0 {
		t.Fatal(e)
	}
	return l, l.Local()
}

// until does try until it is not EAGAIN, as the system call layer does.
func until(q *wait.Queue, mask wait.Events, try func() linux.Errno) linux.Errno {
	w := wait.New()
	var entry wait.Entry
	q.Add(&entry, w, mask)
	defer entry.Remove()
	for {
		if e := try(); e != linux.EAGAIN {
			return e
		}
		w.Sleep(-1)
	}
}

// TestNothingStays: whatever happens to sockets, once they are closed nothing is left.
func TestNothingStays(t *testing.T) {
	k := newStack()
	l, to := listener(t, k, 1)
	var socks []*Socket
	for range 6 { // two in the line, the rest in the second one
		s := k.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
		if e := s.ConnectInternet(to, true); e != linux.EINPROGRESS {
			t.Fatal(e)
		}
		socks = append(socks, s)
		s.Send([]byte("early"), nil)
	}
	c, e := l.Accept()
	if e != 0 {
		t.Fatal(e)
	}
	if socks[2].Connecting() != 0 || socks[3].Connecting() != linux.EAGAIN {
		t.Error("accept lets one in that waits, and only one")
	}
	var in Incoming
	p := make([]byte, 10)
	if n, e := c.Recv(p, &in); n != 5 || e != 0 {
		t.Error(n, e)
	}
	l.Close()
	if e := socks[5].Connecting(); e != linux.ECONNREFUSED {
		t.Errorf("connecting to what was closed: %v", e)
	}
	c.Close()
	for _, s := range socks {
		s.Close()
	}
	a, b := k.Pair(linux.SOCK_DGRAM, root)
	a.SendPacket([]byte("x"), &Outgoing{})
	a.Close()
	b.Close()
	if len(k.all) != 0 || len(k.tcp.used) != 0 || k.pool.Used() != 0 || k.Flying() != 0 {
		t.Errorf("left: %d sockets, %d ports, %d bytes, %d descriptors", len(k.all), len(k.tcp.used), k.pool.Used(), k.Flying())
	}
}

// TestBytesArrive: everything written is read, in order, through a buffer of any size.
func TestBytesArrive(t *testing.T) {
	k := newStack()
	a, b := k.Pair(linux.SOCK_STREAM, root)
	a.SetOption(linux.SOL_SOCKET, linux.SO_SNDBUF, num(5000))
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i * 7 / 3)
	}
	go func() {
		for p, size := want, 1; len(p) > 0; size = size*3%9001 + 1 {
			var n int
			until(a.Queue(), wait.Out, func() (e linux.Errno) {
				n, e = a.Send(p[:min(size, len(p))], nil)
				return e
			})
			p = p[n:]
		}
		a.Close()
	}()
	var got bytes.Buffer
	buf := make([]byte, 5000)
	for size := 1; ; size = size*5%4999 + 1 {
		var n int
		e := until(b.Queue(), wait.In, func() (e linux.Errno) {
			n, e = b.Recv(buf[:size], &Incoming{})
			return e
		})
		if e != 0 || n == 0 {
			break
		}
		got.Write(buf[:n])
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d of %d bytes arrived, or others", got.Len(), len(want))
	}
}

// file is a description of a socket, with one reference.
func file(s *Socket) *fd.Description { return fd.New(s, s.Path(), linux.O_RDWR) }

// send sends descriptions through a socket; their references stay the caller's.
func send(t testing.TB, k *Stack, s *Socket, files ...*fd.Description) bool {
	o := Outgoing{}
	for _, d := range files {
		o.Files = append(o.Files, d.Ref())
	}
	if e := k.Fly(&o.Control, 0, true, 1024); e != 0 {
		for _, d := range o.Files {
			d.Unref()
		}
		return false
	}
	n, e := s.Send([]byte("x"), &o)
	if e != 0 || n != 1 {
		k.Drop(&o.Control)
	}
	return n == 1
}

// TestCycles: sockets that lie in each other's buffers, in any shape, are found once nobody
// else has them; what somebody has stays.
func TestCycles(t *testing.T) {
	for seed := range uint64(300) {
		k := newStack()
		r := rand.New(rand.NewPCG(seed, 1))
		var files []*fd.Description
		for range 2 + r.IntN(6) {
			a, b := k.Pair(linux.SOCK_STREAM, root)
			files = append(files, file(a), file(b))
		}
		for range r.IntN(40) {
			send(t, k, unixSocket(files[r.IntN(len(files))]), files[r.IntN(len(files))])
		}
		keep := r.IntN(len(files))
		for i, d := range files {
			if i != keep {
				d.Unref()
			}
		}
		k.collect()
		reach := map[*Socket]bool{}
		closure(unixSocket(files[keep]), reach)
		for s := range reach {
			if s.state == closed {
				t.Fatalf("seed %d: a socket that can be reached was closed", seed)
			}
		}
		files[keep].Unref()
		k.collect()
		if len(k.all) != 0 || k.Flying() != 0 || k.pool.Used() != 0 {
			t.Fatalf("seed %d: %d sockets, %d descriptors, %d bytes are left", seed, len(k.all), k.Flying(), k.pool.Used())
		}
	}
}

// closure lists what can be received from a socket, and so on.
func closure(s *Socket, reach map[*Socket]bool) {
	if reach[s] {
		return
	}
	reach[s] = true
	var next []*Socket
	s.eachFileLocked(func(d *fd.Description) { next = append(next, unixSocket(d)) })
	for _, n := range next {
		closure(n, reach)
	}
}

// TestCyclesRace: threads that send, receive and close sockets while others collect lose none
// that they still have.
func TestCyclesRace(t *testing.T) {
	k := newStack()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 2))
			for range 400 {
				a, b := k.Pair(linux.SOCK_STREAM, root)
				fa, fb := file(a), file(b)
				c, d := k.Pair(linux.SOCK_STREAM, root)
				fc, fd := file(c), file(d)
				sent := send(t, k, a, fc, fb) && send(t, k, c, fc)
				fc.Unref()
				if r.IntN(2) == 0 {
					k.collect()
				}
				var in Incoming
				if n, e := b.Recv(make([]byte, 1), &in); sent && (n != 1 || e != 0 || len(in.Files) != 2) {
					t.Errorf("received %d, %v, %d descriptors", n, e, len(in.Files))
				}
				k.Land(&in.Control)
				for _, x := range in.Files {
					if unixSocket(x).state == closed {
						t.Error("what was received is closed")
					}
					x.Unref()
				}
				fa.Unref()
				fb.Unref()
				fd.Unref()
			}
		})
	}
	wg.Wait()
	k.collect()
	if len(k.all) != 0 || k.Flying() != 0 {
		t.Errorf("%d sockets and %d descriptors are left", len(k.all), k.Flying())
	}
}

// TestTooMany: flight is bounded, and what was refused is not counted.
func TestTooMany(t *testing.T) {
	k := newStack()
	a, b := k.Pair(linux.SOCK_STREAM, root)
	f := file(k.New(linux.AF_INET, linux.SOCK_DGRAM, 0, root))
	a.SetOption(linux.SOL_SOCKET, linux.SO_SNDBUF, num(1<<20))
	c := Control{}
	for range 200 {
		c.Files = append(c.Files, f)
	}
	n := 0
	for ; k.Fly(&c, 7, false, 1000) == 0; n++ {
	}
	if n != 6 || k.Flying() != 1200 {
		t.Errorf("%d messages, %d in flight", n, k.Flying())
	}
	if e := k.Fly(&c, 0, true, 1000); e != 0 {
		t.Errorf("root: %v", e)
	}
	for ; k.Fly(&c, 0, true, 1000) == 0; n++ {
	}
	if k.Flying() > maxFlying {
		t.Errorf("%d in flight", k.Flying())
	}
	a.Close()
	b.Close()
}

// TestRace has threads use and end the same sockets in every way at once.
func TestRace(t *testing.T) {
	k := newStack()
	for round := range 60 {
		l, to := listener(t, k, 2)
		ends := []*Socket{l}
		for range 3 {
			ends = append(ends, k.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root))
		}
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				p := make([]byte, 3000)
				for range 60 {
					s := ends[r.IntN(len(ends))]
					switch r.IntN(9) {
					case 0:
						s.ConnectInternet(to, r.IntN(2) == 0)
					case 1:
						if c, e := s.Accept(); e == 0 {
							c.Send(p, nil)
							c.Close()
						}
					case 2:
						s.Send(p, nil)
					case 3:
						s.Recv(p, &Incoming{Peek: r.IntN(2) == 0})
					case 4:
						s.Poll()
						s.Peer()
						s.Local()
					case 5:
						s.Option(linux.IPPROTO_TCP, linux.TCP_INFO)
						s.Option(linux.SOL_SOCKET, linux.SO_ERROR)
					case 6:
						s.Shutdown(r.IntN(3))
					case 7:
						s.SetOption(linux.SOL_SOCKET, linux.SO_RCVBUF, num(int32(r.IntN(100000))))
					case 8:
						if r.IntN(4) == 0 {
							s.ConnectInternet(Address{}, false)
						}
					}
				}
			})
		}
		wg.Wait()
		for _, s := range ends {
			s.Close()
		}
	}
	if len(k.all) != 0 || len(k.tcp.used) != 0 || k.pool.Used() != 0 {
		t.Errorf("left: %d sockets, %d ports, %d bytes", len(k.all), len(k.tcp.used), k.pool.Used())
	}
}

// TestPorts runs out of ephemeral ports, and finds them again.
func TestPorts(t *testing.T) {
	k := newStack()
	var all []*Socket
	for {
		s := k.New(linux.AF_INET, linux.SOCK_DGRAM, linux.IPPROTO_UDP, root)
		all = append(all, s)
		if e := s.BindInternet(inet(0), false); e != 0 {
			if e != linux.EADDRINUSE || len(all) != lastEphemeral-firstEphemeral+2 {
				t.Errorf("%v after %d", e, len(all))
			}
			break
		}
	}
	s := k.New(linux.AF_INET, linux.SOCK_DGRAM, linux.IPPROTO_UDP, root)
	if e := s.BindInternet(inet(80), false); e != linux.EACCES {
		t.Errorf("port 80: %v", e)
	}
	all[7].Close()
	if e := s.BindInternet(inet(0), false); e != 0 {
		t.Errorf("a port that is free again: %v", e)
	}
}

// TestRoom: a container cannot have more sockets than it may, in lines of listeners neither.
func TestRoom(t *testing.T) {
	k := newStack()
	_, to := listener(t, k, 10)
	s := k.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
	for len(k.all) < maxSockets {
		k.all[new(Socket)] = struct{}{}
	}
	if e := k.Room(1); e != linux.ENFILE {
		t.Errorf("one more: %v", e)
	}
	if e := s.ConnectInternet(to, false); e != linux.ECONNREFUSED || len(k.all) != maxSockets {
		t.Errorf("one more by connecting: %v, %d", e, len(k.all))
	}
	s.Close()
	if e := k.Room(1); e != 0 {
		t.Errorf("after a close: %v", e)
	}
}

// FuzzParse: no sockaddr makes the parser fail, and what it gives can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add(1, []byte("\x01\x00/a/b\x00junk"))
	f.Add(1, []byte("\x01\x00\x00abstract"))
	f.Add(2, []byte("\x02\x00\x00\x50\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(10, append([]byte("\x0a\x00\x00\x50\x00\x00\x00\x00"), make([]byte, 20)...))
	f.Fuzz(func(t *testing.T, domain int, p []byte) {
		a, e := Parse(domain, p)
		if e != 0 {
			return
		}
		if a.Family == linux.AF_UNSPEC || domain != linux.AF_UNIX && domain != linux.AF_INET && domain != linux.AF_INET6 {
			return
		}
		again, e := Parse(domain, a.Encode())
		if e == linux.EINVAL && domain == linux.AF_UNIX && len(a.Unix) == linux.UNIX_PATH {
			return // the NUL does not fit
		}
		if e != 0 || again != a {
			t.Errorf("%+v became %+v, %v", a, again, e)
		}
	})
}
