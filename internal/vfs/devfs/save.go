package devfs

import (
	"errors"
	"maps"
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/tty"
)

// Types are what this package saves. /dev itself is of package memfs.
var Types = []state.Type{
	state.Of[PTS](1), state.Of[ptsDir](1), state.Of[special](1), state.Of[slave](1), state.Of[ptsList](1),
	state.Of[null](1), state.Of[zero](1), state.Of[full](1), state.Of[random](1),
	state.Of[Generation](1), state.Of[GenerationFile](1),
}

// StateType names the type.
func (*PTS) StateType() string { return "devfs.PTS" }

// SaveState writes the pseudo terminals. Who loads them registers the devices again.
func (p *PTS) SaveState(e *state.Encoder) {
	state.RefAny(e, p.jobs)
	e.Uint(p.dev)
	state.Ref(e, p.root)
	state.Ref(e, p.ptmx)
	e.Len(len(p.slaves))
	for _, n := range slices.Sorted(maps.Keys(p.slaves)) {
		e.Uint(uint64(n))
		state.Ref(e, p.slaves[n])
	}
}

// LoadState reads them.
func (p *PTS) LoadState(d *state.Decoder) {
	p.jobs = state.Need[tty.Jobs](d)
	p.dev = d.Uint(1<<64 - 1)
	p.root, p.ptmx = state.Need[*vfs.Entry](d), state.Need[*vfs.Entry](d)
	p.slaves = map[int]*slave{}
	for range d.Count(2) {
		n := int(d.Uint(maxPTYs - 1))
		p.slaves[n] = state.Need[*slave](d)
	}
}

// saveNode writes the attributes.
func (n *node) saveNode(e *state.Encoder) { vfs.SaveStat(e, &n.stat) }

// loadNode reads them.
func (n *node) loadNode(d *state.Decoder, kind uint32) {
	if n.stat = vfs.LoadStat(d); n.stat.Mode&linux.S_IFMT != kind {
		d.Failf("a node of mode %o", n.stat.Mode)
	}
}

// StateType names the type.
func (*ptsDir) StateType() string { return "devfs.ptsDir" }

// SaveState writes the directory.
func (x *ptsDir) SaveState(e *state.Encoder) {
	x.node.saveNode(e)
	state.Ref(e, x.pts)
}

// LoadState reads it.
func (x *ptsDir) LoadState(d *state.Decoder) {
	x.node.loadNode(d, linux.S_IFDIR)
	x.pts = state.Need[*PTS](d)
}

// StateType names the type.
func (*special) StateType() string { return "devfs.special" }

// SaveState writes the node.
func (s *special) SaveState(e *state.Encoder) { s.node.saveNode(e) }

// LoadState reads it.
func (s *special) LoadState(d *state.Decoder) { s.node.loadNode(d, linux.S_IFCHR) }

// StateType names the type.
func (*slave) StateType() string { return "devfs.slave" }

// SaveState writes the node and its terminal.
func (s *slave) SaveState(e *state.Encoder) {
	s.special.SaveState(e)
	state.Ref(e, s.tty)
	state.Ref(e, s.entry)
}

// LoadState reads it.
func (s *slave) LoadState(d *state.Decoder) {
	s.special.LoadState(d)
	s.tty = state.Need[*tty.TTY](d)
	s.entry = state.Need[*vfs.Entry](d)
}

// StateType names the type.
func (*ptsList) StateType() string { return "devfs.ptsList" }

// SaveState writes the open directory.
func (l *ptsList) SaveState(e *state.Encoder) { state.Ref(e, l.d) }

// LoadState reads it.
func (l *ptsList) LoadState(d *state.Decoder) { l.d = state.Need[*ptsDir](d) }

// SaveState writes an open memory device.
func (b *base) SaveState(e *state.Encoder) { state.RefAny(e, b.node) }

// LoadState reads it.
func (b *base) LoadState(d *state.Decoder) {
	if b.node = state.Need[vfs.Node](d); b.node == nil {
		d.Fail(errors.New("a device without an inode"))
	}
}

// StateType names the type.
func (*null) StateType() string { return "devfs.null" }

// StateType names the type.
func (*zero) StateType() string { return "devfs.zero" }

// StateType names the type.
func (*full) StateType() string { return "devfs.full" }

// StateType names the type.
func (*random) StateType() string { return "devfs.random" }
