package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// A graph is written in two steps, so that who is saved need not stand still for all of the time. Begin has each object write
// itself, and what it cannot write later; what is large and has been set aside (Later), and the
// hashing of chunks, is Finish's.

// body is an object that was written.
type body struct {
	kind  uint64
	where string
	bytes []byte
	kept  []kept
	later func(e *Encoder)
	drop  func()
}

// kept is a chunk whose digest is not there yet.
type kept struct {
	at      int // where it belongs in the body
	content []byte
}

// keep leaves room for the digest of a chunk, and keeps the content for Finish.
func (e *Encoder) keep(b []byte) {
	o := &e.bodies[len(e.bodies)-1]
	o.kept = append(o.kept, kept{len(e.out), bytes.Clone(b)})
	e.Raw(make([]byte, len(Chunk{})))
}

// Later has f write the rest of the object that is being written when Finish comes to it: by then the objects may have changed,
// and f refers to none. drop is called after it, or when it is not called.
func (e *Encoder) Later(f func(e *Encoder), drop func()) {
	o := &e.bodies[len(e.bodies)-1]
	o.later, o.drop = f, drop
}

// Begin writes the graph that begins at root, but for what Finish writes, which has to follow if there is no error.
// It keeps chunks of as many bytes as hold says until then.
func (e *Encoder) Begin(root Object, hold int) error {
	e.hold = hold
	e.number(root)
	index := map[string]uint64{}
	for k := 0; k < len(e.objects) && e.err == nil; k++ {
		o := e.objects[k]
		e.where, e.out = o.StateType(), e.out[:0]
		if _, known := e.types[e.where]; !known {
			e.Fail(errors.New("the type is not in the list of types that can be loaded"))
		}
		kind, known := index[e.where]
		if !known {
			kind = uint64(len(index))
			index[e.where] = kind
		}
		e.bodies = append(e.bodies, body{kind: kind, where: e.where})
		o.SaveState(e)
		e.bodies[len(e.bodies)-1].bytes = bytes.Clone(e.out)
	}
	if e.err != nil {
		e.Drop()
		return fmt.Errorf("save the state of the kernel: %w", e.err)
	}
	return nil
}

// Drop ends a graph that was begun, and will not be finished.
func (e *Encoder) Drop() {
	for k := range e.bodies {
		e.dropBody(&e.bodies[k])
	}
	e.bodies = nil
}

func (e *Encoder) dropBody(o *body) {
	if o.drop != nil {
		o.drop()
		o.drop = nil
	}
}

// Finish writes the rest, and gives the stream.
func (e *Encoder) Finish() ([]byte, error) {
	e.finished = true
	defer e.Drop()
	size := 0
	for k := range e.bodies {
		e.finishBody(&e.bodies[k])
		size += len(e.bodies[k].bytes) + binary.MaxVarintLen32
	}
	if e.err != nil {
		return nil, fmt.Errorf("save the state of the kernel: %w", e.err)
	}
	e.where, e.out = "", append(make([]byte, 0, size+1024), magic...)
	var names []string
	for _, o := range e.bodies {
		if o.kind == uint64(len(names)) {
			names = append(names, o.where)
		}
	}
	e.Len(len(names))
	for _, n := range names {
		e.String(n)
		e.Uint(uint64(e.types[n]))
	}
	e.Len(len(e.externals))
	for _, n := range e.externals {
		e.String(n)
	}
	e.Len(len(e.bodies))
	for _, o := range e.bodies {
		e.Uint(o.kind)
	}
	for _, o := range e.bodies {
		e.Bytes(o.bytes)
	}
	return e.out, nil
}

// finishBody writes what of an object was set aside.
func (e *Encoder) finishBody(o *body) {
	e.where = o.where
	for _, c := range o.kept {
		if e.err != nil {
			return
		}
		digest, err := e.chunks.Put(c.content)
		if err != nil {
			e.Fail(err)
			return
		}
		copy(o.bytes[c.at:], digest[:])
	}
	o.kept = nil
	if o.later != nil && e.err == nil {
		e.out = o.bytes
		o.later(e)
		o.bytes, e.out = e.out, nil
	}
	e.dropBody(o)
}

// Save writes the graph that begins at root, at once.
func (e *Encoder) Save(root Object) ([]byte, error) {
	if err := e.Begin(root, 0); err != nil {
		return nil, err
	}
	return e.Finish()
}
