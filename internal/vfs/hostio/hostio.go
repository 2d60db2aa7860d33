// Package hostio connects a container's standard streams with files of the host that are
// not terminals, and a container's console with the host's terminal.
//
// # Model
//
// The guest has an end of a pipe, the kernel the other, and a goroutine per stream moves
// the bytes: only it waits for the host. What the guest has written reaches the host in
// order; the copy ends when the guest's last descriptor is closed and all is written.
// Nothing is read from the host before the guest asks for input. Each operation on an object of the container
// is done with `outside` locked, which a pause of the container holds.
package hostio

import (
	"io"
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wait"
)

// Input makes a stream that gives the guest what r reads.
func Input(pool *pipe.Pool, outside sync.Locker, r io.Reader) (*pipe.End, vfs.Path) {
	end, w, path := pipe.New(pool, linux.Stat{})
	end.Pipe().OnDemand(func() {
		go func() {
			pump(r, outside, w)
			outside.Lock()
			defer outside.Unlock()
			w.Close()
		}()
	})
	return end, path
}

// pump writes what r reads to the guest, until either side ends.
func pump(r io.Reader, outside sync.Locker, w *pipe.End) {
	buf := make([]byte, pipe.PageSize)
	for {
		n, err := r.Read(buf)
		if !send(outside, w, buf[:n], wait.Out) || err != nil {
			return
		}
	}
}

// send writes all of p and waits for room. It reports whether the reader is still there.
func send(outside sync.Locker, w vfs.File, p []byte, mask wait.Events) bool {
	for len(p) > 0 {
		n, e := retry(outside, w.Queue(), mask, func() (int, linux.Errno) { return w.Write(p, 0) })
		if e != 0 {
			return false
		}
		p = p[n:]
	}
	return true
}

// retry does try until it is not EAGAIN, each time with outside locked: not while the container is paused.
func retry(outside sync.Locker, q *wait.Queue, mask wait.Events, try func() (int, linux.Errno)) (int, linux.Errno) {
	once := func() (int, linux.Errno) {
		outside.Lock()
		defer outside.Unlock()
		return try()
	}
	if n, e := once(); e != linux.EAGAIN {
		return n, e
	}
	w := wait.New()
	var entry wait.Entry
	q.Add(&entry, w, mask)
	defer entry.Remove()
	for {
		if n, e := once(); e != linux.EAGAIN {
			return n, e
		}
		w.Sleep(-1)
	}
}

// Output makes a stream whose bytes are written to w. done is closed when the guest has
// closed it and everything is written, or when w failed; then the guest gets EPIPE.
func Output(pool *pipe.Pool, outside sync.Locker, w io.Writer) (end *pipe.End, path vfs.Path, done <-chan struct{}) {
	r, end, path := pipe.New(pool, linux.Stat{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		drain(r, outside, w)
		outside.Lock()
		defer outside.Unlock()
		r.Close()
	}()
	return end, path, finished
}

// drain writes what the file gives to w, until either ends.
func drain(r vfs.File, outside sync.Locker, w io.Writer) {
	buf := make([]byte, pipe.DefaultSize)
	for {
		n, e := retry(outside, r.Queue(), wait.In, func() (int, linux.Errno) { return r.Read(buf, 0) })
		if e != 0 || n == 0 {
			return
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return
		}
	}
}

// Console is the host's side of a terminal.
type Console struct {
	master  *tty.Master
	outside sync.Locker
	done    chan struct{}
	once    sync.Once

	mu sync.Mutex // held while bytes are on their way, which keeps them in order

	// guarded by mu
	out io.Writer
	buf []byte
}

// Attach serves the master side of a terminal from the host's streams: what in reads is
// typed, what is shown is written to out. The end of in hangs the terminal up.
func Attach(t *tty.TTY, outside sync.Locker, in io.Reader, out io.Writer) *Console {
	return AttachMaster(t.Master(nil, nil), outside, in, out)
}

// AttachMaster is Attach for a terminal whose master is there.
func AttachMaster(m *tty.Master, outside sync.Locker, in io.Reader, out io.Writer) *Console {
	t := m.TTY()
	c := &Console{master: m, outside: outside, done: make(chan struct{}), out: out, buf: make([]byte, pipe.DefaultSize)}
	go func() {
		defer close(c.done)
		for n, e := 1, linux.Errno(0); n > 0 && e == 0; {
			n, e = retry(unlocked{}, c.master.Queue(), wait.In, c.show)
		}
		outside.Lock()
		defer outside.Unlock()
		t.Hangup() // the host no longer takes output
	}()
	go func() {
		buf := make([]byte, 1024)
		for {
			n, err := in.Read(buf)
			if !send(outside, c.master, buf[:n], wait.Out) || err != nil {
				outside.Lock()
				defer outside.Unlock()
				t.Hangup()
				return
			}
		}
	}()
	return c
}

// show writes to the host what is in the terminal's buffer. EIO: the host does not take it.
func (c *Console) show() (int, linux.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, e := c.take()
	if e != 0 || n == 0 {
		return n, e
	}
	if _, err := c.out.Write(c.buf[:n]); err != nil {
		return 0, linux.EIO
	}
	return n, 0
}

// take takes what is in the terminal's buffer.
func (c *Console) take() (int, linux.Errno) {
	c.outside.Lock()
	defer c.outside.Unlock()
	return c.master.Read(c.buf, 0)
}

// unlocked is for an operation that locks by itself.
type unlocked struct{}

func (unlocked) Lock()   {}
func (unlocked) Unlock() {}

// Flush returns once all that was shown before is with the host, so that what the caller
// writes there comes after it.
func (c *Console) Flush() { c.show() } // an error is seen by the copy as well

// Resize tells the terminal the size of the host's window.
func (c *Console) Resize(w linux.Winsize) { c.master.TTY().SetWinsize(w) }

// Close hangs the terminal up and returns once all output is with the host.
func (c *Console) Close() {
	c.once.Do(c.master.Close)
	<-c.done
}
