package tty

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

var (
	_ vfs.Stream  = (*File)(nil)
	_ vfs.Ioctler = (*File)(nil)
	_ vfs.Stream  = (*Master)(nil)
	_ vfs.Ioctler = (*Master)(nil)
)

// recorder notes the signals that a terminal sends.
type recorder struct{ sent []string }

func (r *recorder) SignalGroup(group int32, sig linux.Signal) {
	r.sent = append(r.sent, fmt.Sprintf("%v to %d", sig, group))
}

func (r *recorder) Hangup(_ *TTY, session, foreground int32) {
	r.sent = append(r.sent, fmt.Sprintf("hangup of %d, %d", session, foreground))
}

func (r *recorder) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(r.sent, want) {
		t.Errorf("%s: sent %q, want %q", what, r.sent, want)
	}
	r.sent = nil
}

// worker is a process of session 1, whose groups are 1 to 9.
type worker struct {
	group    int32
	leader   bool
	terminal *TTY
	orphan   bool
	refuses  bool
}

func (w *worker) Session() int32            { return 1 }
func (w *worker) Group() int32              { return w.group }
func (w *worker) Leader() bool              { return w.leader }
func (w *worker) Terminal() *TTY            { return w.terminal }
func (w *worker) SetTerminal(t *TTY)        { w.terminal = t }
func (w *worker) Orphaned() bool            { return w.orphan }
func (w *worker) Refuses(linux.Signal) bool { return w.refuses }
func (w *worker) Privileged() bool          { return false }

func (w *worker) SessionOf(group int32) (int32, bool) {
	if group >= 20 {
		return 0, false
	}
	return 1 + group/10, true
}

func newControlled(t *testing.T) (*TTY, *File, *recorder, *worker) {
	r := &recorder{}
	tt := New(r, 0, "tty")
	f, e := tt.Open(nil)
	if e != 0 {
		t.Fatal(e)
	}
	shell := &worker{group: 1, leader: true}
	tt.Acquire(shell)
	if shell.terminal != tt || tt.Foreground() != 1 {
		t.Fatalf("the session leader did not get the terminal; foreground %d", tt.Foreground())
	}
	return tt, f, r, shell
}

func TestBackground(t *testing.T) {
	tt, f, r, shell := newControlled(t)
	job := &worker{group: 2, terminal: tt}
	if e := f.CheckRead(shell); e != 0 {
		t.Errorf("foreground read: %v", e)
	}
	if e := f.CheckRead(job); e != linux.EINTR {
		t.Errorf("background read: %v", e)
	}
	r.expect(t, "background read", "SIGTTIN to 2")
	job.refuses = true
	if e := f.CheckRead(job); e != linux.EIO {
		t.Errorf("background read, SIGTTIN ignored: %v", e)
	}
	job.refuses, job.orphan = false, true
	if e := f.CheckRead(job); e != linux.EIO {
		t.Errorf("background read, orphaned: %v", e)
	}
	job.orphan = false
	if e := f.CheckWrite(job); e != 0 {
		t.Errorf("background write: %v", e)
	}
	a := tt.Attr()
	a.Lflag |= linux.TOSTOP
	tt.SetAttr(a, false)
	if e := f.CheckWrite(job); e != linux.EINTR {
		t.Errorf("background write with TOSTOP: %v", e)
	}
	r.expect(t, "background write with TOSTOP", "SIGTTOU to 2")
	job.refuses = true
	if e := f.CheckWrite(job); e != 0 {
		t.Errorf("background write, SIGTTOU ignored: %v", e)
	}
}

func TestForeground(t *testing.T) {
	tt, _, r, shell := newControlled(t)
	for _, s := range []struct {
		job   *worker
		group int32
		want  linux.Errno
	}{
		{shell, 2, 0},
		{shell, 1, linux.EINTR}, // in the background by now
		{&worker{group: 1, leader: true, terminal: tt, refuses: true}, 1, 0},
		{shell, 12, linux.EPERM},
		{shell, 25, linux.ESRCH},
		{shell, -1, linux.EINVAL},
		{&worker{group: 1}, 1, linux.ENOTTY},
	} {
		if e := tt.setForeground(s.job, s.group); e != s.want {
			t.Errorf("TIOCSPGRP %d: %v, want %v", s.group, e, s.want)
		}
	}
	r.expect(t, "TIOCSPGRP from the background", "SIGTTOU to 1")
	m := tt.Master(nil, nil)
	m.Write([]byte{3}, 0)
	m.Write([]byte{0x1c, 0x1a}, 0)
	r.expect(t, "control characters", "SIGINT to 1", "SIGQUIT to 1", "SIGTSTP to 1")
	tt.SetWinsize(linux.Winsize{Row: 24, Col: 80})
	tt.SetWinsize(linux.Winsize{Row: 24, Col: 80})
	r.expect(t, "a window that changes once", "SIGWINCH to 1")
}

func TestControllingTerminal(t *testing.T) {
	tt, _, r, shell := newControlled(t)
	other := &worker{group: 5, leader: true}
	if e := tt.setControlling(other, false); e != 0 { // same session id: the same session
		t.Errorf("TIOCSCTTY: %v", e)
	}
	if e := tt.setControlling(&worker{group: 2}, false); e != linux.EPERM {
		t.Errorf("TIOCSCTTY by no leader: %v", e)
	}
	if e := tt.giveUp(shell); e != 0 || shell.terminal != nil {
		t.Errorf("TIOCNOTTY: %v", e)
	}
	r.expect(t, "TIOCNOTTY", "SIGHUP to 5", "SIGCONT to 5")
	if _, e := tt.getSession(&worker{terminal: tt}, false); e != linux.ENOTTY {
		t.Errorf("TIOCGSID without session: %v", e)
	}
}

func TestHangup(t *testing.T) {
	tt, f, r, _ := newControlled(t)
	m := tt.Master(nil, nil)
	f.Write([]byte("last words"), 0)
	m.Write([]byte("line\n"), 0)
	m.Close()
	r.expect(t, "hangup", "hangup of 1, 1")
	p := make([]byte, 100)
	if n, e := f.Read(p, 0); n != 0 || e != 0 {
		t.Errorf("read: %d, %v", n, e)
	}
	if _, e := f.Write([]byte("x"), 0); e != linux.EIO {
		t.Errorf("write: %v", e)
	}
	if ev := f.Poll(); ev != wait.In|wait.Out|wait.Err|wait.Hup {
		t.Errorf("poll: %x", ev)
	}
	if n, e := m.Read(p, 0); string(p[:n]) != "last wordsline\r\n" || e != 0 {
		t.Errorf("the rest of the output: %q, %v", p[:n], e)
	}
}

func TestPTYEnds(t *testing.T) {
	tt := NewPTY(&recorder{}, 0, "pts")
	m := tt.Master(nil, nil)
	if _, e := tt.Open(nil); e != linux.EIO {
		t.Errorf("open of a locked slave: %v", e)
	}
	tt.locked = false
	p := make([]byte, 10)
	if _, e := m.Read(p, 0); e != linux.EAGAIN {
		t.Errorf("master before any slave: %v", e)
	}
	f, _ := tt.Open(nil)
	f.Write([]byte("x"), 0)
	f.Close()
	if n, e := m.Read(p, 0); n != 1 || e != 0 {
		t.Errorf("what the slave left: %d, %v", n, e)
	}
	if _, e := m.Read(p, 0); e != linux.EIO {
		t.Errorf("master after the last slave: %v", e)
	}
}

func TestTimers(t *testing.T) {
	tt, f, _, _ := newControlled(t)
	m := tt.Master(nil, nil)
	set := func(min, tenths byte) {
		a := tt.Attr()
		a.Lflag &^= linux.ICANON | linux.ECHO
		a.Cc[linux.VMIN], a.Cc[linux.VTIME] = min, tenths
		tt.SetAttr(a, true)
	}
	p := make([]byte, 10)

	set(0, 2)
	if d, ok := f.ReadTimeout(); !ok || d != 200*time.Millisecond {
		t.Errorf("VMIN 0, VTIME 2: %v, %v", d, ok)
	}
	set(3, 1)
	if _, ok := f.ReadTimeout(); ok {
		t.Error("VMIN 3: a time for the whole read")
	}
	m.Write([]byte("ab"), 0)
	if _, e := f.Read(p, 0); e != linux.EAGAIN {
		t.Errorf("two of three bytes: %v", e)
	}
	w := wait.New()
	var entry wait.Entry
	f.Queue().Add(&entry, w, wait.In)
	defer entry.Remove()
	if !w.Sleep(5 * time.Second) {
		t.Fatal("the time between bytes did not end the wait")
	}
	if n, e := f.Read(p, 0); n != 2 || e != 0 {
		t.Errorf("after the time between bytes: %d, %v", n, e)
	}
	if _, e := f.Read(p, 0); e != linux.EAGAIN {
		t.Errorf("nothing there: %v", e)
	}
}

func TestOutputIsBounded(t *testing.T) {
	tt, f, _, _ := newControlled(t)
	m := tt.Master(nil, nil)
	total := 0
	for {
		n, e := f.Write(make([]byte, 1000), 0)
		if e == linux.EAGAIN {
			break
		}
		if total += n; total > 2*outputSize {
			t.Fatal("no end of output")
		}
	}
	if f.Poll()&wait.Out != 0 {
		t.Error("writable while full")
	}
	for range 100 { // echo has bounds too
		m.Write(make([]byte, 4000), 0)
		tt.flush(linux.TCIFLUSH)
	}
	if len(tt.out.buf) > outputSize+3*echoSize {
		t.Errorf("%d bytes of output", len(tt.out.buf))
	}
}

func FuzzDiscipline(f *testing.F) {
	f.Add([]byte("hello\x7f\x17\x15\x16\x03\n\x04"), uint32(0x8a3b), uint32(0x500), uint32(5))
	f.Fuzz(func(t *testing.T, input []byte, lflag, iflag, oflag uint32) {
		tt := New(noJobs{}, 0, "tty")
		file, _ := tt.Open(nil)
		m := tt.Master(nil, nil)
		a := tt.Attr()
		a.Lflag, a.Iflag, a.Oflag = lflag, iflag, oflag
		tt.SetAttr(a, false)
		p := make([]byte, 7)
		for i, c := range input {
			m.Write([]byte{c}, 0)
			switch i % 5 {
			case 1:
				file.ReadPartial(p)
			case 2:
				a.Lflag ^= linux.ICANON
				tt.SetAttr(a, i%2 == 0)
			case 3:
				file.Write(input[:i%9], 0)
			case 4:
				m.Read(p, 0)
			}
			if n := len(tt.in.buf); n > inputSize+1 || tt.in.canon > n {
				t.Fatalf("input %d, readable %d", n, tt.in.canon)
			}
		}
	})
}
