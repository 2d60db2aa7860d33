package tty

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// A step of a conversation with a terminal. Each is done on the emulated terminal and on a
// pseudo terminal of the host, and what both sides see must agree.
type step struct {
	input  string                  // typed at the master
	write  string                  // written by the process
	read   int                     // read(2) by the process, of so many bytes
	attr   func(a *linux.Termios2) // tcsetattr, on the current settings
	tcflow int                     // TCXONC, plus one
	tcflsh int                     // TCFLSH, plus one
}

func typed(s string) step { return step{input: s} }
func reads(n int) step    { return step{read: n} }
func shows(s string) step { return step{write: s} }
func mode(set, clear uint32) step {
	return step{attr: func(a *linux.Termios2) { a.Lflag = a.Lflag&^clear | set }}
}

func imode(set, clear uint32) step {
	return step{attr: func(a *linux.Termios2) { a.Iflag = a.Iflag&^clear | set }}
}

func omode(set, clear uint32) step {
	return step{attr: func(a *linux.Termios2) { a.Oflag = a.Oflag&^clear | set }}
}
func cc(i int, c byte) step { return step{attr: func(a *linux.Termios2) { a.Cc[i] = c }} }
func raw(min, time byte) step {
	return step{attr: func(a *linux.Termios2) {
		a.Iflag, a.Oflag, a.Lflag = 0, 0, 0
		a.Cc[linux.VMIN], a.Cc[linux.VTIME] = min, time
	}}
}

// emulated is the terminal under test.
type emulated struct {
	t *TTY
	m *Master
	f *File
}

type noJobs struct{}

func (noJobs) SignalGroup(int32, linux.Signal) {}
func (noJobs) Hangup(*TTY, int32, int32)       {}

func newEmulated(t *testing.T) *emulated {
	tt := New(noJobs{}, 0, "tty")
	f, e := tt.Open(nil)
	if e != 0 {
		t.Fatal(e)
	}
	return &emulated{tt, tt.Master(nil, nil), f}
}

func result(p []byte, n int, e linux.Errno) string {
	if e != 0 {
		return e.Name()
	}
	return fmt.Sprintf("%q", p[:n])
}

// do gives what the process sees.
func (em *emulated) do(s step) string {
	switch {
	case s.input != "":
		for p := []byte(s.input); len(p) > 0; {
			n, e := em.m.Write(p, 0)
			if e != 0 {
				return "typing " + e.Name()
			}
			p = p[n:]
		}
	case s.write != "":
		n, e := em.f.Write([]byte(s.write), 0)
		return result([]byte(s.write), n, e)
	case s.read > 0:
		p := make([]byte, s.read)
		n, e := em.f.ReadPartial(p)
		return result(p, n, e)
	case s.attr != nil:
		a := em.t.Attr()
		s.attr(&a)
		em.t.SetAttr(a, false)
	case s.tcflow > 0:
		em.t.flowControl(uint32(s.tcflow - 1))
	case s.tcflsh > 0:
		em.t.flush(uint32(s.tcflsh - 1))
	}
	return fmt.Sprintf("%d waiting", em.t.inputSize())
}

// output gives what the master sees since the last call.
func (em *emulated) output() string {
	p := make([]byte, 1<<16)
	n, _ := em.m.Read(p, 0)
	return string(p[:n])
}

// host is a pseudo terminal of the host's Linux.
type host struct {
	t      *testing.T
	master int
	slave  int
}

func newHost(t *testing.T) *host {
	m, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no pseudo terminals here:", err)
	}
	t.Cleanup(func() { unix.Close(m) })
	if err := unix.IoctlSetPointerInt(m, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(m, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	s, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("cannot open the slave:", err)
	}
	t.Cleanup(func() { unix.Close(s) })
	return &host{t, m, s}
}

func hostResult(p []byte, n int, err error) string {
	if err != nil {
		return linux.From(err).Name()
	}
	return fmt.Sprintf("%q", p[:n])
}

// settle gives the host's kernel, which processes terminal input in a work queue, time to
// finish.
func settle() { time.Sleep(3 * time.Millisecond) }

// patience is how long the host may take under load until it shows what is expected.
const patience = 2 * time.Second

// eventually does look until it gives want or patience is over.
func eventually(want string, look func() string) (got string) {
	for deadline := time.Now().Add(patience); ; settle() {
		if got = look(); got == want || time.Now().After(deadline) {
			return got
		}
	}
}

func (h *host) do(s step, want string) string {
	defer settle()
	switch {
	case s.input != "":
		for p := []byte(s.input); len(p) > 0; {
			n, err := unix.Write(h.master, p)
			if err != nil {
				return "typing " + linux.From(err).Name()
			}
			p = p[n:]
			settle()
		}
	case s.write != "":
		n, err := unix.Write(h.slave, []byte(s.write))
		return hostResult([]byte(s.write), n, err)
	case s.read > 0:
		p := make([]byte, s.read)
		n, err := unix.Read(h.slave, p)
		return hostResult(p, n, err)
	case s.attr != nil:
		a, err := unix.IoctlGetTermios(h.slave, unix.TCGETS)
		if err != nil {
			h.t.Fatal(err)
		}
		var l linux.Termios2
		l.Iflag, l.Oflag, l.Cflag, l.Lflag = a.Iflag, a.Oflag, a.Cflag, a.Lflag
		copy(l.Cc[:], a.Cc[:])
		s.attr(&l)
		a.Iflag, a.Oflag, a.Cflag, a.Lflag = l.Iflag, l.Oflag, l.Cflag, l.Lflag
		copy(a.Cc[:], l.Cc[:])
		if err := unix.IoctlSetTermios(h.slave, unix.TCSETS, a); err != nil {
			h.t.Fatal(err)
		}
	case s.tcflow > 0:
		_ = unix.IoctlSetInt(h.slave, unix.TCXONC, s.tcflow-1)
	case s.tcflsh > 0:
		_ = unix.IoctlSetInt(h.slave, unix.TCFLSH, s.tcflsh-1)
	}
	settle()
	return eventually(want, func() string {
		n, _ := unix.IoctlGetInt(h.slave, unix.TIOCINQ)
		return fmt.Sprintf("%d waiting", n)
	})
}

func (h *host) output(want string) string {
	var out bytes.Buffer
	p := make([]byte, 1<<16)
	return eventually(want, func() string {
		for {
			n, err := unix.Read(h.master, p)
			if err != nil || n == 0 {
				return out.String()
			}
			out.Write(p[:n])
		}
	})
}

var conversations = map[string][]step{
	"line":            {typed("hello\n"), reads(100), reads(100)},
	"parts":           {typed("hel"), reads(100), typed("lo\n"), reads(3), reads(3), reads(3)},
	"lines":           {typed("one\ntwo\nthree"), reads(100), reads(100), reads(100)},
	"erase":           {typed("abx\x7fc\n"), reads(100)},
	"erase all":       {typed("ab\x7f\x7f\x7f\x7fc\n"), reads(100)},
	"kill":            {typed("abc\x15def\n"), reads(100)},
	"word":            {typed("one two_2  \x17x, y\x17\x17z\n"), reads(100)},
	"word latin":      {typed("\xe9t\xe9 \xd7\x17\n"), reads(100)},
	"reprint":         {typed("ab\x01c\x12d\n"), reads(100)},
	"eof empty":       {typed("\x04"), reads(100), reads(100)},
	"eof line":        {typed("abc\x04"), reads(100), reads(100)},
	"eof exact":       {typed("abc\x04"), reads(3), reads(3)},
	"eof short":       {typed("abcdef\x04gh\n"), reads(3), reads(3), reads(5)},
	"eof twice":       {typed("a\x04\x04b\n"), reads(9), reads(9), reads(9)},
	"lnext":           {typed("a\x16\x03b\x16\x7fc\x16\nd\n"), reads(100), reads(100)},
	"lnext nul":       {typed("a\x16\x04b\n"), reads(100)},
	"controls":        {typed("\x01\x02\x05\x1b[A\n"), reads(100)},
	"erase control":   {typed("a\x01\x7fb\n"), reads(100)},
	"tab":             {typed("a\tb\x7f\x7fc\n"), reads(100)},
	"tab erase":       {shows("$ "), typed("abc\td\te\x7f\x7f\x7f\x7fx\n"), reads(100)},
	"tab control":     {typed("\x01\t\x7fx\n"), reads(100)},
	"nul":             {typed("a\x00b\n"), reads(100)},
	"cr":              {typed("a\rb\n"), reads(100), reads(100)},
	"igncr":           {imode(linux.IGNCR, 0), typed("a\rb\n"), reads(100)},
	"inlcr":           {imode(linux.INLCR, linux.ICRNL), typed("a\nb\rc"), reads(100), typed("\x04"), reads(100)},
	"istrip":          {imode(linux.ISTRIP, 0), typed("\xe1\xe2\n"), reads(100)},
	"iuclc":           {imode(linux.IUCLC, 0), typed("AbC\n"), reads(100)},
	"parmrk":          {imode(linux.PARMRK, 0), typed("a\xffb\n"), reads(100)},
	"utf8 erase":      {imode(linux.IUTF8, 0), typed("a\xc3\xa9\x7fb\n"), reads(100)},
	"utf8 word":       {imode(linux.IUTF8, 0), typed("x \xe2\x82\xac\xc3\xa9\x17b\n"), reads(100)},
	"no utf8":         {typed("a\xc3\xa9\x7fb\n"), reads(100)},
	"noecho":          {mode(0, linux.ECHO), typed("pass\x7fword\n"), reads(100)},
	"echonl":          {mode(linux.ECHONL, linux.ECHO), typed("pass\n"), reads(100)},
	"noecho kill":     {mode(0, linux.ECHO), typed("abc\x15d\n"), reads(100)},
	"no echoe":        {mode(0, linux.ECHOE), typed("abc\x7fd\n"), reads(100)},
	"no echok":        {mode(0, linux.ECHOK), typed("abc\x15d\n"), reads(100)},
	"no echoke":       {mode(0, linux.ECHOKE), typed("abc\x15d\n"), reads(100)},
	"no echoctl":      {mode(0, linux.ECHOCTL), typed("a\x01b\x7f\x7fc\n"), reads(100)},
	"echoprt":         {mode(linux.ECHOPRT, 0), typed("abcd\x7f\x7fef\x17g\n"), reads(100)},
	"no iexten":       {mode(0, linux.IEXTEN), typed("a b\x17\x16\x12c\n"), reads(100)},
	"no isig":         {mode(0, linux.ISIG), typed("a\x03b\x1cc\x1ad\n"), reads(100)},
	"intr":            {typed("abc\x03def\n"), reads(100)},
	"quit":            {typed("abc\x1cdef\n"), reads(100)},
	"susp":            {typed("abc\x1adef\n"), reads(100)},
	"intr noflsh":     {mode(linux.NOFLSH, 0), typed("abc\x03def\n"), reads(100)},
	"intr pending":    {typed("line\nabc\x03def\n"), reads(100), reads(100)},
	"intr output":     {shows("output"), typed("\x03")},
	"eol":             {cc(linux.VEOL, ';'), typed("a;b\n"), reads(100), reads(100)},
	"eol2":            {cc(linux.VEOL2, '!'), typed("a!b\n"), reads(100), reads(100)},
	"no erase":        {cc(linux.VERASE, 0), typed("a\x7f\x00b\n"), reads(100)},
	"stop":            {typed("\x13"), shows("x"), typed("ab\n"), typed("\x11"), shows("y"), reads(100)},
	"stop any":        {imode(linux.IXANY, 0), typed("\x13"), typed("a"), shows("y")},
	"stop intr":       {typed("\x13abc"), typed("\x03"), shows("y")},
	"no ixon":         {imode(0, linux.IXON), typed("a\x13\x11b\n"), reads(100)},
	"tcooff":          {step{tcflow: 1}, shows("x"), typed("a"), typed("\x11"), shows("x"), step{tcflow: 2}, shows("y")},
	"tciflush":        {typed("abc\n"), step{tcflsh: 1}, reads(100)},
	"tcoflush":        {shows("abc"), step{tcflsh: 2}, shows("d")},
	"onlcr":           {shows("a\nb\r\nc\td\be\n")},
	"no opost":        {omode(0, linux.OPOST), shows("a\nb\n"), typed("c\n")},
	"no onlcr":        {omode(0, linux.ONLCR), shows("a\nb\n")},
	"ocrnl":           {omode(linux.OCRNL, 0), shows("a\rb\r\n")},
	"onocr":           {omode(linux.ONOCR, 0), shows("\ra\rb\n\rc")},
	"onlret":          {omode(linux.ONLRET|linux.ONOCR, linux.ONLCR), shows("abc\n\rd\r")},
	"olcuc":           {omode(linux.OLCUC, 0), shows("abc\n"), typed("x\n"), reads(9)},
	"xtabs":           {omode(linux.XTABS, 0), shows("a\tbc\t\td\n\te"), typed("\tf\x7f\x7f\n"), reads(9)},
	"raw":             {raw(1, 0), typed("a\r\n\x03\x04\x7f"), reads(100), reads(100), shows("x\ny")},
	"raw parts":       {raw(1, 0), typed("abcdef"), reads(2), reads(2), reads(9)},
	"raw min 0":       {raw(0, 0), reads(9), typed("ab"), reads(9), reads(9)},
	"raw min 5":       {raw(5, 0), typed("ab"), reads(9), typed("cdefgh"), reads(3), reads(9)},
	"cbreak":          {mode(0, linux.ICANON), typed("ab\x7f\x04\n\x15"), reads(100)},
	"cbreak intr":     {mode(0, linux.ICANON), typed("ab\x03cd"), reads(100)},
	"raw lnext":       {mode(0, linux.ICANON), typed("a\x16\x03b"), reads(100)},
	"to raw":          {typed("ab\ncd"), mode(0, linux.ICANON), reads(100)},
	"to raw eof":      {typed("ab\x04cd"), mode(0, linux.ICANON), reads(100)},
	"to canon":        {mode(0, linux.ICANON), typed("abc"), mode(linux.ICANON, 0), reads(100), typed("de\n"), reads(100)},
	"to canon empty":  {mode(0, linux.ICANON), mode(linux.ICANON, 0), typed("de\n"), reads(100)},
	"long line":       {typed(string(bytes.Repeat([]byte("x"), 5000))), typed("yz\n"), reads(10000)},
	"long line erase": {typed(string(bytes.Repeat([]byte("x"), 5000))), typed("\x7f\x7fz\n"), reads(10000)},
	"column":          {shows("prompt> "), typed("a\tb\x7f\x7f\x7fz\n"), reads(100)},
}

func TestAgainstLinux(t *testing.T) {
	for name, steps := range conversations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, steps)
		})
	}
}

// compare holds one conversation on both terminals.
func compare(t *testing.T, steps []step) {
	t.Helper()
	ours, theirs := newEmulated(t), newHost(t)
	for i, s := range steps {
		a := ours.do(s)
		b := theirs.do(s, a)
		if a != b {
			t.Errorf("step %d %s: got %d %.200s, Linux %d %.200s", i, describe(s), len(a), a, len(b), b)
		}
		a = ours.output()
		if b := theirs.output(a); a != b {
			t.Errorf("step %d %s: shows %d %.200q, Linux %d %.200q", i, describe(s), len(a), a, len(b), b)
		}
	}
}

func describe(s step) string {
	switch {
	case s.input != "":
		return fmt.Sprintf("type %.40q", s.input)
	case s.write != "":
		return fmt.Sprintf("write %.40q", s.write)
	case s.read > 0:
		return fmt.Sprintf("read %d", s.read)
	case s.attr != nil:
		return "tcsetattr"
	case s.tcflow > 0:
		return fmt.Sprintf("TCXONC %d", s.tcflow-1)
	}
	return fmt.Sprintf("TCFLSH %d", s.tcflsh-1)
}
