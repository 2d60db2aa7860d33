package sock

import (
	"math"
	"net/netip"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs/pipe"
)

// Types are what this package saves.
var Types = []state.Type{state.Of[Stack](1), state.Of[Socket](2), state.Of[buffer](1), state.Of[node](1)}

// StateType names the type.
func (*Stack) StateType() string { return "sock.Stack" }

// SaveState writes the stack. Who uses which port and name follows from the sockets, and so does what is in flight.
func (k *Stack) SaveState(e *state.Encoder) {
	state.Ref(e, k.pool)
	e.Uint(k.inode.Load())
	e.Uint(uint64(k.autobind))
	list := k.listed(func(*Socket) bool { return true })
	e.Len(len(list))
	for _, s := range list {
		state.Ref(e, s)
	}
}

// LoadState reads it.
func (k *Stack) LoadState(d *state.Decoder) {
	k.pool = state.Need[*pipe.Pool](d)
	k.inode.Store(d.Uint(math.MaxUint64))
	k.autobind = uint32(d.Uint(0xfffff))
	k.abstract, k.all = map[string]*Socket{}, map[*Socket]struct{}{}
	list := make([]*Socket, d.Count(1))
	for i := range list {
		list[i] = state.Need[*Socket](d)
	}
	d.After(func() error {
		for _, s := range list {
			k.adopt(s)
		}
		return nil
	})
}

// adopt makes a socket that was loaded known by its port or name, and counts what it holds in flight.
func (k *Stack) adopt(s *Socket) {
	k.all[s] = struct{}{}
	switch {
	case s.bound && !s.unix() && s.local.IP.IsValid():
		k.portsOf(s).add(s, s.accepted)
	case s.bound && s.local.Abstract():
		k.abstract[s.local.Unix] = s
	}
	if s.to != nil {
		to := s.to
		s.to = nil
		s.joinLocked(to)
	}
	for _, b := range []*buffer{s.inbox, s.reads()} {
		if b != nil {
			b.eachControl(func(c *Control) { k.Fly(c, c.user, true, 0) })
		}
	}
}

// reads is what a connected socket reads from.
func (s *Socket) reads() *buffer {
	if c := s.conn.Load(); c != nil {
		return c.in
	}
	return nil
}

// StateType names the type.
func (*Socket) StateType() string { return "sock.Socket" }

// SaveState writes the socket.
func (s *Socket) SaveState(e *state.Encoder) {
	state.Ref(e, s.stack)
	for _, n := range []int{s.Domain, s.Type, s.Proto, int(s.state), s.backlog, int(s.pending.Load()), int(s.shut.Load())} {
		e.Uint(uint64(n))
	}
	for _, b := range []bool{s.bound, s.accepted, s.shutRD, s.shutWR, s.announce, s.owner.Super, s.outside} {
		e.Bool(b)
	}
	state.Ref(e, s.node)
	state.Ref(e, s.inbox)
	c := s.conn.Load()
	e.Bool(c != nil)
	if c != nil {
		state.Ref(e, c.in)
		state.Ref(e, c.out)
		state.Ref(e, c.peer)
	}
	saveAddress(e, &s.local)
	saveAddress(e, &s.peer)
	state.Ref(e, s.to)
	state.Ref(e, s.listener)
	for _, list := range [][]*Socket{s.line, s.waiting} {
		e.Len(len(list))
		for _, o := range list {
			state.Ref(e, o)
		}
	}
	saveCred(e, &s.owner.Ucred)
	saveCred(e, &s.peerCred)
	s.opts.SaveState(e)
}

// LoadState reads it.
func (s *Socket) LoadState(d *state.Decoder) {
	s.stack = state.Need[*Stack](d)
	s.Domain, s.Type, s.Proto = int(d.Uint(linux.AF_MAX)), int(d.Uint(linux.SOCK_MAX)), int(d.Uint(linux.IPPROTO_MAX))
	if proto, e := Check(s.Domain, s.Type, s.Proto); e != 0 || proto != s.Proto {
		d.Failf("a socket of family %d, type %d, protocol %d", s.Domain, s.Type, s.Proto)
	}
	s.state, s.backlog = phase(d.Uint(uint64(closed))), int(d.Uint(linux.SOMAXCONN))
	s.pending.Store(uint32(d.Uint(511)))
	s.shut.Store(uint32(d.Uint(3)))
	for _, b := range []*bool{&s.bound, &s.accepted, &s.shutRD, &s.shutWR, &s.announce, &s.owner.Super, &s.outside} {
		*b = d.Bool()
	}
	s.node = state.Need[*node](d)
	s.inbox = state.Get[*buffer](d)
	if d.Bool() {
		s.conn.Store(&conn{in: state.Need[*buffer](d), out: state.Need[*buffer](d), peer: state.Need[*Socket](d)})
	}
	if s.outside && (s.conn.Load() == nil || !s.isTCP()) {
		d.Failf("the other side of a connection to outside without a connection")
	}
	if (s.inbox == nil) == s.datagram() {
		d.Failf("an inbox is for datagram sockets, and they have one")
	}
	s.local, s.peer = loadAddress(d), loadAddress(d)
	s.to, s.listener = state.Get[*Socket](d), state.Get[*Socket](d)
	for _, list := range []*[]*Socket{&s.line, &s.waiting} {
		for range d.Count(1) {
			*list = append(*list, state.Need[*Socket](d))
		}
	}
	loadCred(d, &s.owner.Ucred)
	loadCred(d, &s.peerCred)
	s.opts.LoadState(d)
	d.After(s.connectLoaded)
}

// connectLoaded has the buffers tell the sockets.
func (s *Socket) connectLoaded() error {
	if s.inbox != nil {
		s.inbox.readers, s.inbox.writers = &s.queue, &s.room
	}
	if c := s.conn.Load(); c != nil {
		c.in.readers, c.out.writers = &s.queue, &s.queue
		if c.in.writers == nil {
			c.in.writers = &c.peer.queue
		}
		if c.out.readers == nil {
			c.out.readers = &c.peer.queue
		}
	}
	return nil
}

// StateType names the type.
func (*buffer) StateType() string { return "sock.buffer" }

// SaveState writes what is in the buffer. Who reads and writes is said by the sockets.
func (b *buffer) SaveState(e *state.Encoder) {
	state.Ref(e, b.pool)
	for _, v := range []bool{b.packets, b.fin, b.deaf, b.orphan} {
		e.Bool(v)
	}
	e.Uint(uint64(b.limit))
	e.Uint(uint64(b.urgent))
	e.Uint(b.taken)
	held := make([]byte, b.ring.n)
	b.ring.peek(held, 0)
	e.Bytes(held)
	e.Len(len(b.marks))
	for i := range b.marks {
		m := &b.marks[i]
		e.Uint(m.at)
		e.Uint(m.end)
		saveControl(e, &m.Control)
	}
	e.Len(len(b.list))
	for i := range b.list {
		p := &b.list[i]
		e.Bytes(p.data)
		saveAddress(e, &p.from)
		saveControl(e, &p.Control)
	}
}

// LoadState reads it. What is held is there whatever the limit of the pool says by now.
func (b *buffer) LoadState(d *state.Decoder) {
	b.pool = state.Need[*pipe.Pool](d)
	for _, v := range []*bool{&b.packets, &b.fin, &b.deaf, &b.orphan} {
		*v = d.Bool()
	}
	b.limit, b.urgent = int(d.Uint(math.MaxInt32)), int(d.Uint(256))
	b.taken = d.Uint(math.MaxInt64)
	held := d.Bytes()
	for range d.Count(5) {
		m := mark{at: d.Uint(math.MaxInt64), end: d.Uint(math.MaxInt64)}
		loadControl(d, &m.Control)
		b.marks = append(b.marks, m)
	}
	for range d.Count(6) {
		p := packet{data: d.Bytes(), from: loadAddress(d)}
		loadControl(d, &p.Control)
		b.bytes += len(p.data) + overhead
		b.list = append(b.list, p)
	}
	if d.Failed() {
		return
	}
	size := smallest
	for size < len(held) {
		size *= 2
	}
	if len(held) > 0 {
		b.ring.buf = b.pool.Must(size)
		b.ring.put(held)
	}
	b.pool.Owe(b.bytes)
	d.Undo(func() {
		b.pool.Put(b.ring.buf)
		b.pool.Discharge(b.bytes)
	})
}

// StateType names the type.
func (*node) StateType() string { return "sock.node" }

// SaveState writes the inode.
func (n *node) SaveState(e *state.Encoder) {
	state.Ref(e, n.socket)
	e.Uint(n.ino)
	s := &n.stat
	for _, v := range []uint32{s.Mode, s.UID, s.GID} {
		e.Uint(uint64(v))
	}
	for _, t := range []linux.Timespec{s.Atim, s.Mtim, s.Ctim} {
		e.Int(t.Sec)
		e.Int(t.Nsec)
	}
}

// LoadState reads it.
func (n *node) LoadState(d *state.Decoder) {
	n.socket = state.Need[*Socket](d)
	n.ino = d.Uint(math.MaxUint64)
	s := &n.stat
	*s = linux.Stat{Dev: socketDevice, Ino: n.ino, Nlink: 1, Blksize: 4096}
	for _, v := range []*uint32{&s.Mode, &s.UID, &s.GID} {
		*v = uint32(d.Uint(math.MaxUint32))
	}
	for _, t := range []*linux.Timespec{&s.Atim, &s.Mtim, &s.Ctim} {
		t.Sec, t.Nsec = d.Int(-1<<62, 1<<62), d.Int(0, 999_999_999)
	}
	if s.Mode&linux.S_IFMT != linux.S_IFSOCK {
		d.Failf("a socket of mode %o", s.Mode)
	}
}

func saveControl(e *state.Encoder, c *Control) {
	e.Len(len(c.Files))
	for _, f := range c.Files {
		state.Ref(e, f)
	}
	saveCred(e, &c.Cred)
	e.Bool(c.HasCred)
	e.Uint(uint64(c.user))
}

func loadControl(d *state.Decoder, c *Control) {
	for range d.Count(1) {
		c.Files = append(c.Files, state.Need[*fd.Description](d))
	}
	loadCred(d, &c.Cred)
	c.HasCred = d.Bool()
	c.user = uint32(d.Uint(math.MaxUint32))
}

func saveCred(e *state.Encoder, u *linux.Ucred) {
	e.Int(int64(u.PID))
	e.Uint(uint64(u.UID))
	e.Uint(uint64(u.GID))
}

func loadCred(d *state.Decoder, u *linux.Ucred) {
	u.PID = int32(d.Int(0, math.MaxInt32))
	u.UID, u.GID = uint32(d.Uint(math.MaxUint32)), uint32(d.Uint(math.MaxUint32))
}

func saveAddress(e *state.Encoder, a *Address) {
	e.Uint(uint64(a.Family))
	e.String(a.Unix)
	ip := a.IP.Addr().AsSlice()
	e.Bytes(ip)
	e.Uint(uint64(a.IP.Port()))
}

func loadAddress(d *state.Decoder) (a Address) {
	a.Family = uint16(d.Uint(linux.AF_MAX))
	a.Unix = d.String()
	ip, ok := netip.AddrFromSlice(d.Bytes())
	port := uint16(d.Uint(math.MaxUint16))
	if ok {
		a.IP = netip.AddrPortFrom(ip, port)
	}
	return a
}
