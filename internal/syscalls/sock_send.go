package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
)

// Sockets: sending.

// maxPacket bounds the bytes of a packet that are gathered: no socket's buffer is larger.
const maxPacket = 1 << 20

// sending is one message on its way out.
type sending struct {
	d     *fd.Description
	s     *sock.Socket
	out   sock.Outgoing
	flags uint32
}

// starts prepares a message; flags are those of send(2).
func starts(t *proc.Thread, d *fd.Description, s *sock.Socket, flags uint32) (m sending, e linux.Errno) {
	m = sending{d: d, s: s, flags: flags}
	if d.Nonblocking() {
		m.flags |= linux.MSG_DONTWAIT
	}
	if flags&linux.MSG_OOB != 0 {
		if s.Domain == linux.AF_UNIX || s.Packets() {
			return m, linux.EOPNOTSUPP
		}
		m.out.Urgent = true
	}
	if flags&linux.MSG_FASTOPEN != 0 {
		return m, linux.EOPNOTSUPP
	}
	m.out.Cred = who(t).Ucred
	return m, 0
}

// address sets where a message goes; call is whose rules the policy is asked for.
func (m *sending) address(t *proc.Thread, call string, addr guest.Addr, size uint32) linux.Errno {
	if addr == 0 || size == 0 {
		return 0
	}
	switch {
	case m.s.Type == linux.SOCK_SEQPACKET:
		return 0
	case m.s.Type == linux.SOCK_STREAM && m.s.Domain == linux.AF_UNIX:
		if _, e := m.s.Peer(); e != 0 {
			return linux.EOPNOTSUPP
		}
		return linux.EISCONN
	case m.s.Type == linux.SOCK_STREAM:
		return 0
	}
	to, e := getAddress(t, m.s, addr, size)
	if e != 0 {
		return e
	}
	if m.s.Domain != linux.AF_UNIX {
		if to.Family == linux.AF_UNSPEC && m.s.Domain == linux.AF_INET6 {
			return 0
		}
		m.out.To = &to
		return mayUse(t, call, to)
	}
	m.out.Unix, e = findUnix(t, call, to)
	m.out.HasUnix = true
	return e
}

// finish is the result of a message: SIGPIPE if the other side is gone.
func (m *sending) finish(t *proc.Thread, n int64, e linux.Errno) (int64, linux.Errno) {
	if len(m.out.Files) > 0 {
		t.Table().Sockets().Drop(&m.out.Control) // nobody took them
	}
	if e == linux.EPIPE && m.flags&linux.MSG_NOSIGNAL == 0 && m.s.Type != linux.SOCK_DGRAM {
		t.Raise(linux.SIGPIPE)
	}
	if n > 0 {
		return n, 0
	}
	return n, e
}

// vector sends the bytes of a vector, total in all.
func (m *sending) vector(t *proc.Thread, v []iovec, total int) (int64, linux.Errno) {
	if m.s.Packets() {
		if total > maxPacket {
			return m.finish(t, 0, linux.EMSGSIZE)
		}
		p, e := gather(t.Mem(), v, total)
		if e != 0 {
			return m.finish(t, 0, e)
		}
		n, e := m.packet(t, p)
		return m.finish(t, n, e)
	}
	if len(v) == 0 {
		v = []iovec{{}}
	}
	done := int64(0)
	for _, x := range v {
		n, e := m.stream(t, x.Base, int(x.Len))
		done += n
		if e != 0 || n < int64(x.Len) {
			return m.finish(t, done, e)
		}
	}
	return m.finish(t, done, 0)
}

// stream sends bytes of guest memory, and waits until all are sent.
func (m *sending) stream(t *proc.Thread, addr guest.Addr, size int) (done int64, e linux.Errno) {
	for {
		n, e := m.once(t.Mem(), addr+uint32(done), size-int(done))
		if e == linux.EAGAIN && m.flags&linux.MSG_DONTWAIT == 0 {
			n, e = m.wait(t, addr+uint32(done), size-int(done))
		}
		if done += n; e != 0 || n == 0 || done >= int64(size) {
			return done, e
		}
	}
}

// wait waits until bytes can be sent. It is not part of stream, whose closures then cost nothing.
func (m *sending) wait(t *proc.Thread, addr guest.Addr, size int) (int64, linux.Errno) {
	return blockSocket(t, m.s.SendTimeout(), m.s, waitOut, func() (int64, linux.Errno) { return m.once(t.Mem(), addr, size) })
}

func (m *sending) once(mem guest.Memory, addr guest.Addr, size int) (n int64, e linux.Errno) {
	e = mem.View(addr, size, func(p []byte) linux.Errno {
		k, e := m.s.Send(p, &m.out)
		n = int64(k)
		return e
	})
	if n > 0 {
		m.out.Files = nil // they went with the first bytes
	}
	return n, e
}

// packet sends one packet.
func (m *sending) packet(t *proc.Thread, p []byte) (int64, linux.Errno) {
	room, e := m.s.SendPacket(p, &m.out)
	if e == linux.EAGAIN && m.flags&linux.MSG_DONTWAIT == 0 && room != nil {
		_, e = blockQueue(t, m.s.SendTimeout(), room, waitOut, func() (int64, linux.Errno) {
			_, e := m.s.SendPacket(p, &m.out)
			return 0, e
		})
	}
	if e != 0 {
		return 0, e
	}
	if m.s.Domain == linux.AF_UNIX {
		m.out.Files = nil
	}
	return int64(len(p)), 0
}

func sendto(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	m, e := starts(t, d, s, a.Uint(3))
	if e == 0 {
		e = m.address(t, "sendto", a.Addr(4), a.Uint(5))
	}
	if e != 0 {
		return 0, e
	}
	return m.buffer(t, a.Addr(1), a.Size(2))
}

// buffer sends one range of guest memory.
func (m *sending) buffer(t *proc.Thread, addr guest.Addr, size uint32) (int64, linux.Errno) {
	n := int(min(size, maxTransfer))
	if m.s.Packets() {
		return m.vector(t, []iovec{{addr, uint32(n)}}, n)
	}
	done, e := m.stream(t, addr, n)
	return m.finish(t, done, e)
}

// sendFile is write(2) to a socket, with send(2)'s rules.
func sendFile(t *proc.Thread, d *fd.Description, s *sock.Socket, addr guest.Addr, size uint32, nonblock bool) (int64, linux.Errno) {
	m, _ := starts(t, d, s, dontwait(nonblock))
	return m.buffer(t, addr, size)
}

// sendVector is writev(2) to a socket.
func sendVector(t *proc.Thread, d *fd.Description, s *sock.Socket, v []iovec, total int, nonblock bool) (int64, linux.Errno) {
	m, _ := starts(t, d, s, dontwait(nonblock))
	return m.vector(t, v, total)
}

func dontwait(nonblock bool) uint32 {
	if nonblock {
		return linux.MSG_DONTWAIT
	}
	return 0
}

func sendmsg(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	h, e := guest.Get[linux.Msghdr](t.Mem(), a.Addr(1))
	if e != 0 {
		return 0, e
	}
	return sendMessage(t, d, s, &h, a.Uint(2))
}

// sendMessage is sendmsg(2) of a header that was copied.
func sendMessage(t *proc.Thread, d *fd.Description, s *sock.Socket, h *linux.Msghdr, flags uint32) (int64, linux.Errno) {
	m, e := starts(t, d, s, flags)
	if e != 0 {
		return 0, e
	}
	v, total, e := messageVectors(t.Mem(), h)
	if e != 0 {
		return 0, e
	}
	if e := m.address(t, "sendmsg", h.Name, h.Namelen); e != 0 {
		return 0, e
	}
	if h.Control != 0 && h.Controllen > 0 {
		if e := m.control(t, h.Control, h.Controllen); e != 0 {
			return 0, e
		}
	}
	return m.vector(t, v, total)
}

// messageVectors reads the vector of a message.
func messageVectors(mem guest.Memory, h *linux.Msghdr) ([]iovec, int, linux.Errno) {
	if uint32(h.Iovlen) > maxVectors {
		return nil, 0, linux.EMSGSIZE
	}
	return vectors(mem, h.Iov, h.Iovlen)
}

func sendmmsg(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	sent := int64(0)
	for i := range min(a.Uint(2), maxVectors) {
		at := a.Addr(1) + i*sizeMmsghdr
		h, e := guest.Get[linux.Mmsghdr](t.Mem(), at)
		if e == 0 {
			var n int64
			if n, e = sendMessage(t, d, s, &h.Msghdr, a.Uint(3)); e == 0 {
				size := uint32(n)
				e = guest.Put(t.Mem(), at+sizeMmsghdr-4, &size)
			}
		}
		if e != 0 && sent == 0 {
			return 0, e
		}
		if e != 0 {
			break
		}
		sent++
	}
	return sent, 0
}

// sizeMmsghdr is the size of struct mmsghdr.
const sizeMmsghdr = 40
