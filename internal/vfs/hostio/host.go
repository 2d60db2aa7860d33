package hostio

import (
	"io"
	"slices"
	"sync"

	"vkernel/internal/state"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/tty"
)

// Host is all streams between a container and its host. Each has a name by which it is connected anew when the container is
// restored; one without a name ends then.
type Host struct {
	outside sync.Locker

	mu sync.Mutex

	// guarded by mu
	links    []*link
	consoles []*Console
	masters  []master // that were loaded, and are not connected yet
}

// link is a stream of bytes, as the host sees it. What is not constant changes with outside locked.
type link struct {
	name    string
	end     *pipe.End // the kernel's
	input   bool
	asked   bool       // the guest has asked for input
	pending []byte     // of input: read from the host, and not yet with the guest
	busy    sync.Mutex // of output: held while bytes are on their way to the host
}

// master is a terminal's.
type master struct {
	name   string
	master *tty.Master
}

// NewHost makes a host without streams. outside is locked whenever something of the container changes.
func NewHost(outside sync.Locker) *Host { return &Host{outside: outside} }

func (h *Host) add(name string, end *pipe.End, input bool) *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &link{name: name, end: end, input: input}
	h.links = append(h.links, l)
	return l
}

func (h *Host) remove(l *link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.links = slices.DeleteFunc(h.links, func(o *link) bool { return o == l })
}

func (h *Host) addConsole(c *Console) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.consoles = append(h.consoles, c)
}

func (h *Host) removeConsole(c *Console) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.consoles = slices.DeleteFunc(h.consoles, func(o *Console) bool { return o == c })
}

// Settle returns when all that the container has given by now is with the host. It is for a container that is paused.
func (h *Host) Settle() {
	h.mu.Lock()
	links, consoles := slices.Clone(h.links), slices.Clone(h.consoles)
	h.mu.Unlock()
	for _, l := range links {
		await(&l.busy)
	}
	for _, c := range consoles {
		await(&c.busy)
	}
}

// await returns when whoever holds a lock has let go of it.
func await(m *sync.Mutex) {
	m.Lock()
	defer m.Unlock()
}

// SaveState writes the streams. The container is paused.
func (h *Host) SaveState(e *state.Encoder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.Len(len(h.links))
	for _, l := range h.links {
		l.SaveState(e)
	}
	e.Len(len(h.consoles))
	for _, c := range h.consoles {
		e.String(c.name)
		state.Ref(e, c.master)
	}
}

// LoadState reads them; they lead nowhere until Connect.
func (h *Host) LoadState(d *state.Decoder) {
	for range d.Count(4) {
		l := new(link)
		l.LoadState(d)
		h.links = append(h.links, l)
	}
	for range d.Count(2) {
		h.masters = append(h.masters, master{d.String(), state.Need[*tty.Master](d)})
	}
}

// SaveState writes a stream. What is on its way to the host is not the container's any more.
func (l *link) SaveState(e *state.Encoder) {
	e.String(l.name)
	state.Ref(e, l.end)
	e.Bool(l.input)
	e.Bool(l.asked)
	e.Bytes(l.pending)
}

// LoadState reads it.
func (l *link) LoadState(d *state.Decoder) {
	l.name = d.String()
	l.end = state.Need[*pipe.End](d)
	l.input, l.asked = d.Bool(), d.Bool()
	l.pending = d.Bytes()
}

// Connect connects the streams of a container that was loaded with the host, by their names: read gives what an input
// reads, write where an output is written, console the terminal of the host; nil ends a stream. It gives what tells that
// an output is written, and the consoles. The caller holds outside.
func (h *Host) Connect(read func(name string) io.Reader, write func(name string) io.Writer, console func(name string) io.ReadWriter) (done []<-chan struct{}, consoles map[string]*Console) {
	h.mu.Lock()
	links, masters := slices.Clone(h.links), h.masters
	h.masters = nil
	h.mu.Unlock()
	for _, l := range links {
		switch {
		case l.input:
			h.connectInput(l, read(l.name))
		default:
			if w := write(l.name); w != nil {
				done = append(done, h.empty(l, w))
				continue
			}
			l.end.Close()
			h.remove(l)
		}
	}
	consoles = map[string]*Console{}
	for _, m := range masters {
		if rw := console(m.name); rw != nil {
			consoles[m.name] = h.AttachMaster(m.name, m.master, rw, rw)
		} else {
			m.master.Close()
		}
	}
	return done, consoles
}

func (h *Host) connectInput(l *link, r io.Reader) {
	switch {
	case r == nil && len(l.pending) == 0:
		l.end.Close()
		h.remove(l)
	case r == nil:
		go h.feed(l, ended{})
	case l.asked:
		go h.feed(l, r)
	default:
		l.end.Pipe().OnDemand(func() { h.asked(l, r) })
	}
}

// ended is the end of a file.
type ended struct{}

func (ended) Read([]byte) (int, error) { return 0, io.EOF }
