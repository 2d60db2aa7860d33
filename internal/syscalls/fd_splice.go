package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	pipes "vkernel/internal/vfs/pipe"
	"vkernel/internal/wait"
)

// Flags of splice(2), tee(2) and vmsplice(2).
const (
	spliceFlags    = 0x0f
	spliceNonblock = 0x02
)

func splice(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(5)
	if a.Size(4) == 0 {
		return 0, 0
	}
	if flags&^spliceFlags != 0 {
		return 0, linux.EINVAL
	}
	return withTwo(t, a.Int(0), a.Int(2), func(in, out *fd.Description) (int64, linux.Errno) {
		from, fromPipe := in.File().(*pipes.End)
		to, toPipe := out.File().(*pipes.End)
		switch {
		case !in.Readable() || !out.Writable():
			return 0, linux.EBADF
		case fromPipe && a.Addr(1) != 0, toPipe && a.Addr(3) != 0:
			return 0, linux.ESPIPE
		case !fromPipe && !toPipe, out.Flags()&linux.O_APPEND != 0:
			return 0, linux.EINVAL
		case fromPipe && toPipe && from.Pipe() == to.Pipe():
			return 0, linux.EINVAL
		}
		src, e := offsetArg(t, in, a.Addr(1))
		if e != 0 {
			return 0, e
		}
		dst, e := offsetArg(t, out, a.Addr(3))
		if e != 0 {
			return 0, e
		}
		m := move{t: t, in: side{in, src}, out: side{out, dst}, from: from, to: to, nonblock: flags&spliceNonblock != 0}
		n, e := m.run(int(min(a.Size(4), chunk)))
		if e == 0 {
			e = putOffset(t, src, a.Addr(1))
		}
		if e == 0 {
			e = putOffset(t, dst, a.Addr(3))
		}
		return n, e
	})
}

// move is one splice. from and to are the pipes among its sides, of which there is one at least.
type move struct {
	t        *proc.Thread
	in, out  side
	from, to *pipes.End
	nonblock bool // on the pipes
}

// run moves up to n bytes: as many as there are, and have room, at one time.
func (m *move) run(n int) (int64, linux.Errno) {
	if m.to != nil {
		room, e := m.room()
		if e != 0 {
			return 0, e
		}
		n = min(n, room)
	}
	buf := make([]byte, n)
	got, e := m.read(buf)
	if e != 0 || got == 0 {
		return 0, e
	}
	put, e := m.write(buf[:got])
	switch {
	case m.from != nil:
		m.from.Unread(buf[put:got])
	case m.in.off != nil:
		*m.in.off += put
	case !m.in.d.Stream() && put > 0:
		m.in.d.Advance(put)
	}
	if put > 0 {
		e = 0
	}
	return put, e
}

// room waits for room in the pipe that is written.
func (m *move) room() (int, linux.Errno) {
	once := func() (int64, linux.Errno) {
		n, e := m.to.Room()
		return int64(n), e
	}
	n, e := once()
	if e == linux.EAGAIN && !m.nonblock && !m.out.d.Nonblocking() {
		n, e = m.t.Block(m.to.Queue(), wait.Out, never, once)
	}
	if e == linux.EPIPE {
		m.t.Raise(linux.SIGPIPE)
	}
	return int(n), e
}

func (m *move) read(p []byte) (int, linux.Errno) {
	if m.from != nil && m.nonblock {
		return m.in.d.Read(p)
	}
	return m.in.read(m.t, p)
}

// write writes what was read. From a pipe a part is enough, since the rest goes back; what a
// socket gave is written to the end.
func (m *move) write(p []byte) (int64, linux.Errno) {
	if m.to == nil || m.from == nil && m.in.d.Stream() {
		return m.out.write(m.t, p)
	}
	n, e := m.out.d.Write(p)
	if e == linux.EPIPE {
		m.t.Raise(linux.SIGPIPE)
	}
	return int64(n), e
}

// tee copies what is in one pipe to another and leaves it there.
func tee(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags, n := a.Uint(3), int(min(a.Size(2), chunk))
	if flags&^spliceFlags != 0 {
		return 0, linux.EINVAL
	}
	if n == 0 {
		return 0, 0
	}
	return withTwo(t, a.Int(0), a.Int(1), func(in, out *fd.Description) (int64, linux.Errno) {
		from, ok := in.File().(*pipes.End)
		to, both := out.File().(*pipes.End)
		switch {
		case !in.Readable() || !out.Writable():
			return 0, linux.EBADF
		case !ok || !both || from.Pipe() == to.Pipe():
			return 0, linux.EINVAL
		}
		m := move{t: t, in: side{d: in}, out: side{d: out}, from: from, to: to, nonblock: flags&spliceNonblock != 0}
		return m.tee(make([]byte, n))
	})
}

func (m *move) tee(buf []byte) (int64, linux.Errno) {
	look := func() (int64, linux.Errno) {
		n, e := m.from.Peek(buf)
		return int64(n), e
	}
	nonblock := m.nonblock || m.in.d.Nonblocking()
	n, e := look()
	if e == linux.EAGAIN && !nonblock {
		n, e = m.t.Block(m.from.Queue(), wait.In, never, look)
	}
	if e != 0 || n == 0 {
		return 0, e
	}
	room, e := m.room()
	if e != 0 {
		return 0, e
	}
	return m.write(buf[:min(int(n), room)])
}

// vmsplice is writev(2) into a pipe, or readv(2) from one.
func vmsplice(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(3)
	if flags&^spliceFlags != 0 {
		return 0, linux.EINVAL
	}
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	if _, ok := d.File().(*pipes.End); !ok {
		return 0, linux.EBADF
	}
	nonblock := flags&spliceNonblock != 0 || d.Nonblocking()
	addr, count := guest.Addr(a.Addr(1)), int32(min(a.Size(2), 1<<31-1))
	if d.Writable() {
		return WriteVector(t, d, addr, count, nonblock)
	}
	return ReadVector(t, d, addr, count, nonblock)
}
