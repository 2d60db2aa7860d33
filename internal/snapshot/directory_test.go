package snapshot

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/signature"
	"vkernel/internal/state"
	"vkernel/internal/trust"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// content is a container of a test: settings, a stream, and chunks of memory.
type content struct {
	settings, root []byte
	chunks         [][]byte
}

// contentOf makes one of a seed. Two with neighbouring seeds have all but one chunk in common.
func contentOf(seed int) content {
	noise := func(seed uint64, n int) []byte {
		b := make([]byte, n)
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	c := content{settings: fmt.Appendf(nil, `{"seed":%d}`, seed), root: noise(uint64(seed), maxContent+100)}
	for i := range 4 {
		c.chunks = append(c.chunks, noise(uint64(1000+seed+i), 3000))
	}
	return c
}

var header = Index{Container: "00112233445566778899aabbccddeeff", Name: "web", CPU: "x86-64-v2", Manifest: [32]byte{1}, Code: [32]byte{2}, Created: time.Unix(1e9, 5)}

// write makes a snapshot.
func (c content) write(dir string, seal Authenticator, v *Verifier, f files) (Counts, error) {
	w, err := create(dir, seal, v, f)
	if err != nil {
		return Counts{}, err
	}
	defer w.Close()
	for _, b := range c.chunks {
		if _, err := w.Put(b); err != nil {
			return Counts{}, err
		}
	}
	return w.Commit(header, c.settings, c.root)
}

// check reads a snapshot and compares all of it.
func (c content) check(dir string, v *Verifier) error {
	r, err := Load(dir, v)
	if err != nil {
		return err
	}
	defer r.Close()
	if !bytes.Equal(r.Settings, c.settings) || !bytes.Equal(r.Root, c.root) || len(r.Chunks) != len(c.chunks) {
		return errors.New("it is another snapshot")
	}
	for i, p := range r.Chunks {
		b, err := r.Get(p.Digest, p.Size)
		if err != nil {
			return err
		}
		if !bytes.Equal(b, c.chunks[i]) {
			return fmt.Errorf("chunk %d is another", i)
		}
	}
	return nil
}

func newKey(t testing.TB) (*Key, *Verifier) {
	t.Helper()
	k, err := OpenKey(t.TempDir(), true)
	must(t, err)
	return k, &Verifier{Key: k}
}

// A second snapshot writes what has changed, and replaces the first; what only that named is removed by Prune.
func TestIncremental(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "snap")
	k, v := newKey(t)
	first, second := contentOf(0), contentOf(1)
	n, err := first.write(dir, k, v, host{})
	must(t, err)
	if n.Chunks != 7 || n.Kept != 0 {
		t.Errorf("the first: %+v", n)
	}
	must(t, first.check(dir, v))
	if n, err = second.write(dir, k, v, host{}); err != nil || n.Chunks != 4 || n.Kept != 3 {
		t.Errorf("the second: %+v, %v", n, err)
	}
	must(t, second.check(dir, v))
	r, err := Load(dir, v)
	must(t, err)
	if r.Parent == ([32]byte{}) || r.Name != "web" || r.Created != time.Unix(1e9, 0).UTC() {
		t.Errorf("%+v", r.Index)
	}
	if _, err := create(dir, k, v, host{}); !errors.Is(err, ErrBusy) {
		t.Errorf("written while it is read: %v", err)
	}
	r.Close()
	must(t, os.WriteFile(filepath.Join(dir, chunkDir, beside+"x"), []byte("left"), 0o600))
	p, err := Prune(dir, v)
	if err != nil || p.Chunks != 5 || p.Bytes < 6000 {
		t.Errorf("pruned %+v, %v", p, err)
	}
	must(t, second.check(dir, v))
	if p, err = Prune(dir, v); err != nil || p.Chunks != 0 {
		t.Errorf("pruned again %+v, %v", p, err)
	}
	stranger, w := newKey(t)
	if _, err := Prune(dir, w); err == nil {
		t.Error("pruned by an index that does not count")
	}
	if n, err := first.write(dir, stranger, w, host{}); err != nil || n.Kept != 3 {
		t.Errorf("over a stranger's: %+v, %v", n, err) // what is there is looked at, not believed
	}
	must(t, first.check(dir, w))
}

// faulty fails at the nth operation: at that one, or from there on, as when the process is killed.
type faulty struct {
	host
	n, at   int
	forever bool
	partly  bool // a write that fails has written a half
}

var errFault = unix.ENOSPC

func (f *faulty) op() error {
	f.n++
	if f.n == f.at || f.forever && f.n > f.at {
		return errFault
	}
	return nil
}

func (f *faulty) Mkdir(name string) error {
	if err := f.op(); err != nil {
		return err
	}
	return f.host.Mkdir(name)
}

func (f *faulty) Create(name string) (file, error) {
	if err := f.op(); err != nil {
		return nil, err
	}
	made, err := f.host.Create(name)
	return &faultyFile{made, f}, err
}

func (f *faulty) Rename(from, to string) error {
	if err := f.op(); err != nil {
		return err
	}
	return f.host.Rename(from, to)
}

func (f *faulty) Remove(name string) error {
	if err := f.op(); err != nil {
		return err
	}
	return f.host.Remove(name)
}

func (f *faulty) Flush(string) error { return f.op() } // the disk of the test is not waited for

type faultyFile struct {
	file
	f *faulty
}

func (w *faultyFile) Write(b []byte) (int, error) {
	if err := w.f.op(); err != nil {
		if w.f.partly {
			n, _ := w.file.Write(b[:len(b)/2])
			return n, err
		}
		return 0, err
	}
	return w.file.Write(b)
}

func (w *faultyFile) Sync() error { return w.f.op() }

func (w *faultyFile) Close() error {
	err := w.f.op()
	return errors.Join(err, w.file.Close())
}

// Whatever fails while a snapshot is written, at whatever point, what is there is a whole snapshot: the old one, or the new one once
// the index has been renamed. And the next attempt succeeds.
func TestFaults(t *testing.T) {
	k, v := newKey(t)
	old, next, third := contentOf(0), contentOf(2), contentOf(1)
	for _, kind := range []faulty{{}, {partly: true}, {forever: true}, {forever: true, partly: true}} {
		for at := 1; ; at++ {
			dir := filepath.Join(t.TempDir(), "s")
			_, err := old.write(dir, k, v, &faulty{})
			must(t, err)
			f := kind
			f.at = at
			_, err = next.write(dir, k, v, &f)
			if err == nil && f.n < at {
				if at < 20 {
					t.Fatalf("only %d operations", at)
				}
				must(t, next.check(dir, v))
				break
			}
			if got := old.check(dir, v); got != nil {
				if again := next.check(dir, v); again != nil {
					t.Fatalf("%+v: neither snapshot is whole: %v; %v", f, got, again)
				}
			} else if err == nil {
				t.Fatalf("%+v: it succeeded, and the old one is there", f)
			}
			if _, err := third.write(dir, k, v, &faulty{}); err != nil {
				t.Fatalf("%+v: the next attempt: %v", f, err)
			}
			if err := third.check(dir, v); err != nil {
				t.Fatalf("%+v: after the next attempt: %v", f, err)
			}
			if _, err := Prune(dir, v); err != nil {
				t.Fatal(err)
			}
			if err := third.check(dir, v); err != nil {
				t.Fatalf("%+v: pruned: %v", f, err)
			}
			removeAll(t, dir)
		}
	}
}

// removeAll keeps a long test from filling the disk.
func removeAll(t *testing.T, dir string) {
	t.Helper()
	must(t, os.RemoveAll(dir))
}

// A crash of the host can leave a chunk whose name is there and whose content is not: the next snapshot writes it anew.
func TestTornChunk(t *testing.T) {
	dir := t.TempDir()
	k, v := newKey(t)
	c := contentOf(0)
	w, err := Create(dir, k, v)
	must(t, err)
	id, err := w.Put(c.chunks[0])
	must(t, err)
	must(t, os.Truncate(w.store.file(id), 0))
	w.Close()
	_, err = c.write(dir, k, v, host{})
	must(t, err)
	must(t, c.check(dir, v))
}

// Whatever part of a snapshot is changed, it is refused by its name.
func TestEveryPart(t *testing.T) {
	dir := t.TempDir()
	k, v := newKey(t)
	c := contentOf(0)
	_, err := c.write(dir, k, v, host{})
	must(t, err)
	r, err := Load(dir, v)
	must(t, err)
	x := r.Index
	r.Close()
	file := func(p Part) string { return (&Store{dir: dir}).file(p.Digest) }
	parts := map[string]string{"settings": file(x.Settings)}
	for i, p := range x.State {
		parts[fmt.Sprintf("state %d", i)] = file(p)
	}
	for _, p := range x.Chunks {
		parts[chunkName(p.Digest)] = file(p)
	}
	other, err := os.ReadFile(file(x.Chunks[3]))
	must(t, err)
	refused := func(what, part string) {
		t.Helper()
		var bad *PartError
		if err := c.check(dir, v); !errors.As(err, &bad) || bad.Part != part {
			t.Errorf("%s of %s: %v", what, part, err)
		}
	}
	for part, name := range parts {
		good, err := os.ReadFile(name)
		must(t, err)
		for _, at := range []int{0, 5, len(good) / 2, len(good) - 1} {
			bad := bytes.Clone(good)
			bad[at] ^= 1
			must(t, os.WriteFile(name, bad, 0o600))
			if got, err := (&content{}).load(dir, v); err == nil && got.equal(c) {
				continue // a bit that zstd does not look at: the content is the same, and it has been compared
			}
			refused(fmt.Sprint("byte ", at), part)
		}
		for what, bad := range map[string][]byte{"nothing": {}, "a half": good[:len(good)/2], "another": other} {
			if bytes.Equal(bad, good) {
				continue
			}
			must(t, os.WriteFile(name, bad, 0o600))
			refused(what, part)
		}
		must(t, os.Remove(name))
		refused("absence", part)
		must(t, os.Symlink("/dev/zero", name))
		refused("a link", part)
		must(t, os.Remove(name))
		must(t, os.WriteFile(name, good, 0o600))
	}
	must(t, c.check(dir, v))
	name := filepath.Join(dir, indexName)
	good, err := os.ReadFile(name)
	must(t, err)
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		must(t, os.WriteFile(name, bad, 0o600))
		var refused *PartError
		if _, err := Load(dir, v); !errors.As(err, &refused) || refused.Part != "index" && refused.Part != "authentication" {
			t.Fatalf("byte %d of the index: %v", at, err)
		}
		must(t, os.WriteFile(name, good[:at], 0o600))
		if _, err := Load(dir, v); !errors.As(err, &refused) {
			t.Fatalf("the index cut off at %d: %v", at, err)
		}
	}
	must(t, os.WriteFile(name, append(bytes.Clone(good), '\n'), 0o600))
	refused("a line more", "authentication")
}

// load reads what is there.
func (c *content) load(dir string, v *Verifier) (*content, error) {
	r, err := Load(dir, v)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	got := &content{settings: r.Settings, root: r.Root}
	for _, p := range r.Chunks {
		b, err := r.Get(p.Digest, p.Size)
		if err != nil {
			return nil, err
		}
		got.chunks = append(got.chunks, b)
	}
	return got, nil
}

func (c *content) equal(o content) bool {
	if !bytes.Equal(c.settings, o.settings) || !bytes.Equal(c.root, o.root) || len(c.chunks) != len(o.chunks) {
		return false
	}
	for i := range c.chunks {
		if !bytes.Equal(c.chunks[i], o.chunks[i]) {
			return false
		}
	}
	return true
}

// Whose snapshots count, and of what.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	k, v := newKey(t)
	c := contentOf(0)
	_, err := c.write(dir, k, v, host{})
	must(t, err)
	r, err := Load(dir, v)
	must(t, err)
	defer r.Close()
	must(t, r.Belongs("", header.Manifest, header.Code))
	must(t, r.Belongs(header.Container, header.Manifest, header.Code))
	for part, err := range map[string]error{
		"container": r.Belongs(strings.Repeat("0", 32), header.Manifest, header.Code),
		"manifest":  r.Belongs(header.Container, [32]byte{9}, header.Code),
		"code":      r.Belongs(header.Container, header.Manifest, [32]byte{9}),
	} {
		var bad *PartError
		if !errors.As(err, &bad) || bad.Part != part {
			t.Errorf("%s: %v", part, err)
		}
	}
	if _, err := r.Get(state.Chunk{1}, 10); err == nil {
		t.Error("a chunk that the index does not name")
	}
	if p := r.Chunks[0]; func() error { _, err := r.Get(p.Digest, p.Size+1); return err }() == nil {
		t.Error("a chunk of another size than the index says")
	}
	_, stranger := newKey(t)
	for _, v := range []*Verifier{stranger, {}} {
		if err := c.check(dir, v); err == nil || !strings.Contains(err.Error(), "authentication: it was made with the key of another user") {
			t.Error(err)
		}
	}
	signer, err := signature.Generate(signature.Ed25519)
	must(t, err)
	other, err := signature.Generate(signature.ECDSAP256)
	must(t, err)
	travels := t.TempDir()
	_, err = c.write(travels, Signed{signer}, v, host{})
	must(t, err)
	must(t, c.check(travels, &Verifier{Trust: trust.Keys(1, other.Key, signer.Key)}))
	for at, want := range map[string]bool{dir: false, travels: true} {
		if x, _, err := readIndex(at, &Verifier{Key: k, Trust: trust.Keys(1, signer.Key)}); err != nil || x.Travelled() != want {
			t.Errorf("%s: %v, expected that it has travelled: %v", at, err, want)
		}
	}
	for _, v := range []*Verifier{{Trust: trust.Keys(1, other.Key)}, {Trust: trust.Keys(2, other.Key, signer.Key)}} {
		if err := c.check(travels, v); err == nil || !strings.Contains(err.Error(), "is signed by key "+signer.Key.ID().String()[:16]+", which is not trusted") {
			t.Error(err)
		}
	}
	if err := c.check(travels, &Verifier{Key: k}); err == nil || !strings.Contains(err.Error(), "no key is trusted") {
		t.Error(err)
	}
	// A signature of something else by the same key is none of a snapshot.
	text, err := os.ReadFile(filepath.Join(travels, indexName))
	must(t, err)
	x, rest, err := ParseIndex(string(text))
	must(t, err)
	body := text[:len(text)-len(rest)]
	if !bytes.Equal(x.Text(), body) {
		t.Error("an index has two texts")
	}
	sig, err := signer.Sign(body)
	must(t, err)
	if (&Verifier{Trust: trust.Keys(1, signer.Key)}).verify(string(body), signLine(signer, sig)) == nil {
		t.Error("a signature without the purpose counts")
	}
	if err := os.WriteFile(filepath.Join(t.TempDir(), "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	must(t, os.WriteFile(filepath.Join(home, "letter"), nil, 0o600))
	if _, err := Create(home, k, v); err == nil || !strings.Contains(err.Error(), "holds letter, which is no part of a snapshot") {
		t.Error(err)
	}
	if _, err := Load(home, v); err == nil || !strings.Contains(err.Error(), "is no snapshot") {
		t.Error(err)
	}
}

func signLine(s signature.Signer, sig []byte) string {
	line, _ := sealed{s, sig}.seal(nil)
	return line
}

// sealed is a signature that is there already.
type sealed struct {
	s   signature.Signer
	sig []byte
}

func (s sealed) seal([]byte) (string, error) {
	return fmt.Sprintf("%s %s %s\n", signWord, s.s.Key.ID(), base64.StdEncoding.EncodeToString(s.sig)), nil
}

func TestKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := OpenKey(dir, false); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	a, err := OpenKey(dir, true)
	must(t, err)
	b, err := OpenKey(dir, true)
	must(t, err)
	if a.secret != b.secret || a.secret == ([32]byte{}) {
		t.Error("each time another key")
	}
	name := filepath.Join(dir, keyFile)
	must(t, os.Chmod(name, 0o644))
	if _, err := OpenKey(dir, true); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
	must(t, os.Chmod(name, 0o600))
	for _, bad := range []string{"", "\n", strings.Repeat("g", 64) + "\n", strings.Repeat("a", 64), strings.Repeat("a", 63) + "\n", strings.Repeat("a", 65)} {
		must(t, os.WriteFile(name, []byte(bad), 0o600))
		if _, err := OpenKey(dir, true); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}

func FuzzIndex(f *testing.F) {
	x := header
	x.Settings, x.State = Part{state.Chunk{7}, 5}, []Part{{state.Chunk{1}, 1}, {state.Chunk{2}, maxContent}}
	x.Chunks, x.Parent = x.State[:1], [32]byte{3}
	f.Add(string(x.Text()))
	x.Parent, x.State = [32]byte{}, nil
	f.Add(string(x.Text()) + "hmac-sha256 a b\n")
	f.Add(strings.Replace(string(x.Text()), "chunks 1", "chunks 4194304", 1))
	f.Fuzz(func(t *testing.T, text string) {
		x, rest, err := ParseIndex(text)
		if err != nil {
			return
		}
		if got := string(x.Text()) + rest; got != text {
			t.Errorf("%q is read as %q", text, got)
		}
		if cap(x.State)+cap(x.Chunks) > len(text) {
			t.Error("more parts than bytes")
		}
		if (&Verifier{}).verify(text[:len(text)-len(rest)], rest) == nil {
			t.Error("it counts for somebody who has no key")
		}
	})
}
