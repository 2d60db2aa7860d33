package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// Decoder reads a graph. After an error every read gives a zero value.
type Decoder struct {
	types  map[string]Type
	now    time.Time
	chunks Source
	err    error

	externals map[string]any
	refs      []any // by number less one
	where     string
	in        []byte // what is left of the object that is read
	complete  []func() error
	after     []func() error
	undo      []func()

	left int64 // bytes that Take may still give
}

// NewDecoder makes a decoder for objects of some types. now is the moment at which the saved
// clocks go on. Chunks may be nil.
func NewDecoder(types []Type, now time.Time, chunks Source) *Decoder {
	d := &Decoder{types: map[string]Type{}, now: now, chunks: chunks, externals: map[string]any{}, left: math.MaxInt64}
	for _, t := range types {
		d.types[t.Name] = t
	}
	return d
}

// External says what an external is here.
func (d *Decoder) External(name string, o any) { d.externals[name] = o }

// Now is the moment at which the saved clocks go on.
func (d *Decoder) Now() time.Time { return d.now }

// Limit bounds what the objects may take of memory beyond what they were read from.
func (d *Decoder) Limit(bytes int64) { d.left = bytes }

// Take counts memory that an object is about to make for what is written in fewer bytes: a table by its
// size, pages of a file. It reports false, and the loading has failed, once that passes the limit.
func (d *Decoder) Take(bytes int64) bool {
	if d.err == nil && (bytes < 0 || bytes > d.left) {
		d.Failf("%d bytes more than the memory that it may have", bytes)
	}
	if d.err != nil {
		return false
	}
	d.left -= bytes
	return true
}

// Complete has f called when all objects are read, before anything that After was asked for: an object
// completes itself from what others have read, so that it can be used then.
func (d *Decoder) Complete(f func() error) { d.complete = append(d.complete, f) }

// After has f called when all objects are loaded and complete. Its error is that of Load.
func (d *Decoder) After(f func() error) { d.after = append(d.after, f) }

// Undo has f called if the loading fails: for what the host has to get back.
func (d *Decoder) Undo(f func()) { d.undo = append(d.undo, f) }

// Fail makes the loading fail: what was read makes no sense.
func (d *Decoder) Fail(err error) {
	if d.err != nil {
		return
	}
	if d.where != "" {
		err = fmt.Errorf("%s: %w", d.where, err)
	}
	d.err = err
	d.in = nil
}

// Failf is Fail with a message.
func (d *Decoder) Failf(format string, a ...any) { d.Fail(fmt.Errorf(format, a...)) }

// Failed reports whether there has been an error.
func (d *Decoder) Failed() bool { return d.err != nil }

// Load reads a graph, and gives its root.
func (d *Decoder) Load(b []byte) (Object, error) {
	root, err := d.load(b)
	if err != nil {
		for k := len(d.undo) - 1; k >= 0; k-- {
			d.undo[k]()
		}
		return nil, fmt.Errorf("load the state of the kernel: %w", err)
	}
	return root, nil
}

func (d *Decoder) load(b []byte) (Object, error) {
	objects := d.open(b)
	for k, o := range objects {
		size := d.Count(1)
		if d.err != nil {
			return nil, d.err
		}
		rest := d.in[size:]
		d.in = d.in[:size]
		d.where = o.StateType()
		o.LoadState(d)
		if d.err == nil && len(d.in) != 0 {
			d.Failf("object %d has %d bytes more than were read", k, len(d.in))
		}
		if d.err != nil {
			return nil, d.err
		}
		d.where, d.in = "", rest
	}
	if d.err == nil && len(d.in) != 0 {
		d.Failf("%d bytes follow the last object", len(d.in))
	}
	if d.err != nil {
		return nil, d.err
	}
	for _, list := range []*[]func() error{&d.complete, &d.after} {
		for k := 0; k < len(*list); k++ { // one may ask for more
			if err := (*list)[k](); err != nil {
				return nil, err
			}
			if d.err != nil {
				return nil, d.err
			}
		}
	}
	return objects[0], nil
}

// open reads what is before the objects, and makes them all, empty.
func (d *Decoder) open(b []byte) (objects []Object) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		d.Failf("it does not begin with %q: another format, or another version", magic)
		return nil
	}
	d.in = b[len(magic):]
	types := make([]Type, d.Count(2))
	for k := range types {
		name, version := d.String(), d.Uint(math.MaxUint32)
		t, known := d.types[name]
		switch {
		case d.err != nil:
			return nil
		case !known:
			d.Failf("type %.100q: it is not known here", name)
		case uint64(t.Version) != version:
			d.Failf("type %s: version %d, here it is %d", name, version, t.Version)
		}
		types[k] = t
	}
	for range d.Count(1) {
		name := d.String()
		o, known := d.externals[name]
		if d.err == nil && !known {
			d.Failf("%.200q: it is not there", name)
		}
		d.refs = append(d.refs, o)
	}
	n := d.Count(2) // its type here, its length later
	if d.err == nil && n == 0 {
		d.Fail(errors.New("there are no objects"))
	}
	if d.err != nil {
		return nil
	}
	objects = make([]Object, n)
	for k := range objects {
		kind := d.Uint(uint64(len(types)))
		if d.err == nil && kind == uint64(len(types)) {
			d.Failf("object %d has type %d of %d", k, kind, len(types))
		}
		if d.err != nil {
			return nil
		}
		objects[k] = types[kind].New()
		d.refs = append(d.refs, objects[k])
	}
	return objects
}

// Get reads a reference to a P, which may be nil.
func Get[P any](d *Decoder) (p P) {
	n := d.Uint(uint64(len(d.refs)))
	if n == 0 || d.err != nil {
		return p
	}
	p, ok := d.refs[n-1].(P)
	if !ok {
		d.Failf("reference to a %T where a %T belongs", d.refs[n-1], *new(P))
	}
	return p
}

// Need reads a reference that must not be nil. Once it has failed it gives the zero value.
func Need[P comparable](d *Decoder) (p P) {
	if p = Get[P](d); p == *new(P) {
		d.Failf("no reference to a %T", p)
	}
	return p
}

// Uint reads a number that is at most most.
func (d *Decoder) Uint(most uint64) uint64 {
	v, n := binary.Uvarint(d.in)
	if n <= 0 || n > 1 && d.in[n-1] == 0 {
		d.Failf("a number is cut off, or not in its shortest form")
		return 0
	}
	d.in = d.in[n:]
	if v > most {
		d.Failf("%d: at most %d makes sense", v, most)
		return 0
	}
	return v
}

// Int reads a signed number between two bounds.
func (d *Decoder) Int(least, most int64) int64 {
	u := d.Uint(math.MaxUint64)
	v := int64(u>>1) ^ -int64(u&1)
	if d.err == nil && (v < least || v > most) {
		d.Failf("%d: not between %d and %d", v, least, most)
	}
	if d.err != nil {
		return 0
	}
	return v
}

// Count reads the length of a list whose elements take at least size bytes each.
func (d *Decoder) Count(size int) int {
	n := d.Uint(math.MaxUint64)
	if n > uint64(len(d.in)/size) {
		d.Failf("a list of %d in %d bytes", n, len(d.in))
		return 0
	}
	return int(n)
}

// Bool reads a truth value.
func (d *Decoder) Bool() bool {
	b := d.Raw(1)
	if b == nil || b[0] > 1 {
		d.Failf("a truth value is neither 0 nor 1")
		return false
	}
	return b[0] == 1
}

// Float reads a floating-point number.
func (d *Decoder) Float() float64 {
	b := d.Raw(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// Bytes reads bytes; they are a copy.
func (d *Decoder) Bytes() []byte { return append([]byte(nil), d.Raw(d.Count(1))...) }

// Raw reads n bytes, which are valid until the next call; nil after an error.
func (d *Decoder) Raw(n int) []byte {
	if d.err != nil || n > len(d.in) {
		d.Failf("%d bytes are wanted, there are %d", n, len(d.in))
		return nil
	}
	b := d.in[:n:n]
	d.in = d.in[n:]
	return b
}

// String reads a string of any bytes.
func (d *Decoder) String() string { return string(d.Raw(d.Count(1))) }

// Text reads a string of valid UTF-8.
func (d *Decoder) Text() string {
	s := d.String()
	if !utf8.ValidString(s) {
		d.Failf("%.100q: not UTF-8", s)
		return ""
	}
	return s
}

// Strings reads a list of strings.
func (d *Decoder) Strings() []string {
	n := d.Count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for k := range list {
		list[k] = d.String()
	}
	return list
}

// Duration reads a time span of at most some hundred years.
func (d *Decoder) Duration() time.Duration {
	return time.Duration(d.Int(math.MinInt64+1, math.MaxInt64))
}

// Deadline reads a monotonic moment.
func (d *Decoder) Deadline() (t time.Time) {
	if d.Bool() {
		t = d.now.Add(d.Duration())
	}
	return t
}

// Wall reads a moment of the wall clock.
func (d *Decoder) Wall() time.Time {
	const most = 1 << 40 // seconds: some ten thousand years
	s := d.Int(-most, most)
	return time.Unix(s, int64(d.Uint(999_999_999)))
}

// Stored is a content that is kept beside the stream, and was not read yet.
type Stored struct {
	Chunk Chunk
	Size  int
}

// Chunk reads a content that is kept beside the stream.
func (d *Decoder) Chunk() []byte { return d.Fetch(d.Stored()) }

// Stored reads where such a content is, which Fetch reads later.
func (d *Decoder) Stored() (s Stored) {
	s.Size = int(d.Uint(maxChunk))
	copy(s.Chunk[:], d.Raw(len(s.Chunk)))
	return s
}

// Place tells where it lies, if that is a file which can be mapped: see Placed.
func (d *Decoder) Place(s Stored) (fd int, offset int64, ok bool) {
	if p, can := d.chunks.(Placed); can && d.err == nil {
		return p.Place(s.Chunk, s.Size)
	}
	return -1, 0, false
}

// Fetch reads it; also while what was put off with After runs.
func (d *Decoder) Fetch(s Stored) []byte {
	if d.err != nil {
		return nil
	}
	if d.chunks == nil {
		d.Fail(errors.New("a chunk, but there are no chunks"))
		return nil
	}
	b, err := d.chunks.Get(s.Chunk, s.Size)
	if err == nil && len(b) != s.Size {
		err = fmt.Errorf("chunk %x has %d bytes, not %d", s.Chunk, len(b), s.Size)
	}
	if err != nil {
		d.Fail(err)
		return nil
	}
	return b
}
