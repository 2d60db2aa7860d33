package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Streams are the host's ends of a container's standard streams.
type Streams struct {
	In       io.Reader // nil: empty
	Out, Err io.Writer // nil: thrown away

	// Console is the host's terminal in raw mode, instead of In and Out. If Err is nil, messages
	// go there as well.
	Console       io.ReadWriter
	Rows, Columns uint16
}

// relay carries bytes between streams that stay with the launcher and the sandbox. Files that
// are no more than a stream of bytes are passed on themselves; a terminal, a directory or
// another device never is: the sandbox gets a pipe.
type relay struct {
	theirs []*os.File // descriptors for the sandbox
	owned  []*os.File // of these, what the launcher lets go of when they are sent
	input  func()     // begins to send standard input
	pumps  []func()   // carry output, until it ends
	finish func()     // tells the other side of a console that nothing is typed any more; nil: there is none
	once   sync.Once
	output sync.WaitGroup
}

// connect makes the sandbox's descriptors.
func (s *Streams) connect(start *Start) (_ *relay, err error) {
	r := &relay{input: func() {}}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if s.Console != nil {
		start.Console, start.Rows, start.Columns = true, s.Rows, s.Columns
		if err := r.console(s.Console); err != nil {
			return nil, err
		}
	} else {
		if err := r.in(s.In, start); err != nil {
			return nil, err
		}
		if err := r.out(s.Out); err != nil {
			return nil, err
		}
	}
	switch {
	case s.Err == nil && s.Console != nil:
		return r, nil
	case s.Console == nil && sameFile(s.Out, s.Err):
		r.theirs = append(r.theirs, r.theirs[len(r.theirs)-1]) // which keeps the order
	default:
		if err := r.out(s.Err); err != nil {
			return nil, err
		}
	}
	start.Stderr = true
	return r, nil
}

// console makes a socket for both directions of the terminal.
func (r *relay) console(tty io.ReadWriter) error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socketpair: %w", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "console")
	r.give(os.NewFile(uintptr(fds[1]), "console"))
	r.pumps = append(r.pumps, func() { carry(tty, ours) })
	r.finish = func() { unix.Shutdown(int(ours.Fd()), unix.SHUT_WR) } //nolint:errcheck // it may have gone
	r.input = func() { io.Copy(ours, struct{ io.Reader }{tty}) }      //nolint:errcheck // an end is an end
	return nil
}

// in passes standard input on, or makes a pipe for it.
func (r *relay) in(in io.Reader, start *Start) error {
	if f, ok := in.(*os.File); ok && plain(f) {
		r.theirs = append(r.theirs, f)
		return nil
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	r.give(theirs)
	if in == nil {
		return ours.Close()
	}
	start.Relayed = true
	r.input = func() {
		defer ours.Close()
		io.Copy(ours, struct{ io.Reader }{in}) //nolint:errcheck // an end is an end
	}
	return nil
}

// out passes an output on, or makes a pipe for it.
func (r *relay) out(out io.Writer) error {
	if f, ok := out.(*os.File); ok && plain(f) {
		r.theirs = append(r.theirs, f)
		return nil
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	r.give(theirs)
	if out == nil {
		out = io.Discard
	}
	r.pumps = append(r.pumps, func() {
		defer ours.Close() // an output that takes no more is the guest's SIGPIPE
		carry(out, ours)
	})
	return nil
}

// carry writes what the sandbox says to w, until either ends.
func carry(w io.Writer, from io.Reader) {
	io.Copy(struct{ io.Writer }{w}, struct{ io.Reader }{from}) //nolint:errcheck // an end is an end
}

func (r *relay) give(f *os.File) {
	r.theirs, r.owned = append(r.theirs, f), append(r.owned, f)
}

// begin lets go of what was sent, and begins to carry output; what is typed at a console need
// not be asked for.
func (r *relay) begin(console bool) {
	r.close()
	if console {
		r.wantInput()
	}
	for _, p := range r.pumps {
		r.output.Go(p)
	}
}

// wantInput begins to send standard input, once.
func (r *relay) wantInput() { r.once.Do(func() { go r.input() }) }

// drain returns when all output has been carried. The sandbox is gone.
func (r *relay) drain() { r.output.Wait() }

func (r *relay) close() {
	closeAll(r.owned)
	r.owned = nil
}

// plain tells whether a descriptor is a stream of bytes and nothing else: a pipe, a regular file, or
// a device that only takes or gives bytes. A socket is more: it can pass descriptors, and send to
// addresses, by the calls that the seal leaves for the one to the launcher.
func plain(f *os.File) bool {
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFIFO:
		return true
	case unix.S_IFCHR: // null, zero, full
		return unix.Major(st.Rdev) == 1 && (unix.Minor(st.Rdev) == 3 || unix.Minor(st.Rdev) == 5 || unix.Minor(st.Rdev) == 7)
	}
	return false
}

// sameFile tells whether two outputs lead to one place.
func sameFile(a, b any) bool {
	x, ok := a.(*os.File)
	y, ok2 := b.(*os.File)
	if !ok || !ok2 {
		return a != nil && a == b
	}
	s, err := x.Stat()
	t, err2 := y.Stat()
	return errors.Join(err, err2) == nil && os.SameFile(s, t)
}

// Relay carries the streams of a process for who has them and is not its launcher.
type Relay struct{ relay *relay }

// Relay makes the descriptors to be handed over, and notes in start what they are.
func (s *Streams) Relay(start *Start) (*Relay, error) {
	r, err := s.connect(start)
	if err != nil {
		return nil, err
	}
	if start.Console { // all of it is shown there
		start.Stderr = false
		r.theirs = r.theirs[:1]
	}
	return &Relay{r}, nil
}

// Files are the descriptors, in the order of Start.
func (r *Relay) Files() []*os.File { return r.relay.theirs }

// Begin lets go of what was handed over, and begins to carry output.
func (r *Relay) Begin(console bool) { r.relay.begin(console) }

// WantInput begins to send standard input.
func (r *Relay) WantInput() { r.relay.wantInput() }

// Drain returns when all output has been carried. The process has ended; its sandbox has not, and lets go of a console
// when it has read its end.
func (r *Relay) Drain() {
	if r.relay.finish != nil {
		r.relay.finish()
	}
	r.relay.drain()
}

// Close lets go of what was to be handed over.
func (r *Relay) Close() { r.relay.close() }

// Plain reports whether a descriptor may be passed to a sandbox as it is.
func Plain(f *os.File) bool { return plain(f) }
