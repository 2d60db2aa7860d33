package sandbox

import (
	"net/netip"
	"os"
	"sync"

	"vkernel/internal/linux"
)

// Connections to outside: the sandbox asks by a number and an address, and the launcher's broker, which knows the
// rules, answers with a descriptor or an errno.

// maxDials bounds what a launcher does for a sandbox at once. One that asks for more gets EAGAIN.
const maxDials = 256

// dial answers a request of the sandbox, when there is an answer.
func (s *Sandbox) dial(m *message) {
	id, name := m.ID, m.Name
	switch {
	case s.broker == nil:
		s.tell(message{Kind: kindDialled, ID: id, Errno: int(linux.ENETUNREACH)})
	case s.dials.Add(1) > maxDials:
		s.dials.Add(-1)
		s.tell(message{Kind: kindDialled, ID: id, Errno: int(linux.EAGAIN)})
	default:
		go func() {
			defer s.dials.Add(-1)
			file, e := s.connection(name)
			s.dialled(id, file, e)
		}()
	}
}

// connection is what the broker makes of a request.
func (s *Sandbox) connection(name string) (*os.File, linux.Errno) {
	if name == "" {
		return s.broker.Datagrams()
	}
	to, err := netip.ParseAddrPort(name)
	if err != nil {
		return nil, linux.EINVAL
	}
	return s.broker.Dial(to)
}

// dialled sends an answer.
func (s *Sandbox) dialled(id uint64, file *os.File, e linux.Errno) {
	m := message{Kind: kindDialled, ID: id, Errno: int(e)}
	if e != 0 {
		s.tell(m)
		return
	}
	defer file.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendLocked(func() error { return s.conn.send(m, file) })
}

// dialler is the launcher's broker, in the sandbox.
type dialler struct {
	conn *conn

	mu sync.Mutex

	// guarded by mu
	next uint64
	open map[uint64]chan dialled
}

type dialled struct {
	file *os.File
	e    linux.Errno
}

// Dial gives a connected socket.
func (d *dialler) Dial(to netip.AddrPort) (*os.File, linux.Errno) { return d.ask(to.String()) }

// Datagrams gives a socket for datagrams with addresses.
func (d *dialler) Datagrams() (*os.File, linux.Errno) { return d.ask("") }

func (d *dialler) ask(name string) (*os.File, linux.Errno) {
	answer := make(chan dialled, 1)
	d.mu.Lock()
	d.next++
	id := d.next
	if d.open == nil {
		d.open = map[uint64]chan dialled{}
	}
	d.open[id] = answer
	d.mu.Unlock()
	if err := d.conn.send(message{Kind: kindDial, ID: id, Name: name}); err != nil {
		return nil, linux.ENETDOWN
	}
	a := <-answer
	return a.file, a.e
}

// dialled takes an answer.
func (d *dialler) dialled(m *message, files []*os.File) {
	d.mu.Lock()
	answer := d.open[m.ID]
	delete(d.open, m.ID)
	d.mu.Unlock()
	e := linux.Errno(m.Errno)
	if e == 0 && len(files) != 1 {
		e = linux.ENETDOWN
	}
	if answer == nil || e != 0 {
		closeAll(files)
	}
	switch {
	case answer == nil:
	case e != 0:
		answer <- dialled{e: e}
	default:
		answer <- dialled{file: files[0]}
	}
}
