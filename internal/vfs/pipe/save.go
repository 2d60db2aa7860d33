package pipe

import (
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Types are what this package saves. A Pool is an external: its memory is counted anew.
var Types = []state.Type{state.Of[Pipe](1), state.Of[End](1), state.Of[node](1)}

// StateType names the type.
func (*Pipe) StateType() string { return "pipe.Pipe" }

// SaveState writes the pipe. A source that has not yet been asked for bytes is the host's: whoever connects the
// container with the host again sets it.
func (p *Pipe) SaveState(e *state.Encoder) {
	state.Ref(e, p.pool)
	state.RefAny(e, p.inode)
	e.Bool(p.anonymous)
	p.ring.SaveState(e)
	e.Uint(uint64(p.size))
	e.Uint(uint64(p.readers))
	e.Uint(uint64(p.writers))
	e.Uint(p.readersEver)
	e.Uint(p.writersEver)
}

// LoadState reads it. What is buffered is there whatever the limit of the pool says by now.
func (p *Pipe) LoadState(d *state.Decoder) {
	p.pool = state.Need[*Pool](d)
	p.inode = state.Need[Inode](d)
	p.anonymous = d.Bool()
	buffered := p.ring.load(d)
	p.size = int(d.Uint(MaxSize))
	if p.size < PageSize || p.size&(p.size-1) != 0 || len(buffered) > p.size {
		d.Failf("a pipe of %d bytes that holds %d", p.size, len(buffered))
		return
	}
	p.capacity = p.size
	p.readers, p.writers = int(d.Uint(1<<31-1)), int(d.Uint(1<<31-1))
	p.readersEver, p.writersEver = d.Uint(1<<64-1), d.Uint(1<<64-1)
	if len(buffered) == 0 || d.Failed() {
		return
	}
	size := PageSize
	for size < len(buffered) {
		size *= 2
	}
	p.ring.buf = p.pool.must(size)
	p.ring.put(buffered)
	d.Undo(func() { p.pool.put(p.ring.buf) })
}

// SaveState writes the bytes in it, oldest first: where they begin in the buffer means nothing.
func (r *ring) SaveState(e *state.Encoder) {
	b := make([]byte, r.n)
	r.peek(b)
	e.Bytes(b)
}

// load reads them.
func (r *ring) load(d *state.Decoder) []byte { return d.Bytes() }

// StateType names the type.
func (*End) StateType() string { return "pipe.End" }

// SaveState writes the end.
func (x *End) SaveState(e *state.Encoder) {
	state.Ref(e, x.pipe)
	for _, b := range []bool{x.reads, x.writes, x.closed.Load(), x.waits} {
		e.Bool(b)
	}
	e.Uint(x.peerEver)
}

// LoadState reads it. The pipe has counted it.
func (x *End) LoadState(d *state.Decoder) {
	x.pipe = state.Need[*Pipe](d)
	x.reads, x.writes = d.Bool(), d.Bool()
	x.closed.Store(d.Bool())
	x.waits = d.Bool()
	x.peerEver = d.Uint(1<<64 - 1)
}

// StateType names the type.
func (*node) StateType() string { return "pipe.node" }

// SaveState writes the inode of an anonymous pipe.
func (n *node) SaveState(e *state.Encoder) {
	state.Ref(e, n.pipe)
	s := &n.stat
	e.Uint(s.Ino)
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
	n.pipe = state.Need[*Pipe](d)
	s := &n.stat
	*s = fixed
	s.Ino = d.Uint(1<<64 - 1)
	for _, v := range []*uint32{&s.Mode, &s.UID, &s.GID} {
		*v = uint32(d.Uint(1<<32 - 1))
	}
	for _, t := range []*linux.Timespec{&s.Atim, &s.Mtim, &s.Ctim} {
		t.Sec, t.Nsec = d.Int(-1<<62, 1<<62), d.Int(0, 999_999_999)
	}
	if s.Mode&linux.S_IFMT != linux.S_IFIFO {
		d.Failf("a pipe of mode %o", s.Mode)
	}
	ino := s.Ino
	d.After(func() error {
		p := n.pipe.pool
		if p.inode.Load() < ino {
			p.inode.Store(ino) // so that no later pipe gets the number
		}
		return nil
	})
}
