package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vkernel/internal/engine/enginetest"
	"vkernel/internal/engine/layout"
	"vkernel/internal/state"
)

// saved is an instance as an object of a graph.
type saved struct {
	i    *Instance
	made func() *Instance
}

func (*saved) StateType() string { return "engine.saved" }

// memoryOf is what tests save of memory: all that the program begins with.
func memoryOf(i *Instance) (addr, length uint64) {
	return uint64(i.p.guard), uint64(i.p.initial) - uint64(i.p.guard)
}

func (s *saved) SaveState(e *state.Encoder) {
	s.i.SaveContext(e)
	s.i.SaveHoles(e)
	addr, length := memoryOf(s.i)
	if errno := s.i.SavePages(e, addr, length); errno != 0 {
		e.Fail(errno)
	}
}

func (s *saved) LoadState(d *state.Decoder) {
	s.i = s.made()
	s.i.LoadContext(d)
	if d.Failed() {
		return
	}
	errno := s.i.LoadHoles(d)
	addr, length := memoryOf(s.i)
	if errno == 0 {
		errno = s.i.LoadPages(d, addr, length)
	}
	if errno != 0 {
		d.Fail(errno)
	}
}

// chunks keeps contents in memory.
type chunks map[state.Chunk][]byte

func (m chunks) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	m[c] = bytes.Clone(b)
	return c, nil
}

func (m chunks) Get(c state.Chunk, _ int) ([]byte, error) {
	if b, ok := m[c]; ok {
		return b, nil
	}
	return nil, errors.New("no such chunk")
}

func types(p *Program) []state.Type {
	return []state.Type{{Name: "engine.saved", Version: 1, New: func() state.Object {
		return &saved{made: func() *Instance {
			i, e := p.New()
			if e != 0 {
				panic(e)
			}
			return i
		}}
	}}}
}

// keep is an instance as bytes.
func keep(t testing.TB, i *Instance, m chunks) []byte {
	t.Helper()
	b, err := state.NewEncoder(types(i.p), time.Now(), m).Save(&saved{i: i})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// thaw makes an instance of bytes. What is refused is freed.
func thaw(p *Program, b []byte, m chunks) (*Instance, error) {
	var last *saved
	list := types(p)
	made := list[0].New
	list[0].New = func() state.Object {
		last = made().(*saved)
		return last
	}
	_, err := state.NewDecoder(list, time.Now(), m).Load(b)
	if err != nil {
		if last != nil && last.i != nil {
			last.i.Free()
		}
		return nil, err
	}
	return last.i, nil
}

// moved is a copy of an instance through bytes; the original is freed.
func moved(t testing.TB, i *Instance) *Instance {
	t.Helper()
	m := chunks{}
	n, err := thaw(i.p, keep(t, i, m), m)
	if err != nil {
		t.Fatal(err)
	}
	if w := staleWords(n, i); w != 0 {
		t.Errorf("%d words point into the slot where it was saved", w)
	}
	i.Free()
	return n
}

func TestSaveDeepStack(t *testing.T) {
	c := loadGuest(t)
	for _, depth := range []uint64{0, 10, 1000, 100000} {
		i := newGuest(t, c)
		start(t, i, "x_deep", depth)
		want(t, "call", i.Resume(0), layout.ExitSyscall)
		i.Memory().Write(100, []byte("before"))
		m := chunks{}
		b := keep(t, i, m)
		i.Memory().Write(100, []byte("after!"))
		var copies []*Instance
		for range 3 {
			n, err := thaw(i.p, b, m)
			if err != nil {
				t.Fatal(err)
			}
			copies = append(copies, n)
		}
		i.Free()
		for k, n := range copies {
			text := make([]byte, 6)
			if n.Memory().Read(100, text); string(text) != "before" {
				t.Errorf("depth %d: memory %q", depth, text)
			}
			want(t, "after loading", n.Resume(uint64(k)), layout.ExitReturn)
			if got, want := n.Results()[0][0], deepResult(depth, uint64(k)); got != want {
				t.Errorf("depth %d: result %d, want %d", depth, got, want)
			}
			n.Free()
		}
	}
}

// TestSaveInterrupted moves a guest again and again while it has a value in each register.
func TestSaveInterrupted(t *testing.T) {
	c := loadGuest(t)
	i := newGuest(t, c)
	start(t, i, "x_vectors")
	rounds := uint64(0)
	for range 300 {
		go func(i *Instance, d time.Duration) {
			time.Sleep(d)
			i.Kick()
		}(i, time.Duration(rand.IntN(400))*time.Microsecond)
		want(t, "kicked", i.Resume(0), layout.ExitPreempt)
		i = moved(t, i)
	}
	rounds = *i.u64(counter)
	*pointByte(i, stopByte) = 1
	want(t, "stopped", i.Resume(0), layout.ExitReturn)
	if i.Results()[0][0] != 0 || rounds == 0 {
		t.Errorf("a register or a flag was lost in round %d", rounds)
	}
	i.Free()
}

// TestSaveRecords moves a guest between setjmp and longjmp.
func TestSaveRecords(t *testing.T) {
	c := loadGuest(t)
	for _, depth := range []uint64{0, 1, 7} {
		i := newGuest(t, c)
		start(t, i, "x_setjmp", 2048, depth)
		result := uint64(0)
		for done := false; !done; {
			x := i.Resume(result)
			i = moved(t, i)
			switch x {
			case layout.ExitSetjmp:
				if e := i.Setjmp(7); e != 0 {
					t.Fatal(e)
				}
				i = moved(t, i)
				result = 0
			case layout.ExitLongjmp:
				result = i.Arg(1)
				if data, ok := i.Longjmp(); !ok || data != 7 {
					t.Fatalf("depth %d: the record is not there", depth)
				}
				i = moved(t, i)
			case layout.ExitReturn:
				done = true
			default:
				t.Fatalf("exit %d", x)
			}
		}
		if got := i.Results()[0][0]; got != 42+100*depth {
			t.Errorf("depth %d: %d", depth, got)
		}
		i.Free()
	}
}

// TestSaveElsewhere has another process load what this one saved.
func TestSaveElsewhere(t *testing.T) {
	const depth, leaf = 1000, 4711
	if dir := os.Getenv("ENGINE_SAVED"); dir != "" {
		loadElsewhere(t, dir, leaf)
		return
	}
	dir := t.TempDir()
	code, err := os.ReadFile(enginetest.File(t))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "code"), code, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_deep", depth)
	want(t, "call", i.Resume(0), layout.ExitSyscall)
	i.Memory().Write(100, []byte("from afar"))
	m := chunks{}
	b := keep(t, i, m)
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(struct {
		Bytes  []byte
		Chunks map[state.Chunk][]byte
	}{b, m}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "saved"), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSaveElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), "ENGINE_SAVED="+dir)
	text, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("from afar: %d\n", deepResult(depth, leaf)); err != nil || !strings.Contains(string(text), want) {
		t.Errorf("the other process: %v\n%s\nwant %s", err, text, want)
	}
}

func loadElsewhere(t *testing.T, dir string, leaf uint64) {
	f, err := os.Open(filepath.Join(dir, "code"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := LoadVerified(f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var in struct {
		Bytes  []byte
		Chunks map[state.Chunk][]byte
	}
	text, err := os.ReadFile(filepath.Join(dir, "saved"))
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(text)).Decode(&in)
	}
	if err != nil {
		t.Fatal(err)
	}
	i, err := thaw(c.Programs()[0], in.Bytes, in.Chunks)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Free()
	want(t, "after loading", i.Resume(leaf), layout.ExitReturn)
	word := make([]byte, 9)
	i.Memory().Read(100, word)
	fmt.Printf("%s: %d\n", word, i.Results()[0][0])
}

// TestLoadOtherPlace: the same code at another address is refused, in words that say so.
func TestLoadOtherPlace(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_deep", 5)
	want(t, "call", i.Resume(0), layout.ExitSyscall)
	m := chunks{}
	b := keep(t, i, m)
	second := loadGuest(t) // its place is taken
	if _, err := thaw(second.Programs()[0], b, m); err == nil || !strings.Contains(err.Error(), "its place was taken") {
		t.Errorf("error %v", err)
	}
}

// FuzzLoadContext: what is not as it was saved is an error, or an instance that can be freed.
func FuzzLoadContext(f *testing.F) {
	c := loadGuest(f)
	i := newGuest(f, c)
	defer i.Free()
	start(f, i, "x_setjmp", 2048, 3)
	want(f, "setjmp", i.Resume(0), layout.ExitSetjmp)
	if e := i.Setjmp(1); e != 0 {
		f.Fatal(e)
	}
	m := chunks{}
	good := keep(f, i, m)
	for k := 0; k < len(good); k += 7 {
		bad := bytes.Clone(good)
		bad[k] ^= 0x11
		f.Add(bad)
	}
	f.Add(good)
	f.Fuzz(func(_ *testing.T, b []byte) {
		if n, err := thaw(c.Programs()[0], b, m); err == nil {
			n.Free()
		}
	})
}
