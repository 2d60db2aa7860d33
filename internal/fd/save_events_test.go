package fd_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/sock"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/vfs/epoll"
	"vkernel/internal/vfs/eventfd"
	"vkernel/internal/vfs/inotify"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/signalfd"
	"vkernel/internal/vfs/timerfd"
	"vkernel/internal/wait"
)

var root = sock.Who{Super: true}

// anonymous installs a file without a name.
func (w *world) anonymous(t testing.TB, f vfs.File, name string) int32 {
	return w.install(t, fd.New(f, anon.Path("anon_inode:["+name+"]"), linux.O_RDWR))
}

func (w *world) socket(t testing.TB, s *sock.Socket) int32 {
	return w.install(t, fd.New(s, s.Path(), linux.O_RDWR))
}

func (w *world) sock(t testing.TB, n int32) *sock.Socket {
	s, ok := w.get(t, n).File().(*sock.Socket)
	if !ok {
		t.Fatalf("descriptor %d is no socket", n)
	}
	return s
}

// ready lists the data of the items of a set that are ready.
func (w *world) ready(t testing.TB, n int32) string {
	t.Helper()
	p := make([]byte, 64*linux.SizeofEpollEvent)
	var k int64
	w.get(t, n).File().(*epoll.Set).Take(nil, p, 64, &k)
	var out []string
	for i := range k {
		ev := p[i*linux.SizeofEpollEvent:]
		out = append(out, fmt.Sprintf("%d:%x", binary.LittleEndian.Uint32(ev[4:]), binary.LittleEndian.Uint32(ev)))
	}
	return strings.Join(out, " ")
}

// TestSaveEpoll: sets in sets, over pipes, sockets, counters, with edges that were told and others that were not.
func TestSaveEpoll(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	set, inner := w.anonymous(t, epoll.New(w), "eventpoll"), w.anonymous(t, epoll.New(w), "eventpoll")
	add := func(in, n int32, events uint32) {
		ev := linux.EpollEvent{Events: events, Data: [2]uint32{uint32(n), 0}}
		check(t, "epoll_ctl", w.get(t, in).File().(*epoll.Set).Control(linux.EPOLL_CTL_ADD, w.get(t, n), n, ev, nil))
	}
	count := w.anonymous(t, eventfd.New(3, true), "eventfd")
	edge := w.anonymous(t, eventfd.New(1, false), "eventfd")
	once := w.anonymous(t, eventfd.New(1, false), "eventfd")
	rd, wr, at := pipe.New(w.pool, linux.Stat{})
	r, p := w.install(t, fd.New(rd, at, linux.O_RDONLY)), w.install(t, fd.New(wr, at, linux.O_WRONLY))
	add(set, count, uint32(wait.In))
	add(set, edge, uint32(wait.In)|linux.EPOLLET)
	add(set, once, uint32(wait.In)|linux.EPOLLONESHOT)
	add(set, inner, uint32(wait.In))
	add(inner, r, uint32(wait.In))
	if got := w.ready(t, set); strings.Count(got, ":") != 3 {
		t.Fatalf("before: %s", got)
	}

	x := reload(t, w)
	for _, w := range []*world{w, x} {
		if got, want := w.ready(t, set), fmt.Sprintf("%d:1", count); got != want {
			t.Errorf("ready: %s, want %s", got, want)
		}
		w.write(t, p, "in the pipe")
		w.get(t, edge).Write(binary.LittleEndian.AppendUint64(nil, 1))
		w.get(t, once).Write(binary.LittleEndian.AppendUint64(nil, 1))
	}
	if a, b := w.ready(t, set), x.ready(t, set); a != b || strings.Count(b, ":") != 3 {
		t.Errorf("ready %s, and %s where it was not saved", b, a)
	}
	if got := x.ready(t, inner); got != fmt.Sprintf("%d:1", r) {
		t.Errorf("the inner set: %s", got)
	}
	info := func(w *world) string {
		lines := strings.Split(string(w.get(t, set).File().(vfs.Informer).Info()), "\n")
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	if info(w) != info(x) {
		t.Errorf("%s, was %s", info(x), info(w))
	}
	x.table.Close(count)
	if strings.Contains(info(x), fmt.Sprintf("tfd: %8d", count)) {
		t.Error("a closed descriptor stays in the set")
	}
}

// TestSaveTimersAndSignals: timerfd, signalfd, eventfd and a pipe with bytes.
func TestSaveTimersAndSignals(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	w.now = 5 * time.Second
	f := timerfd.New(w, linux.CLOCK_MONOTONIC)
	f.Set(timerfd.Setting{Value: 2 * time.Second, Interval: 3 * time.Second}, 0)
	timer := w.anonymous(t, f, "timerfd")
	count := w.anonymous(t, eventfd.New(42, false), "eventfd")
	sig := w.anonymous(t, signalfd.New(signal.Set(1<<(linux.SIGUSR1-1))), "signalfd")
	rd, wr, at := pipe.New(w.pool, linux.Stat{})
	r, p := w.install(t, fd.New(rd, at, linux.O_RDONLY)), w.install(t, fd.New(wr, at, linux.O_WRONLY))
	w.write(t, p, strings.Repeat("bytes ", 5000))
	fifo := w.populateFIFO(t)

	x := reload(t, w)
	for _, n := range []int32{timer, sig} {
		a, b := w.get(t, n).File().(vfs.Informer).Info(), x.get(t, n).File().(vfs.Informer).Info()
		if string(a) != string(b) {
			t.Errorf("%s, was %s", b, a)
		}
	}
	x.now = 13 * time.Second // expired at 7, 10 and 13
	if got := x.reads(t, timer); got != "\x03\x00\x00\x00\x00\x00\x00\x00" {
		t.Errorf("the timer has expired %q times", got)
	}
	if got := x.reads(t, count); got != "\x2a\x00\x00\x00\x00\x00\x00\x00" {
		t.Errorf("the counter is %q", got)
	}
	n := 0
	for got := x.reads(t, r); got != linux.EAGAIN.Error(); got = x.reads(t, r) {
		n += len(got)
	}
	if n != 30_000 {
		t.Errorf("the pipe had %d bytes", n)
	}
	if got := x.reads(t, fifo); got != "through a name" {
		t.Errorf("the FIFO has %q", got)
	}
	again := x.open(t, "/fifo", linux.O_WRONLY|linux.O_NONBLOCK)
	x.write(t, again, "opened anew")
	if got := x.reads(t, fifo); got != "opened anew" {
		t.Errorf("the FIFO has %q", got)
	}
}

// populateFIFO opens a FIFO for reading, and puts something into it.
func (w *world) populateFIFO(t testing.TB) int32 {
	check(t, "fifo", w.ctx.Mknod(vfs.Path{}, "/fifo", linux.S_IFIFO|0o600, 0))
	r := w.open(t, "/fifo", linux.O_RDONLY|linux.O_NONBLOCK)
	p := w.open(t, "/fifo", linux.O_WRONLY)
	w.write(t, p, "through a name")
	return r
}

// TestSaveInotify: watches on files and on the directory of /proc, and events that nobody has read.
func TestSaveInotify(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	w.populate(t)
	f, e := inotify.New(w, w.ns)
	check(t, "inotify", e)
	n := w.anonymous(t, f, "inotify")
	at, e := w.ctx.Watchable("/d", 0, true)
	check(t, "watch", e)
	_, e = f.Watch(at.Node(), linux.IN_ALL_EVENTS)
	check(t, "watch", e)
	w.table.Close(w.open(t, "/d/new", linux.O_CREAT|linux.O_WRONLY))

	x := reload(t, w)
	for _, w := range []*world{w, x} {
		check(t, "rename", w.ctx.Rename(vfs.Path{}, "/d/new", vfs.Path{}, "/d/newer", 0))
	}
	if a, b := w.reads(t, n), x.reads(t, n); a != b || !strings.Contains(b, "newer") {
		t.Errorf("events\n%q, and\n%q where it was not saved", b, a)
	}
}

// TestSaveSockets: pairs with bytes and descriptors in flight, a listener on a name with a line, TCP, UDP.
func TestSaveSockets(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	// A pair: in flight are a file with an offset, and the pair's other end.
	a, b := w.stack.Pair(linux.SOCK_STREAM, root)
	x, y := w.socket(t, a), w.socket(t, b)
	file := w.open(t, "/f", linux.O_CREAT|linux.O_RDWR)
	w.write(t, file, "0123456789")
	out := sock.Outgoing{Control: sock.Control{Files: []*fd.Description{w.get(t, file).Ref(), w.get(t, y).Ref()}}}
	check(t, "fly", w.stack.Fly(&out.Control, 0, true, 0))
	if n, e := a.Send([]byte("with files"), &out); n != 10 || e != 0 {
		t.Fatal(n, e)
	}
	w.table.Close(file)
	// A listener on a name, with two that wait, one of which has sent something.
	l := w.stack.New(linux.AF_UNIX, linux.SOCK_STREAM, 0, root)
	check(t, "mknod", w.ctx.Mknod(vfs.Path{}, "/name", linux.S_IFSOCK|0o666, 0))
	at, e := w.ctx.Lookup(vfs.Path{}, "/name", 0)
	check(t, "lookup", e)
	check(t, "bind", l.BindPath(sock.Address{Family: linux.AF_UNIX, Unix: "/name"}, at.Node().(vfs.Special)))
	check(t, "listen", l.Listen(5, root))
	listening := w.socket(t, l)
	var clients []int32
	for i := range 2 {
		c := w.stack.New(linux.AF_UNIX, linux.SOCK_STREAM, 0, root)
		check(t, "connect", c.ConnectUnix(l, root))
		if n, e := c.Send(fmt.Appendf(nil, "client %d", i), nil); n != 8 || e != 0 {
			t.Fatal(n, e)
		}
		clients = append(clients, w.socket(t, c))
	}

	r := reload(t, w)
	if r.stack.Flying() != 2 {
		t.Errorf("%d descriptors are in flight", r.stack.Flying())
	}
	p, in := make([]byte, 20), sock.Incoming{}
	n, e := r.sock(t, y).Recv(p, &in)
	if string(p[:n]) != "with files" || e != 0 || len(in.Files) != 2 {
		t.Fatalf("%q %v with %d files", p[:n], e, len(in.Files))
	}
	r.stack.Land(&in.Control)
	if in.Files[1] != r.get(t, y) {
		t.Error("the socket that was sent is another one")
	}
	in.Files[1].Unref()
	got := r.install(t, in.Files[0])
	if d := r.get(t, got); d.Offset() != 10 || d.Refs() != 1 {
		t.Errorf("the file that was sent is at %d, with %d references", d.Offset(), d.Refs())
	}
	found, e := r.ctx.Lookup(vfs.Path{}, "/name", 0)
	check(t, "lookup", e)
	if s, ok := found.Node().(vfs.Special).Attached(nil).(*sock.Socket); !ok || s != r.sock(t, listening) {
		t.Error("the name leads to another socket")
	}
	late := r.stack.New(linux.AF_UNIX, linux.SOCK_STREAM, 0, root)
	check(t, "connect", late.ConnectUnix(r.sock(t, listening), root))
	for i := range 2 {
		c, e := r.sock(t, listening).Accept()
		check(t, "accept", e)
		n, e := c.Recv(p, &sock.Incoming{})
		if want := fmt.Sprintf("client %d", i); string(p[:n]) != want || e != 0 {
			t.Errorf("accepted %q %v, want %s", p[:n], e, want)
		}
		c.Send([]byte("answer"), nil)
		if got := r.reads(t, clients[i]); got != "answer" {
			t.Errorf("the client got %q", got)
		}
	}
	r.table.Close(x)
	if e := r.sock(t, y).Poll(); e&wait.Hup == 0 {
		t.Errorf("the other end of a pair that was closed has %x", e)
	}
}

// TestSaveInternet: TCP that is connected, with bytes both ways and one way shut, and datagrams in a queue.
func TestSaveInternet(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	l := w.stack.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
	loopback := sock.Address{Family: linux.AF_INET, IP: netip.MustParseAddrPort("127.0.0.1:0")}
	check(t, "bind", l.BindInternet(loopback, true))
	check(t, "listen", l.Listen(2, root))
	c := w.stack.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
	if e := c.ConnectInternet(l.Local(), true); e != linux.EINPROGRESS && e != 0 {
		t.Fatal(e)
	}
	a, e := l.Accept()
	check(t, "accept", e)
	listening, client, server := w.socket(t, l), w.socket(t, c), w.socket(t, a)
	w.write(t, client, "request")
	w.write(t, server, "answer")
	check(t, "shutdown", a.Shutdown(linux.SHUT_WR))
	from, to := w.stack.New(linux.AF_INET, linux.SOCK_DGRAM, linux.IPPROTO_UDP, root), w.stack.New(linux.AF_INET, linux.SOCK_DGRAM, linux.IPPROTO_UDP, root)
	check(t, "bind", from.BindInternet(loopback, true))
	check(t, "bind", to.BindInternet(loopback, true))
	place := to.Local()
	sender, receiver := w.socket(t, from), w.socket(t, to)
	for _, text := range []string{"first", "second", ""} {
		if _, e := from.SendPacket([]byte(text), &sock.Outgoing{To: &place}); e != 0 {
			t.Fatal(e)
		}
	}

	r := reload(t, w)
	if got := r.reads(t, server); got != "request" {
		t.Errorf("the server reads %q", got)
	}
	if got := r.reads(t, client) + r.reads(t, client); got != "answer" { // and then the end
		t.Errorf("the client reads %q", got)
	}
	r.write(t, client, "more")
	if got := r.reads(t, server); got != "more" {
		t.Errorf("the server reads %q", got)
	}
	for _, want := range []string{"first", "second", "", "third"} {
		if want == "third" {
			place := r.sock(t, receiver).Local()
			r.sock(t, sender).SendPacket([]byte(want), &sock.Outgoing{To: &place})
		}
		var in sock.Incoming
		got, e := r.sock(t, receiver).RecvPacket(&in)
		if string(got) != want || e != 0 || in.From.IP != r.sock(t, sender).Local().IP {
			t.Errorf("datagram %q from %v, %v; want %q", got, in.From, e, want)
		}
	}
	other := r.stack.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
	if e := other.BindInternet(r.sock(t, listening).Local(), true); e != linux.EADDRINUSE {
		t.Errorf("a second listener on the port: %v", e)
	}
	r.table.Close(listening)
	check(t, "shutdown", r.sock(t, client).Shutdown(linux.SHUT_WR))
	if got := r.reads(t, server); got != "" {
		t.Errorf("after the end the server reads %q", got)
	}
}
