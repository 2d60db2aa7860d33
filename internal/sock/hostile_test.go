package sock

import (
	"sync"
	"testing"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/wait"
)

// pair makes a UNIX stream and a description of each end.
func pair(k *Stack) (a, b *fd.Description) {
	x, y := k.Pair(linux.SOCK_STREAM, root)
	return file(x), file(y)
}

// sendAs sends n bytes with one file through a stream as a user that is not root.
func sendAs(t *testing.T, k *Stack, d, sent *fd.Description, n int, uid uint32) {
	t.Helper()
	o := Outgoing{Control: Control{Files: []*fd.Description{sent.Ref()}}}
	if e := k.Fly(&o.Control, uid, false, 10); e != 0 {
		t.Fatalf("fly: %v", e)
	}
	if got, e := unixSocket(d).Send(make([]byte, n), &o); e != 0 || got != n {
		t.Fatalf("send: %d, %v", got, e)
	}
}

// What a user has in flight is given back to the same user when it lands.
func TestFlightBelongsToSender(t *testing.T) {
	k := newStack()
	a, b := pair(k)
	for range 100 {
		sendAs(t, k, a, a, 1, 1000)
		var in Incoming
		if n, e := unixSocket(b).Recv(make([]byte, 9), &in); n != 1 || e != 0 || len(in.Files) != 1 {
			t.Fatalf("%d bytes, %v, %d files", n, e, len(in.Files))
		}
		k.Drop(&in.Control)
	}
	if len(k.rights.users) != 0 {
		t.Errorf("in flight: %v", k.rights.users)
	}
	a.Unref()
	b.Unref()
}

// A call that reads in several pieces gives the files of one message and loses none.
func TestPiecesOfMessages(t *testing.T) {
	for _, peek := range []bool{false, true} {
		k := newStack()
		a, b := pair(k)
		x, y := pair(k)
		sendAs(t, k, a, x, 10, 1000)
		sendAs(t, k, a, y, 10, 1000)
		in := Incoming{Peek: peek}
		total := 0
		for _, size := range []int{5, 100} {
			n, e := unixSocket(b).Recv(make([]byte, size), &in)
			if e != 0 {
				t.Fatal(e)
			}
			total += n
		}
		if total != 10 || !in.Ended || len(in.Files) != 1 || in.Files[0] != x {
			t.Errorf("peek %v: %d bytes, ended %v, %d files", peek, total, in.Ended, len(in.Files))
		}
		for _, d := range in.Files {
			if d.Unref(); !peek {
				k.Land(&Control{Files: []*fd.Description{d}, user: in.user})
			}
		}
		for _, d := range []*fd.Description{a, b, x, y} {
			d.Unref()
		}
		if k.collect(); len(k.all) != 0 || k.Flying() != 0 {
			t.Errorf("peek %v: %d sockets, %d descriptors are left", peek, len(k.all), k.Flying())
		}
	}
}

// Another thread that reads what is left of the message ends the call.
func TestPiecesOfMessagesRace(t *testing.T) {
	k := newStack()
	a, b := pair(k)
	sendAs(t, k, a, a, 10, 1000)
	sendAs(t, k, a, a, 10, 1000)
	var in, other Incoming
	unixSocket(b).Recv(make([]byte, 5), &in)
	unixSocket(b).Recv(make([]byte, 5), &other)
	if n, e := unixSocket(b).Recv(make([]byte, 50), &in); n != 0 || e != 0 || !in.Ended {
		t.Errorf("%d, %v, %v", n, e, in.Ended)
	}
	k.Drop(&in.Control)
	a.Unref()
	b.Unref()
	if k.collect(); len(k.all) != 0 || k.Flying() != 0 || k.pool.Used() != 0 {
		t.Errorf("%d sockets, %d descriptors, %d bytes are left", len(k.all), k.Flying(), k.pool.Used())
	}
}

// What is written while the other side closes does not stay in a buffer that nobody has.
func TestWriteDuringClose(t *testing.T) {
	k := newStack()
	for i := range 3000 {
		a, b := pair(k)
		if i%3 == 0 {
			l, to := listener(t, k, 1)
			c := k.New(linux.AF_INET, linux.SOCK_STREAM, linux.IPPROTO_TCP, root)
			if e := c.ConnectInternet(to, false); e != 0 {
				t.Fatal(e)
			}
			d, _ := l.Accept()
			a, b = file(c), file(d)
			l.Close()
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				if _, e := a.File().(*Socket).Send([]byte("xyz"), nil); e != 0 {
					return
				}
			}
		})
		wg.Go(b.Unref)
		wg.Wait()
		a.Unref()
	}
	if k.pool.Used() != 0 {
		t.Errorf("%d bytes are left", k.pool.Used())
	}
}

// A writer who waits because memory allows only a small ring is told when it is empty.
func TestSmallRing(t *testing.T) {
	k := NewStack(pipe.NewPool(smallest))
	a, b := k.Pair(linux.SOCK_STREAM, root)
	for {
		if _, e := a.Send(make([]byte, 1000), nil); e == linux.EAGAIN {
			break
		}
	}
	told := make(chan linux.Errno)
	started := false
	go func() {
		told <- until(&a.queue, wait.Out, func() linux.Errno {
			_, e := a.Send([]byte("x"), nil)
			if !started {
				started = true
				go b.Recv(make([]byte, 5000), new(Incoming))
				return linux.EAGAIN
			}
			return e
		})
	}()
	if e := <-told; e != 0 {
		t.Error(e)
	}
	a.Close()
	b.Close()
}
