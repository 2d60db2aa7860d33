package tty

import (
	"errors"
	"math"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Types are what this package saves.
var Types = []state.Type{state.Of[TTY](1), state.Of[File](1), state.Of[Master](1)}

// StateType names the type.
func (*TTY) StateType() string { return "tty.TTY" }

// SaveState writes the terminal.
func (t *TTY) SaveState(e *state.Encoder) {
	if len(t.pending) != 0 {
		e.Fail(errors.New("signals of a terminal are on their way"))
	}
	state.RefAny(e, t.jobs)
	e.Uint(t.device)
	e.String(t.name)
	saveTermios(e, &t.termios)
	for _, v := range []uint16{t.size.Row, t.size.Col, t.size.Xpixel, t.size.Ypixel} {
		e.Uint(uint64(v))
	}
	e.Uint(uint64(t.session))
	e.Uint(uint64(t.foreground))
	t.in.SaveState(e)
	t.out.SaveState(e)
	e.Uint(uint64(t.slaves))
	for _, b := range []bool{t.pty, t.opened, t.hungUp, t.exclusive, t.locked, t.timeUp, t.interbyte != nil} {
		e.Bool(b)
	}
	e.Deadline(t.byteEnds)
}

// LoadState reads it, and starts the timer between bytes again.
func (t *TTY) LoadState(d *state.Decoder) {
	t.jobs = state.Need[Jobs](d)
	t.device = d.Uint(math.MaxUint64)
	t.name = d.String()
	loadTermios(d, &t.termios)
	for _, v := range []*uint16{&t.size.Row, &t.size.Col, &t.size.Xpixel, &t.size.Ypixel} {
		*v = uint16(d.Uint(math.MaxUint16))
	}
	t.session, t.foreground = int32(d.Uint(math.MaxInt32)), int32(d.Uint(math.MaxInt32))
	t.in.LoadState(d)
	t.out.LoadState(d)
	t.slaves = int(d.Uint(math.MaxInt32))
	armed := false
	for _, b := range []*bool{&t.pty, &t.opened, &t.hungUp, &t.exclusive, &t.locked, &t.timeUp, &armed} {
		*b = d.Bool()
	}
	t.byteEnds, t.pending = d.Deadline(), nil
	if !armed || d.Failed() {
		return
	}
	t.interbyte = time.NewTimer(math.MaxInt64) // until all is there
	d.After(func() error {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.timeUp {
			t.interbyte.Stop()
			t.armUntilLocked(t.byteEnds)
		}
		return nil
	})
}

func saveTermios(e *state.Encoder, t *linux.Termios2) {
	for _, v := range []uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag, t.Ispeed, t.Ospeed} {
		e.Uint(uint64(v))
	}
	e.Uint(uint64(t.Line))
	e.Raw(t.Cc[:])
}

func loadTermios(d *state.Decoder, t *linux.Termios2) {
	for _, v := range []*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag, &t.Ispeed, &t.Ospeed} {
		*v = uint32(d.Uint(math.MaxUint32))
	}
	t.Line = uint8(d.Uint(math.MaxUint8))
	copy(t.Cc[:], d.Raw(len(t.Cc)))
}

// SaveState writes what was typed.
func (in *input) SaveState(e *state.Encoder) {
	e.Bytes(in.buf)
	e.Len(len(in.ends))
	for _, end := range in.ends {
		e.Uint(uint64(end))
	}
	e.Uint(uint64(in.canon))
	for _, b := range []bool{in.next, in.erased, in.full} {
		e.Bool(b)
	}
}

// LoadState reads it. The ends of lines lie in what was typed, in order, and so does what is readable.
func (in *input) LoadState(d *state.Decoder) {
	in.buf = d.Bytes()
	in.ends = make([]int, d.Count(1))
	last := -1
	for i := range in.ends {
		in.ends[i] = int(d.Uint(math.MaxInt32))
		if in.ends[i] <= last || in.ends[i] >= len(in.buf) {
			d.Failf("a line ends at %d of %d bytes, after one that ends at %d", in.ends[i], len(in.buf), last)
			return
		}
		last = in.ends[i]
	}
	in.canon = int(d.Uint(uint64(len(in.buf))))
	if len(in.buf) > inputSize {
		d.Failf("%d bytes of input", len(in.buf))
	}
	for _, b := range []*bool{&in.next, &in.erased, &in.full} {
		*b = d.Bool()
	}
}

// maxColumn bounds what a cursor's column may be said to be.
const maxColumn = math.MaxInt32

// SaveState writes what is shown.
func (o *output) SaveState(e *state.Encoder) {
	e.Bytes(o.buf)
	e.Uint(uint64(o.column))
	e.Uint(uint64(o.canonColumn))
	e.Bool(o.stopped)
	e.Bool(o.manual)
	e.Len(len(o.echo))
	for _, op := range o.echo {
		e.Raw([]byte{op.op, op.c})
	}
}

// LoadState reads it.
func (o *output) LoadState(d *state.Decoder) {
	o.buf = d.Bytes()
	o.column, o.canonColumn = int(d.Uint(maxColumn)), int(d.Uint(maxColumn))
	o.stopped, o.manual = d.Bool(), d.Bool()
	o.echo = make([]echoOp, d.Count(2))
	for i := range o.echo {
		if b := d.Raw(2); b != nil {
			o.echo[i] = echoOp{b[0], b[1]}
		}
	}
	if len(o.echo) > echoSize || len(o.buf) > 2*(outputSize+2*echoSize) {
		d.Failf("%d bytes of output and %d of echo", len(o.buf), len(o.echo))
	}
}

// StateType names the type.
func (*File) StateType() string { return "tty.File" }

// SaveState writes the open slave. Its terminal has counted it.
func (f *File) SaveState(e *state.Encoder) {
	state.Ref(e, f.tty)
	state.RefAny(e, f.inode)
	e.Bool(f.closed.Load())
}

// LoadState reads it.
func (f *File) LoadState(d *state.Decoder) {
	f.tty = state.Need[*TTY](d)
	f.inode = state.Need[Inode](d)
	f.closed.Store(d.Bool())
}

// StateType names the type.
func (*Master) StateType() string { return "tty.Master" }

// SaveState writes the master. The console's has no inode and no owner.
func (m *Master) SaveState(e *state.Encoder) {
	state.Ref(e, m.tty)
	state.RefAny(e, m.inode)
	state.RefAny(e, m.owner)
	e.Bool(m.closed.Load())
}

// LoadState reads it.
func (m *Master) LoadState(d *state.Decoder) {
	m.tty = state.Need[*TTY](d)
	m.inode, m.owner = state.Get[Inode](d), state.Get[Owner](d)
	m.closed.Store(d.Bool())
}
