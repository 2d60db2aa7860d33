package syscalls

import (
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
)

// Sockets: receiving.

// receiving is one message on its way in.
type receiving struct {
	d     *fd.Description
	s     *sock.Socket
	in    sock.Incoming
	flags uint32 // of recv(2)
	out   uint32 // of the message: MSG_TRUNC
}

func awaits(d *fd.Description, s *sock.Socket, flags uint32) receiving {
	if d.Nonblocking() {
		flags |= linux.MSG_DONTWAIT
	}
	r := receiving{d: d, s: s, flags: flags}
	r.in.Peek = flags&linux.MSG_PEEK != 0
	r.in.Discard = flags&linux.MSG_TRUNC != 0 && s.Domain != linux.AF_UNIX
	return r
}

// vector receives into a vector, total bytes long.
func (r *receiving) vector(t *proc.Thread, v []iovec, total int) (int64, linux.Errno) {
	switch {
	case r.flags&linux.MSG_ERRQUEUE != 0:
		return 0, linux.EAGAIN
	case r.flags&linux.MSG_OOB != 0 && (!r.s.Packets() || r.s.Domain == linux.AF_UNIX):
		return r.urgent(t, v)
	case r.s.Packets():
		return r.packet(t, v, total)
	}
	return r.stream(t, v, total)
}

// stream reads bytes: what is there, or with MSG_WAITALL all.
func (r *receiving) stream(t *proc.Thread, v []iovec, total int) (done int64, e linux.Errno) {
	if total == 0 {
		return 0, 0
	}
	for _, x := range v {
		for at := uint32(0); ; {
			n, e := r.once(t.Mem(), x.Base+at, int(x.Len-at))
			if e == linux.EAGAIN && r.flags&linux.MSG_DONTWAIT == 0 && (done == 0 || r.flags&linux.MSG_WAITALL != 0) {
				n, e = r.wait(t, x.Base+at, int(x.Len-at))
			}
			done += n
			at += uint32(n)
			switch {
			case e != 0 && done > 0:
				return done, 0
			case e != 0 || n == 0 || r.in.Ended && done > 0:
				return done, e
			}
			if at == x.Len {
				break
			}
			if r.flags&linux.MSG_WAITALL == 0 && at < x.Len {
				return done, 0
			}
		}
	}
	return done, 0
}

// wait waits until there are bytes.
func (r *receiving) wait(t *proc.Thread, addr guest.Addr, size int) (int64, linux.Errno) {
	return blockSocket(t, r.s.ReceiveTimeout(), r.s, waitIn, func() (int64, linux.Errno) { return r.once(t.Mem(), addr, size) })
}

func (r *receiving) once(mem guest.Memory, addr guest.Addr, size int) (n int64, e linux.Errno) {
	e = mem.View(addr, size, func(p []byte) linux.Errno {
		k, e := r.s.Recv(p, &r.in)
		n = int64(k)
		return e
	})
	return n, e
}

// packet takes a packet, cut to the vector.
func (r *receiving) packet(t *proc.Thread, v []iovec, total int) (int64, linux.Errno) {
	data, e := r.s.RecvPacket(&r.in)
	if e == linux.EAGAIN && r.flags&linux.MSG_DONTWAIT == 0 {
		_, e = blockSocket(t, r.s.ReceiveTimeout(), r.s, waitIn, func() (_ int64, e linux.Errno) {
			data, e = r.s.RecvPacket(&r.in)
			return 0, e
		})
	}
	if e != 0 {
		return 0, e
	}
	rest := data[:min(len(data), total)]
	for _, x := range v {
		n := min(len(rest), int(x.Len))
		if e := t.Mem().Write(x.Base, rest[:n]); e != 0 {
			return 0, e
		}
		rest = rest[n:]
	}
	if len(data) > total {
		r.out |= linux.MSG_TRUNC
		if r.flags&linux.MSG_TRUNC != 0 {
			return int64(len(data)), 0
		}
	}
	return int64(min(len(data), total)), 0
}

// urgent is MSG_OOB.
func (r *receiving) urgent(t *proc.Thread, v []iovec) (int64, linux.Errno) {
	var b [1]byte
	if len(v) == 0 {
		return 0, 0
	}
	n, e := r.s.ReadUrgent(b[:], r.in.Peek)
	if e != 0 || n == 0 {
		return 0, e
	}
	r.out |= linux.MSG_OOB
	return 1, t.Mem().Write(v[0].Base, b[:])
}

// drop gives up what came beside the bytes.
func (r *receiving) drop(t *proc.Thread) {
	if len(r.in.Files) == 0 {
		return
	}
	r.land(t)
	for _, d := range r.in.Files {
		d.Unref()
	}
	r.in.Files = nil
}

// land takes the files out of flight, unless they were only peeked at.
func (r *receiving) land(t *proc.Thread) {
	if !r.in.Peek {
		t.Table().Sockets().Land(&r.in.Control)
	}
}

func recvfrom(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	r := awaits(d, s, a.Uint(3))
	n, e := r.buffer(t, a.Addr(1), a.Size(2))
	if e != 0 {
		return 0, e
	}
	if a.Addr(4) != 0 {
		if e := putAddress(t, r.sender(), a.Addr(4), a.Addr(5)); e != 0 {
			return 0, e
		}
	}
	return n, 0
}

// sender is the address that recvfrom(2) gives: none of a connection over TCP, and none of a
// UNIX socket without a name.
func (r *receiving) sender() sock.Address {
	if r.s.Domain == linux.AF_UNIX && r.in.From.Unnamed() || r.s.Type == linux.SOCK_STREAM && r.s.Domain != linux.AF_UNIX {
		return sock.Address{}
	}
	return r.in.From
}

// buffer receives into one range of guest memory.
func (r *receiving) buffer(t *proc.Thread, addr guest.Addr, size uint32) (int64, linux.Errno) {
	v := [1]iovec{{addr, min(size, maxTransfer)}}
	n, e := r.vector(t, v[:], int(v[0].Len))
	r.drop(t)
	return n, e
}

// recvFile is read(2) of a socket.
func recvFile(t *proc.Thread, d *fd.Description, s *sock.Socket, addr guest.Addr, size uint32, nonblock bool) (int64, linux.Errno) {
	r := awaits(d, s, dontwait(nonblock))
	if size == 0 && !s.Packets() {
		return 0, 0
	}
	return r.buffer(t, addr, size)
}

// recvVector is readv(2) of a socket.
func recvVector(t *proc.Thread, d *fd.Description, s *sock.Socket, v []iovec, nonblock bool) (int64, linux.Errno) {
	r := awaits(d, s, dontwait(nonblock))
	total := 0
	for _, x := range v {
		total += int(x.Len)
	}
	n, e := r.vector(t, v, total)
	r.drop(t)
	return n, e
}

func recvmsg(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return recvMessage(t, d, s, a.Addr(1), a.Uint(2))
}

// recvMessage is recvmsg(2) with the header at addr.
func recvMessage(t *proc.Thread, d *fd.Description, s *sock.Socket, addr guest.Addr, flags uint32) (int64, linux.Errno) {
	h, e := guest.Get[linux.Msghdr](t.Mem(), addr)
	if e != 0 {
		return 0, e
	}
	if int32(h.Namelen) < 0 {
		return 0, linux.EINVAL
	}
	v, total, e := messageVectors(t.Mem(), &h)
	if e != 0 {
		return 0, e
	}
	r := awaits(d, s, flags)
	n, e := r.vector(t, v, total)
	if e != 0 {
		r.drop(t)
		return 0, e
	}
	return n, r.deliver(t, addr, &h)
}

// deliver stores what came beside the bytes, and the header.
func (r *receiving) deliver(t *proc.Thread, addr guest.Addr, h *linux.Msghdr) linux.Errno {
	defer r.drop(t)
	if h.Name != 0 {
		from := r.sender()
		p := []byte{}
		if from.Family != 0 {
			p = from.Encode()
		}
		if e := t.Mem().Write(h.Name, p[:min(len(p), int(h.Namelen))]); e != 0 {
			return e
		}
		h.Namelen = uint32(len(p))
	}
	c := received{t: t, addr: h.Control, room: h.Controllen}
	if h.Control == 0 {
		c.room = 0
	}
	var e linux.Errno
	if r.s.PassCred() {
		e = c.credentials(&r.in)
	}
	if len(r.in.Files) > 0 && e == 0 {
		r.land(t)
		files := r.in.Files
		r.in.Files = nil
		e = c.files(files, r.flags&linux.MSG_CMSG_CLOEXEC != 0)
	}
	if e != 0 {
		return e
	}
	h.Controllen = c.used
	h.Flags = r.out | c.flags | r.flags&linux.MSG_CMSG_CLOEXEC
	return guest.Put(t.Mem(), addr, h)
}

func recvmmsg(t *proc.Thread, a Args) (int64, linux.Errno) {
	sleeps, deadline, e := timeout(t, a.Addr(4))
	if e != 0 {
		return 0, e
	}
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	flags, got := a.Uint(3), int64(0)
	for i := range min(a.Uint(2), maxVectors) {
		at := a.Addr(1) + i*sizeMmsghdr
		n, e := recvMessage(t, d, s, at, flags&^linux.MSG_WAITFORONE)
		if e == 0 {
			size := uint32(n)
			e = guest.Put(t.Mem(), at+sizeMmsghdr-4, &size)
		}
		if e != 0 && got == 0 {
			return 0, e
		}
		if e != 0 {
			break
		}
		got++
		if flags&linux.MSG_WAITFORONE != 0 {
			flags |= linux.MSG_DONTWAIT
		}
		if !sleeps || !deadline.IsZero() && !time.Now().Before(deadline) {
			break // the time counts only between messages, as on Linux
		}
	}
	return got, 0
}
