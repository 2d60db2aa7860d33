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

// Input makes a stream that gives the guest what r reads. It is known by its name, see Host.
func (h *Host) Input(pool *pipe.Pool, name string, r io.Reader) (*pipe.End, vfs.Path) {
	end, w, path := pipe.New(pool, linux.Stat{})
	l := h.add(name, w, true)
	end.Pipe().OnDemand(func() { h.asked(l, r) })
	return end, path
}

// asked begins an input that the guest has asked for.
func (h *Host) asked(l *link, r io.Reader) {
	l.asked = true
	go h.feed(l, r)
}

// feed gives the guest what r reads, and then the end of the file.
func (h *Host) feed(l *link, r io.Reader) {
	h.pump(l, r)
	h.outside.Lock()
	defer h.outside.Unlock()
	l.end.Close()
	h.remove(l)
}

// pump writes what r reads to the guest, until either side ends.
func (h *Host) pump(l *link, r io.Reader) {
	buf := make([]byte, pipe.PageSize)
	for {
		for len(l.pending) > 0 {
			_, e := Retry(h.outside, l.end.Queue(), wait.Out, func() (int, linux.Errno) {
				n, e := l.end.Write(l.pending, 0)
				if e == 0 {
					l.pending = l.pending[n:]
				}
				return n, e
			})
			if e != 0 {
				return
			}
		}
		n, err := r.Read(buf)
		h.outside.Lock()
		l.pending = buf[:n]
		h.outside.Unlock()
		if n == 0 && err != nil {
			return
		}
	}
}

// send writes all of p and waits for room. It reports whether the reader is still there.
func send(outside sync.Locker, w vfs.File, p []byte, mask wait.Events) bool {
	for len(p) > 0 {
		n, e := Retry(outside, w.Queue(), mask, func() (int, linux.Errno) { return w.Write(p, 0) })
		if e != 0 {
			return false
		}
		p = p[n:]
	}
	return true
}

// Retry does try until it is not EAGAIN, each time with outside locked: not while the container is paused.
func Retry(outside sync.Locker, q *wait.Queue, mask wait.Events, try func() (int, linux.Errno)) (int, linux.Errno) {
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
func (h *Host) Output(pool *pipe.Pool, name string, w io.Writer) (end *pipe.End, path vfs.Path, done <-chan struct{}) {
	r, end, path := pipe.New(pool, linux.Stat{})
	return end, path, h.empty(h.add(name, r, false), w)
}

// empty starts the goroutine of an output.
func (h *Host) empty(l *link, w io.Writer) (done <-chan struct{}) {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		h.drain(l, w)
		h.outside.Lock()
		defer h.outside.Unlock()
		l.end.Close()
		h.remove(l)
	}()
	return finished
}

// drain writes what the guest has written to w, until either ends.
func (h *Host) drain(l *link, w io.Writer) {
	buf := make([]byte, pipe.DefaultSize)
	for {
		n, e := Retry(h.outside, l.end.Queue(), wait.In, func() (int, linux.Errno) {
			n, e := l.end.Read(buf, 0)
			if n > 0 {
				l.busy.Lock()
			}
			return n, e
		})
		if e != 0 || n == 0 {
			return
		}
		_, err := w.Write(buf[:n])
		l.busy.Unlock()
		if err != nil {
			return
		}
	}
}

// Console is the host's side of a terminal.
type Console struct {
	name    string
	host    *Host
	master  *tty.Master
	outside sync.Locker
	busy    sync.Mutex // held while bytes that were shown are on their way
	done    chan struct{}
	once    sync.Once

	mu sync.Mutex // held while bytes are on their way, which keeps them in order

	// guarded by mu
	out io.Writer
	buf []byte
}

// Attach serves the master side of a terminal from the host's streams: what in reads is
// typed, what is shown is written to out. The end of in hangs the terminal up.
func (h *Host) Attach(name string, t *tty.TTY, in io.Reader, out io.Writer) *Console {
	return h.AttachMaster(name, t.Master(nil, nil), in, out)
}

// AttachMaster is Attach for a terminal whose master is there.
func (h *Host) AttachMaster(name string, m *tty.Master, in io.Reader, out io.Writer) *Console {
	outside := h.outside
	t := m.TTY()
	c := &Console{name: name, host: h, master: m, outside: outside, done: make(chan struct{}), out: out, buf: make([]byte, pipe.DefaultSize)}
	h.addConsole(c)
	go func() {
		defer close(c.done)
		for n, e := 1, linux.Errno(0); n > 0 && e == 0; {
			n, e = Retry(unlocked{}, c.master.Queue(), wait.In, c.show)
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
	defer c.busy.Unlock()
	if _, err := c.out.Write(c.buf[:n]); err != nil {
		return 0, linux.EIO
	}
	return n, 0
}

// take takes what is in the terminal's buffer.
func (c *Console) take() (int, linux.Errno) {
	c.outside.Lock()
	defer c.outside.Unlock()
	n, e := c.master.Read(c.buf, 0)
	if e == 0 && n > 0 {
		c.busy.Lock()
	}
	return n, e
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
	c.host.removeConsole(c)
}
