package sock

import (
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs/pipe"
)

// reload saves a stack and loads it, twice: what is loaded has to be saved as the same bytes.
func reload(t *testing.T, k *Stack) *Stack {
	t.Helper()
	save := func(k *Stack) []byte {
		e := state.NewEncoder(Types, time.Now(), nil)
		e.External("pool", k.pool)
		b, err := e.Save(k)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := save(k)
	d := state.NewDecoder(Types, time.Now(), nil)
	d.External("pool", pipe.NewPool(1<<20))
	o, err := d.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	again := o.(*Stack)
	if string(save(again)) != string(b) {
		t.Error("what was loaded is saved as other bytes")
	}
	return again
}

// byPort finds the socket of a stack that has a peer, or listens, at a port.
func byPort(k *Stack, port uint16) *Socket {
	for s := range k.all {
		if s.local.IP.Port() == port && !s.accepted {
			return s
		}
	}
	return nil
}

// TestSave: connections go on after they were saved and loaded, accepted or not, with what is in them.
func TestSave(t *testing.T) {
	k := newStack()
	l, to := listener(t, k, 1)
	var clients []uint16
	for range 3 { // the third waits for room in the line
		s := k.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
		s.SetOption(linux.IPPROTO_TCP, linux.TCP_NODELAY, num(1))
		if e := s.ConnectInternet(to, true); e != linux.EINPROGRESS {
			t.Fatal(e)
		}
		s.Send([]byte("hello"), nil)
		clients = append(clients, s.Local().IP.Port())
	}
	a, b := k.Pair(linux.SOCK_DGRAM, root)
	a.SendPacket([]byte("packet"), &Outgoing{})
	name := Address{Family: linux.AF_UNIX, Unix: "\x00name"}
	b.BindAbstract(name)

	r := reload(t, k)
	rl := byPort(r, l.Local().IP.Port())
	if !rl.Listening() {
		t.Fatal("the listener does not listen")
	}
	for i := range 3 {
		c, e := rl.Accept()
		if e != 0 {
			t.Fatal(e)
		}
		s := byPort(r, clients[i])
		p := make([]byte, 10)
		if i < 2 {
			if n, e := c.Recv(p, &Incoming{}); n != 5 || e != 0 || string(p[:n]) != "hello" {
				t.Errorf("client %d: %q, %v", i, p[:n], e)
			}
		}
		if n, e := c.Send([]byte("back"), nil); n != 4 || e != 0 {
			t.Error(n, e)
		}
		if n, e := s.Recv(p, &Incoming{}); n != 4 || e != 0 {
			t.Error(n, e)
		}
		if v, e := s.Option(linux.IPPROTO_TCP, linux.TCP_NODELAY); e != 0 || v[0] != 1 {
			t.Error("an option was lost")
		}
		c.Close()
		if n, e := s.Recv(p, &Incoming{}); n != 0 || e != 0 {
			t.Errorf("at the end: %d, %v", n, e)
		}
	}
	rb := r.Abstract(&name)
	if rb == nil {
		t.Fatal("the abstract name was lost")
	}
	if data, e := rb.RecvPacket(&Incoming{}); e != 0 || string(data) != "packet" {
		t.Errorf("%q, %v", data, e)
	}
	other := r.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
	if e := other.BindInternet(rl.Local(), true); e != linux.EADDRINUSE {
		t.Errorf("the port is free: %v", e)
	}
	for s := range r.all {
		s.Close()
	}
	if len(r.all) != 0 || len(r.tcp.used) != 0 || len(r.abstract) != 0 || r.pool.Used() != 0 {
		t.Errorf("left: %d sockets, %d ports, %d bytes", len(r.all), len(r.tcp.used), r.pool.Used())
	}
}
