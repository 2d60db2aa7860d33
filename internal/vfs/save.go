package vfs

import (
	"errors"
	"fmt"
	"math"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Types are what this package saves.
var Types = []state.Type{
	state.Of[Namespace](1), state.Of[Mount](1), state.Of[Entry](1), state.Of[Context](1), state.Of[dirs](1),
	state.Of[Cred](1), state.Of[pathFile](1), state.Of[Sealed](1), state.Of[Content](1),
}

// HostBacked is a file system, or the base of one, something of which is the host's: given anew when a
// container is restored, under the same names.
type HostBacked interface {
	Externals(give func(name string, o any))
}

// Externals names what of the file system at target is the host's, to an encoder or a decoder.
func Externals(target string, fs any, give func(name string, o any)) {
	if h, ok := fs.(HostBacked); ok {
		h.Externals(func(name string, o any) { give(name+" on "+target, o) })
	}
}

// ValueNode is a Node that is no pointer: it is written where it is referred to, and its file system makes it again.
type ValueNode interface {
	Node
	Maker() NodeMaker
	SaveState(e *state.Encoder)
}

// NodeMaker is a file system of such nodes. It may itself not be loaded yet.
type NodeMaker interface {
	LoadNode(d *state.Decoder) Node
}

// SaveNode writes a reference to a node, which may be nil.
func SaveNode(e *state.Encoder, n Node) {
	v, ok := n.(ValueNode)
	e.Bool(ok)
	if !ok {
		state.RefAny(e, n)
		return
	}
	state.RefAny(e, v.Maker())
	v.SaveState(e)
}

// LoadNode reads it.
func LoadNode(d *state.Decoder) Node {
	if !d.Bool() {
		return state.Get[Node](d)
	}
	if m := state.Need[NodeMaker](d); m != nil {
		return m.LoadNode(d)
	}
	return nil
}

// StateType names the type.
func (*Entry) StateType() string { return "vfs.Entry" }

// SaveState writes the entry with its place.
func (e *Entry) SaveState(s *state.Encoder) {
	p := e.place.Load()
	SaveNode(s, e.node)
	state.Ref(s, p.parent)
	s.String(p.name)
	s.Uint(uint64(p.kind))
	s.Uint(uint64(max(e.opens.Load(), 0)))
	s.Bool(e.mounted.Load())
}

// LoadState reads it.
func (e *Entry) LoadState(d *state.Decoder) {
	if e.node = LoadNode(d); e.node == nil {
		d.Fail(errors.New("an entry without a node"))
	}
	e.place.Store(&place{parent: state.Get[*Entry](d), name: d.String(), kind: placeKind(d.Uint(uint64(anonymous)))})
	e.opens.Store(int32(d.Uint(math.MaxInt32)))
	e.mounted.Store(d.Bool())
	d.Complete(func() error {
		d.Complete(e.loadDone)
		return e.loadParents()
	})
}

// Marks of places while parents are looked at.
const (
	visiting placeKind = 0x40
	visited  placeKind = 0x80
)

// loadParents refuses an entry whose parents come round in a circle. Each entry is visited once.
func (e *Entry) loadParents() error {
	top := e
	for ; top != nil; top = top.Parent() {
		p := top.place.Load()
		if p.kind&visiting != 0 {
			return fmt.Errorf("directory entry %.100q lies below itself", top.Name())
		}
		if p.kind&visited != 0 {
			break
		}
		p.kind |= visiting
	}
	for x := e; x != top; x = x.Parent() {
		p := x.place.Load()
		p.kind = p.kind&^visiting | visited
	}
	return nil
}

// loadDone takes the marks away.
func (e *Entry) loadDone() error {
	e.place.Load().kind &^= visited
	return nil
}

// SaveState writes a path.
func (p Path) SaveState(e *state.Encoder) {
	e.Bool(p.Mount == nowhere)
	if p.Mount != nowhere {
		state.Ref(e, p.Mount)
	}
	state.Ref(e, p.Entry)
}

// LoadState reads it.
func (p *Path) LoadState(d *state.Decoder) {
	if p.Mount = nowhere; !d.Bool() {
		p.Mount = state.Get[*Mount](d)
	}
	if p.Entry = state.Get[*Entry](d); p.Entry == nil && p.Mount != nil {
		d.Fail(errors.New("a path without an entry"))
	}
}

// StateType names the type.
func (*pathFile) StateType() string { return "vfs.pathFile" }

// SaveState writes what an O_PATH descriptor holds.
func (f *pathFile) SaveState(e *state.Encoder) { SaveNode(e, f.node) }

// LoadState reads it. The node has counted it.
func (f *pathFile) LoadState(d *state.Decoder) {
	if f.node = LoadNode(d); f.node == nil {
		d.Fail(errors.New("a descriptor of no node"))
	}
}

// StateType names the type.
func (*Content) StateType() string { return "vfs.Content" }

// contentStep is how much of a content is a chunk.
const contentStep = 64 << 10

// SaveState writes the bytes.
func (c *Content) SaveState(e *state.Encoder) {
	b := c.Bytes // they are never changed
	e.Uint(uint64(len(b)))
	e.Later(func(e *state.Encoder) {
		for at := 0; at < len(b); at += contentStep {
			e.Chunk(b[at:min(at+contentStep, len(b))])
		}
	}, nil)
}

// LoadState reads them.
func (c *Content) LoadState(d *state.Decoder) {
	for left := d.Uint(math.MaxInt32); left > 0 && !d.Failed(); {
		b := d.Chunk()
		if want := min(left, contentStep); uint64(len(b)) != want {
			d.Failf("a piece of %d bytes of a content, not %d", len(b), want)
			return
		}
		c.Bytes = append(c.Bytes, b...)
		left -= uint64(len(b))
	}
}

// StateType names the type.
func (*Sealed) StateType() string { return "vfs.Sealed" }

// SaveState writes the file.
func (s *Sealed) SaveState(e *state.Encoder) {
	state.Ref(e, s.content)
	SaveStat(e, &s.stat)
}

// LoadState reads it.
func (s *Sealed) LoadState(d *state.Decoder) {
	s.content = state.Need[*Content](d)
	s.stat = LoadStat(d)
}

// SaveStat writes what stat(2) says.
func SaveStat(e *state.Encoder, s *linux.Stat) {
	for _, v := range []uint64{s.Dev, s.Ino, s.Nlink, uint64(s.Mode), uint64(s.UID), uint64(s.GID), s.Rdev} {
		e.Uint(v)
	}
	for _, v := range []int64{s.Size, int64(s.Blksize), s.Blocks} {
		e.Int(v)
	}
	for _, t := range []linux.Timespec{s.Atim, s.Mtim, s.Ctim} {
		e.Int(t.Sec)
		e.Int(t.Nsec)
	}
}

// LoadStat reads it.
func LoadStat(d *state.Decoder) (s linux.Stat) {
	s.Dev, s.Ino, s.Nlink = d.Uint(math.MaxUint64), d.Uint(math.MaxUint64), d.Uint(math.MaxUint64)
	s.Mode = uint32(d.Uint(math.MaxUint32))
	s.UID, s.GID = uint32(d.Uint(math.MaxUint32)), uint32(d.Uint(math.MaxUint32))
	s.Rdev = d.Uint(math.MaxUint64)
	s.Size, s.Blksize, s.Blocks = d.Int(0, math.MaxInt64), d.Int(0, math.MaxInt32), d.Int(0, math.MaxInt64)
	for _, t := range []*linux.Timespec{&s.Atim, &s.Mtim, &s.Ctim} {
		t.Sec, t.Nsec = d.Int(math.MinInt64, math.MaxInt64), d.Int(0, 999_999_999)
	}
	return s
}
