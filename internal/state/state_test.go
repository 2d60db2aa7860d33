package state_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"vkernel/internal/state"
)

// node is an object of a graph with cycles; leaf is one of another type.
type node struct {
	name  string
	next  *node
	any   shown
	host  *host
	ends  time.Time
	text  []byte
	list  []string
	deep  int64
	huge  uint64
	share float64
	wall  time.Time
}

type leaf struct{ on bool }

type host struct{}

type shown interface{ show() string }

func (n *node) show() string { return n.name }
func (l *leaf) show() string { return fmt.Sprint(l.on) }

func (*node) StateType() string { return "test.node" }
func (*leaf) StateType() string { return "test.leaf" }

func (n *node) SaveState(e *state.Encoder) {
	e.String(n.name)
	state.Ref(e, n.next)
	state.RefAny(e, n.any)
	state.Ref(e, n.host)
	e.Deadline(n.ends)
	e.Chunk(n.text)
	e.Strings(n.list)
	e.Int(n.deep)
	e.Uint(n.huge)
	e.Float(n.share)
	e.Wall(n.wall)
}

func (n *node) LoadState(d *state.Decoder) {
	n.name = d.Text()
	n.next = state.Get[*node](d)
	n.any = state.Get[shown](d)
	n.host = state.Get[*host](d)
	n.ends = d.Deadline()
	n.text = d.Chunk()
	n.list = d.Strings()
	n.deep = d.Int(-1<<63, 1<<63-1)
	n.huge = d.Uint(1<<64 - 1)
	n.share = d.Float()
	n.wall = d.Wall()
	d.After(func() error {
		if n.next != nil && n.next.name == "" {
			return errors.New("the next one is not loaded")
		}
		return nil
	})
}

func (l *leaf) SaveState(e *state.Encoder) { e.Bool(l.on) }
func (l *leaf) LoadState(d *state.Decoder) { l.on = d.Bool() }

var types = []state.Type{state.Of[node](3), state.Of[leaf](1)}

// memory is a store of chunks.
type memory map[state.Chunk][]byte

func (m memory) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	m[c] = bytes.Clone(b)
	return c, nil
}

func (m memory) Get(c state.Chunk, _ int) ([]byte, error) {
	if b, ok := m[c]; ok {
		return b, nil
	}
	return nil, errors.New("no such chunk")
}

var cut = time.Now()

// save writes two nodes that point to each other, a leaf that both have, and an external.
func save(t testing.TB, chunks state.Chunks) []byte {
	t.Helper()
	h, l := new(host), &leaf{on: true}
	a := &node{name: "a", any: l, host: h, text: []byte("content"), list: []string{"x", ""}, deep: -5, huge: 1<<64 - 1, share: 0.5}
	a.wall = time.Unix(1_700_000_000, 17)
	b := &node{name: "b", next: a, any: a, ends: cut.Add(3 * time.Second)}
	a.next = b
	e := state.NewEncoder(types, cut, chunks)
	e.External("host", h)
	out, err := e.Save(a)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func load(b []byte, now time.Time, h *host, chunks state.Chunks) (*node, error) {
	d := state.NewDecoder(types, now, chunks)
	d.External("host", h)
	o, err := d.Load(b)
	if err != nil {
		return nil, err
	}
	n, ok := o.(*node)
	if !ok {
		return nil, errors.New("the root is no node")
	}
	return n, nil
}

func TestGraph(t *testing.T) {
	chunks := memory{}
	h, now := new(host), cut.Add(time.Hour)
	a, err := load(save(t, chunks), now, h, chunks)
	if err != nil {
		t.Fatal(err)
	}
	b := a.next
	l, _ := a.any.(*leaf)
	switch {
	case a.name != "a" || b == nil || b.name != "b" || b.next != a || b.any != shown(a):
		t.Errorf("the ring is broken: %+v %+v", a, b)
	case l == nil || !l.on || a.host != h || b.host != nil:
		t.Errorf("references are lost: %+v", a)
	case string(a.text) != "content" || len(a.list) != 2 || a.list[0] != "x" || a.deep != -5 || a.huge != 1<<64-1 || a.share != 0.5:
		t.Errorf("values are lost: %+v", a)
	case a.wall.UnixNano() != 1_700_000_000_000_000_017:
		t.Errorf("wall time is %v", a.wall)
	case !a.ends.IsZero() || b.ends.Sub(now) != 3*time.Second:
		t.Errorf("b ends %v after the loading, want 3s", b.ends.Sub(now))
	}
}

func TestSameGraphSameBytes(t *testing.T) {
	if a, b := save(t, memory{}), save(t, memory{}); !bytes.Equal(a, b) {
		t.Error("two encodings of one graph differ")
	}
}

// TestEachByteCounts: no byte can be changed, left out or added so that the same graph comes out.
func TestEachByteCounts(t *testing.T) {
	chunks := memory{}
	good := save(t, chunks)
	again := func(n *node) []byte {
		e := state.NewEncoder(types, cut, chunks)
		e.External("host", n.host)
		out, err := e.Save(n)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	h := new(host)
	for k := range good {
		if _, err := load(good[:k], cut, h, chunks); err == nil {
			t.Errorf("%d of %d bytes were loaded", k, len(good))
		}
		for _, flip := range []byte{1, 0x80} {
			bad := bytes.Clone(good)
			bad[k] ^= flip
			if n, err := load(bad, cut, h, chunks); err == nil && n.host == h && bytes.Equal(again(n), good) {
				t.Errorf("byte %d can be changed by %#x", k, flip)
			}
		}
	}
	if _, err := load(append(bytes.Clone(good), 0), cut, h, chunks); err == nil {
		t.Error("a byte more was loaded")
	}
}

func TestRefuses(t *testing.T) {
	good := save(t, memory{})
	for name, c := range map[string]struct {
		types []state.Type
		host  string
		want  string
	}{
		"version":  {[]state.Type{state.Of[node](4), state.Of[leaf](1)}, "host", "type test.node: version 3, here it is 4"},
		"type":     {types[:1], "host", `type "test.leaf": it is not known here`},
		"external": {types, "ghost", `"host": it is not there`},
		"chunk":    {types, "host", "no such chunk"},
	} {
		t.Run(name, func(t *testing.T) {
			d := state.NewDecoder(c.types, cut, memory{})
			d.External(c.host, new(host))
			if _, err := d.Load(good); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// TestWrongKind: a reference to an object of another type than belongs there is an error, not a panic.
func TestWrongKind(t *testing.T) {
	chunks := memory{}
	e := state.NewEncoder(types, cut, chunks)
	h := new(host)
	e.External("host", h)
	out, err := e.Save(&node{name: "a", any: &leaf{}})
	if err != nil {
		t.Fatal(err)
	}
	d := state.NewDecoder(types, cut, chunks)
	d.External("host", &leaf{}) // reference 1
	if _, err := d.Load(out); err != nil {
		t.Fatalf("an external that nobody refers to: %v", err)
	}
	if _, err := load(save(t, chunks), cut, nil, chunks); err != nil {
		t.Fatalf("an external that is nil: %v", err)
	}
	d = state.NewDecoder(types, cut, chunks)
	d.External("host", &leaf{})
	if _, err := d.Load(save(t, chunks)); err == nil || !strings.Contains(err.Error(), "reference to a *state_test.leaf where a *state_test.host belongs") {
		t.Errorf("error %v", err)
	}
}

func TestCannotBeSaved(t *testing.T) {
	e := state.NewEncoder(types[1:], cut, memory{})
	if _, err := e.Save(&node{}); err == nil || !strings.Contains(err.Error(), "test.node") {
		t.Errorf("an unlisted type: %v", err)
	}
	e = state.NewEncoder(types, cut, memory{})
	if _, err := e.Save(&node{host: new(host)}); err == nil || !strings.Contains(err.Error(), "a *state_test.host cannot be saved") {
		t.Errorf("an external without a name: %v", err)
	}
}

// FuzzLoad: bytes that anybody may have written give a graph or an error, and little memory.
func FuzzLoad(f *testing.F) {
	chunks := memory{}
	good := save(f, chunks)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("vkstate1\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h := new(host)
		n, err := load(b, cut, h, chunks)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20+uint64(len(b))*512 {
			t.Errorf("%d bytes made the decoder allocate %d", len(b), got)
		}
		if err != nil {
			return
		}
		e := state.NewEncoder(types, cut, chunks)
		e.External("host", h)
		out, err := e.Save(n)
		if err != nil {
			t.Fatalf("what was loaded cannot be saved: %v", err)
		}
		if again, err := load(out, cut, h, chunks); err != nil || again.name != n.name {
			t.Fatalf("what was loaded and saved cannot be loaded: %v", err)
		}
	})
}
