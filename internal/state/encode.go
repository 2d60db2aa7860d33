package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// Encoder writes a graph. Its methods never fail at once: the first error is what Save returns.
type Encoder struct {
	types  map[string]uint32 // versions by name
	now    time.Time
	chunks Sink
	err    error

	numbers   map[any]uint64
	externals []string // by number
	objects   []Object
	where     string // type of the object that is written
	out       []byte // of that object

	bodies   []body
	hold     int  // bytes of chunks that may be kept until Finish
	finished bool // what follows is Finish's
}

// NewEncoder makes an encoder for objects of some types. now is the moment of the cut. Chunks may
// be nil if nothing writes any.
func NewEncoder(types []Type, now time.Time, chunks Sink) *Encoder {
	e := &Encoder{types: map[string]uint32{}, now: now, chunks: chunks, numbers: map[any]uint64{}}
	for _, t := range types {
		if _, twice := e.types[t.Name]; twice {
			e.Fail(fmt.Errorf("two types are called %s", t.Name))
		}
		e.types[t.Name] = t.Version
	}
	return e
}

// External names an object that is not saved. Names are unique; o is a pointer.
func (e *Encoder) External(name string, o any) {
	switch {
	case len(e.objects) != 0:
		e.Fail(fmt.Errorf("external %s is named after something was saved", name))
	case slices.Contains(e.externals, name):
		e.Fail(fmt.Errorf("two externals are called %s", name))
	case e.numbers[o] == 0:
		e.externals = append(e.externals, name)
		e.numbers[o] = uint64(len(e.externals))
	}
}

// Now is the moment of the cut.
func (e *Encoder) Now() time.Time { return e.now }

// Fail makes the saving fail: an object is in a state that cannot be saved.
func (e *Encoder) Fail(err error) {
	if e.err != nil {
		return
	}
	if e.where != "" {
		err = fmt.Errorf("%s: %w", e.where, err)
	}
	e.err = err
}

// Failf is Fail with a message.
func (e *Encoder) Failf(format string, a ...any) { e.Fail(fmt.Errorf(format, a...)) }

// Failed reports whether there has been an error, so that a long loop can end.
func (e *Encoder) Failed() bool { return e.err != nil }

// number gives the number of an object, which will be saved.
func (e *Encoder) number(o Object) uint64 {
	n, known := e.numbers[o]
	if !known {
		e.objects = append(e.objects, o)
		n = uint64(len(e.externals) + len(e.objects))
		e.numbers[o] = n
	}
	return n
}

// Ref writes a reference to an object or an external; nil is one.
func Ref[T any](e *Encoder, p *T) {
	if p == nil {
		e.Uint(0)
		return
	}
	e.refer(p)
}

// RefAny writes a reference to what an interface holds.
func RefAny[I comparable](e *Encoder, v I) {
	if v == *new(I) {
		e.Uint(0)
		return
	}
	e.refer(v)
}

func (e *Encoder) refer(v any) {
	if n, known := e.numbers[v]; known {
		e.Uint(n)
		return
	}
	o, ok := v.(Object)
	if !ok {
		e.Fail(fmt.Errorf("a %T cannot be saved", v))
		return
	}
	e.Uint(e.number(o))
}

// Uint writes a number.
func (e *Encoder) Uint(v uint64) { e.out = binary.AppendUvarint(e.out, v) }

// Int writes a signed one.
func (e *Encoder) Int(v int64) { e.out = binary.AppendVarint(e.out, v) }

// Len writes the length of a list, whose elements follow.
func (e *Encoder) Len(n int) { e.Uint(uint64(n)) }

// Bool writes a truth value.
func (e *Encoder) Bool(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	e.out = append(e.out, b)
}

// Float writes a floating-point number.
func (e *Encoder) Float(v float64) {
	e.out = binary.LittleEndian.AppendUint64(e.out, math.Float64bits(v))
}

// Bytes writes bytes with their number.
func (e *Encoder) Bytes(b []byte) {
	e.Len(len(b))
	e.out = append(e.out, b...)
}

// Raw writes bytes whose number the reader knows.
func (e *Encoder) Raw(b []byte) { e.out = append(e.out, b...) }

// String writes a string.
func (e *Encoder) String(s string) {
	e.Len(len(s))
	e.out = append(e.out, s...)
}

// Strings writes a list of strings.
func (e *Encoder) Strings(list []string) {
	e.Len(len(list))
	for _, s := range list {
		e.String(s)
	}
}

// Duration writes a time span.
func (e *Encoder) Duration(d time.Duration) { e.Int(int64(d)) }

// Deadline writes a monotonic moment, past or future, by its distance from the cut. The zero time is kept.
func (e *Encoder) Deadline(t time.Time) {
	e.Bool(!t.IsZero())
	if !t.IsZero() {
		e.Duration(t.Sub(e.now))
	}
}

// Wall writes a moment of the wall clock, without its monotonic reading.
func (e *Encoder) Wall(t time.Time) {
	e.Int(t.Unix())
	e.Uint(uint64(t.Nanosecond()))
}

// Chunk writes a content of up to 1 MiB beside the stream, under its digest.
func (e *Encoder) Chunk(b []byte) {
	if e.err != nil {
		return
	}
	if e.chunks == nil || len(b) > maxChunk {
		e.Fail(fmt.Errorf("a chunk of %d bytes: there is no place for it", len(b)))
		return
	}
	e.Len(len(b))
	if !e.finished && len(b) <= e.hold {
		e.hold -= len(b)
		e.keep(b)
		return
	}
	c, err := e.chunks.Put(b)
	if err != nil {
		e.Fail(err)
		return
	}
	e.Raw(c[:])
}
