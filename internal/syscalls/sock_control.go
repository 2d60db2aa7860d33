package syscalls

import (
	"encoding/binary"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
)

// Sockets: control messages.

// maxControl bounds the control messages of one call, as net.core.optmem_max does.
const maxControl = 20480

// cmsg is one control message.
type cmsg struct {
	level, typ int32
	data       []byte
}

// nextControl reads the first control message of p, and gives what follows it. ok is false
// where there is none.
func nextControl(p []byte) (c cmsg, rest []byte, ok bool, e linux.Errno) {
	if len(p) < linux.CmsghdrSize {
		return c, nil, false, 0
	}
	size := uint64(binary.NativeEndian.Uint32(p))
	if size < linux.CmsghdrSize || size > uint64(len(p)) {
		return c, nil, false, linux.EINVAL
	}
	c.level = int32(binary.NativeEndian.Uint32(p[8:]))
	c.typ = int32(binary.NativeEndian.Uint32(p[12:]))
	c.data = p[linux.CmsghdrSize:size]
	return c, p[min((size+linux.CmsgAlign-1)&^(linux.CmsgAlign-1), uint64(len(p))):], true, 0
}

// control reads the control messages of a message that is sent. The files are in flight then.
func (m *sending) control(t *proc.Thread, addr guest.Addr, size uint32) linux.Errno {
	if size > maxControl {
		return linux.ENOBUFS
	}
	p := make([]byte, size)
	if e := t.Mem().Read(addr, p); e != 0 {
		return e
	}
	for {
		c, rest, ok, e := nextControl(p)
		if ok && c.level == linux.SOL_SOCKET {
			e = m.one(t, &c)
		}
		if e != 0 {
			for _, d := range m.out.Files {
				d.Unref()
			}
			m.out.Files = nil
			return e
		}
		if !ok {
			break
		}
		p = rest
	}
	if len(m.out.Files) == 0 {
		return 0
	}
	cred := t.Cred()
	e := t.Table().Sockets().Fly(&m.out.Control, cred.UID, cred.Super(), t.Limit(linux.RLIMIT_NOFILE))
	if e != 0 {
		for _, d := range m.out.Files {
			d.Unref()
		}
		m.out.Files = nil
	}
	return e
}

// one takes over one control message.
func (m *sending) one(t *proc.Thread, c *cmsg) linux.Errno {
	unix := m.s.Domain == linux.AF_UNIX
	switch {
	case c.typ == linux.SCM_RIGHTS && unix:
		return m.files(t, c.data)
	case c.typ == linux.SCM_CREDENTIALS && unix:
		return m.credentials(t, c.data)
	case c.typ == linux.SCM_RIGHTS, c.typ == linux.SCM_CREDENTIALS:
		return 0
	}
	return linux.EINVAL
}

// files is SCM_RIGHTS.
func (m *sending) files(t *proc.Thread, data []byte) linux.Errno {
	if len(m.out.Files)+len(data)/4 > linux.SCM_MAX_FD {
		return linux.EINVAL
	}
	for ; len(data) >= 4; data = data[4:] {
		d, e := t.Files().GetAny(int32(binary.NativeEndian.Uint32(data)))
		if e != 0 {
			return e
		}
		m.out.Files = append(m.out.Files, d)
	}
	return 0
}

// credentials is SCM_CREDENTIALS: who one is, or, for root, anybody that exists.
func (m *sending) credentials(t *proc.Thread, data []byte) linux.Errno {
	if len(data) != 12 {
		return linux.EINVAL
	}
	u := linux.Ucred{
		PID: int32(binary.NativeEndian.Uint32(data)),
		UID: binary.NativeEndian.Uint32(data[4:]), GID: binary.NativeEndian.Uint32(data[8:]),
	}
	c := t.Cred()
	if !c.Super() {
		if int(u.PID) != t.Process().PID() || u.UID != c.UID && u.UID != c.EUID && u.UID != c.SUID || !c.InGroup(u.GID) {
			return linux.EPERM
		}
	} else if _, ok := t.Table().Find(int(u.PID)); !ok {
		return linux.ESRCH
	}
	m.out.Cred, m.out.HasCred = u, true
	return 0
}

// received is where control messages go.
type received struct {
	t     *proc.Thread
	addr  guest.Addr
	room  uint32
	used  uint32
	flags uint32 // MSG_CTRUNC
}

// put stores a control message, cut to the room that there is.
func (r *received) put(typ int32, data []byte) linux.Errno {
	left := r.room - r.used
	if left < linux.CmsghdrSize {
		r.flags |= linux.MSG_CTRUNC
		return 0
	}
	size := uint32(linux.CmsghdrSize + len(data))
	if size > left {
		r.flags |= linux.MSG_CTRUNC
		size = left
	}
	p := binary.NativeEndian.AppendUint32(make([]byte, 0, size), size)
	p = append(p, 0, 0, 0, 0)
	p = binary.NativeEndian.AppendUint32(p, linux.SOL_SOCKET)
	p = binary.NativeEndian.AppendUint32(p, uint32(typ))
	p = append(p, data[:size-linux.CmsghdrSize]...)
	if e := r.t.Mem().Write(r.addr+r.used, p); e != 0 {
		return e
	}
	r.used += min((size+linux.CmsgAlign-1)&^(linux.CmsgAlign-1), left)
	return 0
}

// credentials stores SCM_CREDENTIALS.
func (r *received) credentials(in *sock.Incoming) linux.Errno {
	c := in.Cred
	if !in.HasCred && c == (linux.Ucred{}) {
		c = linux.Ucred{UID: 65534, GID: 65534}
	}
	p := binary.NativeEndian.AppendUint32(nil, uint32(c.PID))
	p = binary.NativeEndian.AppendUint32(p, c.UID)
	return r.put(linux.SCM_CREDENTIALS, binary.NativeEndian.AppendUint32(p, c.GID))
}

// files gives the receiver as many of the descriptions as there is room for; it takes over
// their references.
func (r *received) files(list []*fd.Description, cloexec bool) linux.Errno {
	room := 0
	if left := r.room - r.used; left >= linux.CmsghdrSize {
		room = int(left-linux.CmsghdrSize) / 4
	}
	var numbers []byte
	for i, d := range list {
		if i >= room {
			r.flags |= linux.MSG_CTRUNC
			d.Unref()
			continue
		}
		n, e := r.t.Files().Install(d, 0, cloexec, r.t.Limit(linux.RLIMIT_NOFILE))
		if e != 0 {
			r.flags |= linux.MSG_CTRUNC
			room = 0
			continue
		}
		numbers = binary.NativeEndian.AppendUint32(numbers, uint32(n))
	}
	if len(numbers) == 0 {
		return 0
	}
	return r.put(linux.SCM_RIGHTS, numbers)
}
