package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/wait"
)

// Copies between descriptors inside the kernel.

// chunk is the size of the buffer of such a copy.
const chunk = 1 << 16

// side is one end of a copy: a description, at a position of its own or at its offset.
type side struct {
	d   *fd.Description
	off *int64
}

// copyFile copies up to count bytes and gives how many arrived. The source has positions,
// or it is read once only, so that nothing taken from a stream can be lost.
func copyFile(t *proc.Thread, dst, src side, count int) (int64, linux.Errno) {
	buf := make([]byte, min(count, chunk))
	total := int64(0)
	for total < int64(count) {
		n, e := copyChunk(t, dst, src, buf[:min(len(buf), count-int(total))])
		total += n
		if e != 0 && total == 0 {
			return 0, e
		}
		if e != 0 || n == 0 || src.d.Stream() || t.Interrupted() {
			break
		}
	}
	return total, 0
}

// copyChunk does one buffer.
func copyChunk(t *proc.Thread, dst, src side, buf []byte) (int64, linux.Errno) {
	got, e := src.read(t, buf)
	if e != 0 || got == 0 {
		return 0, e
	}
	put, e := dst.write(t, buf[:got])
	switch {
	case src.off != nil:
		*src.off += put
	case !src.d.Stream() && put > 0:
		src.d.Advance(put)
	}
	return put, e
}

// read fills p; of a stream it waits for the first bytes.
func (s side) read(t *proc.Thread, p []byte) (int, linux.Errno) {
	var pos int64
	switch {
	case s.off != nil:
		pos = *s.off
	case s.d.Stream():
		once := func() (int64, linux.Errno) {
			n, e := s.d.Read(p)
			return int64(n), e
		}
		k, e := once()
		if e == linux.EAGAIN && !s.d.Nonblocking() {
			k, e = t.Block(s.d.File().Queue(), wait.In, never, once)
		}
		return int(k), e
	default:
		pos = s.d.Offset()
	}
	return s.d.ReadAt(p, pos)
}

// write writes p as write(2) does, and waits until all is written.
func (s side) write(t *proc.Thread, p []byte) (int64, linux.Errno) {
	if s.off == nil {
		return writeBytes(t, s.d, p, s.d.Nonblocking())
	}
	n, e := s.d.WriteAt(p, *s.off)
	*s.off += int64(n)
	return int64(n), e
}

// withTwo does f with two open descriptions.
func withTwo(t *proc.Thread, x, y int32, f func(x, y *fd.Description) (int64, linux.Errno)) (int64, linux.Errno) {
	dx, e := t.Files().Get(x)
	if e != 0 {
		return 0, e
	}
	defer dx.Unref()
	dy, e := t.Files().Get(y)
	if e != 0 {
		return 0, e
	}
	defer dy.Unref()
	return f(dx, dy)
}

// offsetArg reads the position at addr; nil at a null address. ESPIPE for a stream.
func offsetArg(t *proc.Thread, d *fd.Description, addr guest.Addr) (*int64, linux.Errno) {
	if addr == 0 {
		return nil, 0
	}
	if d.Stream() {
		return nil, linux.ESPIPE
	}
	off, e := guest.Get[int64](t.Mem(), addr)
	if e == 0 && off < 0 {
		e = linux.EINVAL
	}
	return &off, e
}

// putOffset stores a position that has moved.
func putOffset(t *proc.Thread, off *int64, addr guest.Addr) linux.Errno {
	if off == nil {
		return 0
	}
	return guest.Put(t.Mem(), addr, off)
}

func sendfile(t *proc.Thread, a Args) (int64, linux.Errno) {
	return withTwo(t, a.Int(0), a.Int(1), func(out, in *fd.Description) (int64, linux.Errno) {
		off, e := offsetArg(t, in, a.Addr(2))
		switch {
		case e != 0:
			return 0, e
		case !in.Readable() || !out.Writable():
			return 0, linux.EBADF
		case in.Stream(), out.Flags()&linux.O_APPEND != 0:
			return 0, linux.EINVAL
		}
		n, e := copyFile(t, side{d: out}, side{in, off}, int(min(a.Size(3), maxTransfer)))
		if e != 0 {
			return 0, e
		}
		return n, putOffset(t, off, a.Addr(2))
	})
}

func copyFileRange(t *proc.Thread, a Args) (int64, linux.Errno) {
	return withTwo(t, a.Int(0), a.Int(2), func(in, out *fd.Description) (int64, linux.Errno) {
		if a.Uint(5) != 0 || in.Stream() || out.Stream() {
			return 0, linux.EINVAL
		}
		if !in.Readable() || !out.Writable() || out.Flags()&linux.O_APPEND != 0 {
			return 0, linux.EBADF
		}
		return copyAt(t, out, in, a, maxTransfer)
	})
}

// copyAt copies at most limit bytes between the offsets that arguments 1 and 3 point to, or
// the descriptions' own where they are null, and stores where it ended.
func copyAt(t *proc.Thread, out, in *fd.Description, a Args, limit uint32) (int64, linux.Errno) {
	from, e := offsetArg(t, in, a.Addr(1))
	if e != 0 {
		return 0, e
	}
	to, e := offsetArg(t, out, a.Addr(3))
	if e != 0 {
		return 0, e
	}
	n, e := copyFile(t, side{out, to}, side{in, from}, int(min(a.Size(4), limit)))
	if e == 0 {
		e = putOffset(t, from, a.Addr(1))
	}
	if e == 0 {
		e = putOffset(t, to, a.Addr(3))
	}
	return n, e
}
