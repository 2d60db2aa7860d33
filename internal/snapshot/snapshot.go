// Package snapshot keeps what a container is in files, and makes containers of such files.
//
// # Model
//
// A snapshot is a directory:
//
//	index         what there is, with digests, authenticated (Index)
//	chunks/ab/…   contents under their SHA-256, compressed (Store)
//	lock          held by who writes, shared by who reads
//
// A Writer puts chunks into it and then the index, which replaces the one before in one step: until then the old snapshot is whole,
// and afterwards the new one is. What both have in common is not written again. Prune removes what no index names.
//
// A Reader believes nothing before the index has been authenticated, and no part before it has been compared with
// the index; a part that does not fit is refused by its name (PartError).
//
// The graph of the kernel's objects (package state) is one stream of bytes, which refers to chunks for what is large.
//
// testdata/types.txt is the list of what is not saved yet, and of what never has to be; TestTypes holds it.
//
// # Rules
//
// Chunks come from a sandbox, so from a guest: they are named by what they hold, bounded, and nothing is done with them but
// to keep them. A snapshot says of itself what a taken-over sandbox has said of itself; it is restored only into an equally sealed process.
//
// # Lock order
//
// Store.mu is taken alone.
package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vkernel/internal/mutant"
	"vkernel/internal/state"
)

// Names in the directory.
const (
	indexName = "index"
	lockName  = "lock"
)

// ErrBusy says that somebody else writes to the directory, or reads from it.
var ErrBusy = errors.New("the snapshot is being written or read by another vkernel")

// PartError says which part of a snapshot is refused, and why.
type PartError struct {
	Part string // "index", "authentication", "container", "manifest", "code", "settings", "state 3", "chunk HEX"
	Err  error
}

func (e *PartError) Error() string { return "snapshot: " + e.Part + ": " + e.Err.Error() }

func (e *PartError) Unwrap() error { return e.Err }

// Writer writes a snapshot.
type Writer struct {
	dir    string
	files  files
	store  *Store
	lock   *os.File
	seal   Authenticator
	old    *Index // that is replaced; nil: none, or none that counts
	parent [32]byte
	sizes  map[state.Chunk]int // of the chunks of old
	order  map[state.Chunk]struct{}
	chunks []Part
}

// Create begins a snapshot in a directory, which may hold an older one. One that does not count for v is replaced; nothing of it
// is believed.
func Create(dir string, seal Authenticator, v *Verifier) (*Writer, error) {
	return create(dir, seal, v, host{})
}

func create(dir string, seal Authenticator, v *Verifier, f files) (w *Writer, err error) {
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o700); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	if err := foreign(dir); err != nil {
		return nil, err
	}
	store, err := open(dir, f)
	if err != nil {
		return nil, err
	}
	if err := owned(dir); err != nil {
		store.Close()
		return nil, err
	}
	w = &Writer{dir: dir, files: f, store: store, seal: seal, order: map[state.Chunk]struct{}{}}
	if w.lock, err = lockDir(dir, true); err != nil {
		store.Close()
		return nil, fmt.Errorf("snapshot: %s: %w", dir, err)
	}
	if x, digest, err := readIndex(dir, v); err == nil {
		w.old, w.parent = x, digest
		w.sizes = sizesOf(x)
		for c := range w.sizes {
			if !store.there(c) { // removed by somebody: it is written again
				delete(w.sizes, c)
			}
		}
		for c := range w.sizes {
			store.known[c] = struct{}{}
		}
	}
	return w, nil
}

// foreign refuses a directory that holds something else than a snapshot.
func foreign(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == indexName || name == lockName || name == chunkDir || len(name) > len(beside) && name[:len(beside)] == beside:
		default:
			return fmt.Errorf("snapshot: %s holds %s, which is no part of a snapshot: name an empty directory, or a new one", dir, name)
		}
	}
	return nil
}

// Old is the snapshot that is replaced: nil if there is none that counts.
func (w *Writer) Old() *Index { return w.old }

// Known are the digests of what it consists of, one after another: it need not be put again, but kept.
func (w *Writer) Known() []byte {
	if w.old == nil {
		return nil
	}
	b := make([]byte, 0, 32*len(w.old.Chunks))
	for _, p := range w.old.Chunks {
		if _, ok := w.sizes[p.Digest]; ok {
			b = append(b, p.Digest[:]...)
		}
	}
	return b
}

// Put keeps a chunk that the stream refers to.
func (w *Writer) Put(b []byte) (state.Chunk, error) {
	c, err := w.store.Put(b)
	if err == nil {
		w.Name(c, len(b))
	}
	return c, err
}

// Write keeps the content of a chunk whose digest is known, and which is named by Name. Several goroutines may call it.
func (w *Writer) Write(c state.Chunk, b []byte) error { return w.store.put(c, b) }

// Keep names a chunk of the old snapshot again without its content. It reports false if that has none.
func (w *Writer) Keep(c state.Chunk) bool {
	size, ok := w.sizes[c]
	if !ok || !w.store.kept(c) {
		return false
	}
	w.Name(c, size)
	return true
}

// Name says that the snapshot consists of a chunk, too.
func (w *Writer) Name(c state.Chunk, size int) {
	if _, ok := w.order[c]; !ok {
		w.order[c] = struct{}{}
		w.chunks = append(w.chunks, Part{c, size})
	}
}

// Commit makes the snapshot of what was put, and of a stream and settings. x names the container; its parts are set here.
func (w *Writer) Commit(x Index, settings, root []byte) (Counts, error) {
	if len(w.chunks) > maxParts {
		return Counts{}, fmt.Errorf("snapshot: %d chunks, at most %d", len(w.chunks), maxParts)
	}
	x.Created, x.Parent, x.Chunks, x.State = x.Created.UTC().Truncate(time.Second), w.parent, w.chunks, nil
	if len(settings) > maxContent {
		return Counts{}, fmt.Errorf("snapshot: settings of %d bytes, at most %d", len(settings), maxContent)
	}
	c, err := w.store.Put(settings)
	if err != nil {
		return Counts{}, err
	}
	x.Settings = Part{c, len(settings)}
	for len(root) > 0 {
		n := min(len(root), maxContent)
		if c, err = w.store.Put(root[:n]); err != nil {
			return Counts{}, err
		}
		x.State = append(x.State, Part{c, n})
		root = root[n:]
	}
	text := x.Text()
	if _, _, err := ParseIndex(string(text)); err != nil {
		return Counts{}, fmt.Errorf("snapshot: an index that cannot be read: %w", err)
	}
	line, err := w.seal.seal(text)
	if err != nil {
		return Counts{}, fmt.Errorf("snapshot: authentication: %w", err)
	}
	if err := w.files.Flush(w.dir); err != nil { // before something names the chunks
		return Counts{}, fmt.Errorf("snapshot: %w", err)
	}
	if err := writeFile(w.files, filepath.Join(w.dir, indexName), append(text, line...), true); err != nil {
		return Counts{}, err
	}
	if err := w.files.Flush(w.dir); err != nil {
		return Counts{}, fmt.Errorf("snapshot: %w", err)
	}
	return w.store.Written(), nil
}

// Close ends the writing. What was put and not committed is of no snapshot.
func (w *Writer) Close() {
	w.store.Close()
	w.lock.Close()
}

// parts are all contents that an index names.
func (x *Index) parts() []Part {
	all := make([]Part, 0, 1+len(x.State)+len(x.Chunks))
	return append(append(append(all, x.Settings), x.State...), x.Chunks...)
}

// readIndex reads and authenticates an index.
func readIndex(dir string, v *Verifier) (x *Index, digest [32]byte, err error) {
	text, err := read(filepath.Join(dir, indexName), maxIndex)
	if err != nil {
		return nil, digest, &PartError{"index", err}
	}
	x, rest, err := ParseIndex(string(text))
	if err != nil {
		return nil, digest, &PartError{"index", err}
	}
	if err := v.verify(string(text[:len(text)-len(rest)]), rest); err != nil {
		return nil, digest, &PartError{"authentication", err}
	}
	x.travelled = !strings.HasPrefix(rest, macWord+" ")
	return x, sha256.Sum256(text), nil
}

// Reader reads a snapshot.
type Reader struct {
	*Index
	Settings []byte
	Root     []byte

	store *Store
	lock  *os.File
	sizes map[state.Chunk]int
}

// Load opens a snapshot: its index is authenticated, and all but the chunks of memory is read and compared with it.
func Load(dir string, v *Verifier) (*Reader, error) {
	lock, err := lockDir(dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no snapshot: 'vkernel snapshot NAME DIR' makes one", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s: %w", dir, err)
	}
	opened := &Reader{lock: lock}
	if err := opened.load(dir, v); err != nil {
		opened.Close()
		return nil, err
	}
	return opened, nil
}

// load reads all but the chunks.
func (r *Reader) load(dir string, v *Verifier) (err error) {
	if r.Index, _, err = readIndex(dir, v); err != nil {
		return err
	}
	if r.store, err = newStore(dir, host{}); err != nil {
		return err
	}
	if r.Settings, err = r.part("settings", r.Index.Settings); err != nil {
		return err
	}
	for i, p := range r.State {
		b, err := r.part(fmt.Sprintf("state %d", i), p)
		if err != nil {
			return err
		}
		r.Root = append(r.Root, b...)
	}
	r.sizes = sizesOf(r.Index)
	return nil
}

func sizesOf(x *Index) map[state.Chunk]int {
	sizes := make(map[state.Chunk]int, len(x.Chunks))
	for _, p := range x.Chunks {
		sizes[p.Digest] = p.Size
	}
	return sizes
}

// part reads a part and compares it with the index.
func (r *Reader) part(name string, p Part) ([]byte, error) {
	b, err := r.store.Get(p.Digest, p.Size)
	if err == nil && len(b) != p.Size {
		err = fmt.Errorf("it has %d bytes, expected %d", len(b), p.Size)
	}
	var bad *PartError
	if errors.As(err, &bad) {
		err = bad.Err
	}
	if err != nil {
		return nil, &PartError{name, err}
	}
	return b, nil
}

// Get gives a chunk of memory, which the index has to name.
func (r *Reader) Get(c state.Chunk, size int) ([]byte, error) {
	if known, ok := r.sizes[c]; !ok || known != size {
		return nil, &PartError{chunkName(c), errors.New("the index does not name it with this size")}
	}
	return r.part(chunkName(c), Part{c, size})
}

// Belongs refuses a snapshot that is not of this container, or of another bundle: an empty id is any container's.
func (r *Reader) Belongs(container string, manifest, code [32]byte) error {
	switch {
	case container != "" && container != r.Container:
		return &PartError{"container", fmt.Errorf("it is a snapshot of container %s (%s), not of %s", r.Container, r.Name, container)}
	case manifest != r.Manifest && !mutant.Off("snapshot.manifest"):
		return &PartError{"manifest", fmt.Errorf("it was made of a bundle whose manifest has SHA-256 %x, this one has %x", r.Manifest[:8], manifest[:8])}
	case code != r.Code:
		return &PartError{"code", fmt.Errorf("it was made with native code of SHA-256 %x, this one has %x", r.Code[:8], code[:8])}
	}
	return nil
}

// Close ends the reading.
func (r *Reader) Close() {
	if r.store != nil {
		r.store.Close()
	}
	r.lock.Close()
}

// Pruned tells what Prune has removed.
type Pruned struct {
	Chunks int   `json:"chunks"`
	Bytes  int64 `json:"bytes"`
}

// Prune removes from a directory the chunks that its index does not name, and what a writer has left that was killed. Without an index that
// counts nothing is removed.
func Prune(dir string, v *Verifier) (p Pruned, err error) { return prune(dir, v, host{}) }

func prune(dir string, v *Verifier, f files) (p Pruned, err error) {
	if err := errors.Join(foreign(dir), owned(dir)); err != nil {
		return p, err
	}
	lock, err := lockDir(dir, true)
	if err != nil {
		return p, fmt.Errorf("snapshot: %s: %w", dir, err)
	}
	defer lock.Close()
	x, _, err := readIndex(dir, v)
	if err != nil {
		return p, err
	}
	named := make(map[string]struct{}, len(x.Chunks)+len(x.State)+1)
	for _, part := range x.parts() {
		named[hex.EncodeToString(part.Digest[:])] = struct{}{}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := d.Name()
		if _, ok := named[name]; ok || filepath.Dir(path) == filepath.Clean(dir) && (name == indexName || name == lockName) {
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		p.Chunks, p.Bytes = p.Chunks+1, p.Bytes+st.Size()
		return f.Remove(path)
	})
	if err != nil {
		return p, fmt.Errorf("snapshot: prune: %w", err)
	}
	return p, nil
}
