package snapshot

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/zstd"

	"vkernel/internal/mutant"
	"vkernel/internal/state"
)

// maxContent bounds what a chunk may grow to when it is decompressed.
const maxContent = 1 << 20

// maxPacked bounds a compressed one: what does not get smaller grows a little.
const maxPacked = maxContent + 64<<10

// Store is the chunks of a directory. Its methods may be called by several goroutines.
type Store struct {
	dir   string
	files files

	mu sync.Mutex

	// guarded by mu
	known   map[state.Chunk]struct{} // there and whole: an index names it, or we have written or read it
	made    map[string]struct{}      // directories
	written Counts

	writer *zstd.Encoder
	reader *zstd.Decoder
}

// Counts tell what Put has done.
type Counts struct {
	Chunks int64 `json:"chunks"` // that were not there before
	Bytes  int64 `json:"bytes"`  // of these, compressed
	Kept   int64 `json:"kept"`   // chunks that were there
}

// Open opens the chunks of a directory, which is made if it is missing.
func Open(dir string) (*Store, error) { return open(dir, host{}) }

func open(dir string, f files) (*Store, error) {
	for _, name := range []string{dir, filepath.Join(dir, chunkDir)} {
		if err := f.Mkdir(name); err != nil {
			return nil, fmt.Errorf("snapshot: %w", err)
		}
	}
	return newStore(dir, f)
}

func newStore(dir string, f files) (*Store, error) {
	s := &Store{dir: dir, files: f, known: map[state.Chunk]struct{}{}, made: map[string]struct{}{}}
	var err error
	if s.writer, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false)); err == nil {
		s.reader, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxContent))
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: zstd: %w", err)
	}
	return s, nil
}

// Close ends the use of the store.
func (s *Store) Close() {
	s.writer.Close()
	s.reader.Close()
}

// Written tells what Put has done.
func (s *Store) Written() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

const chunkDir = "chunks"

// file is where a chunk is: two levels, so that no directory gets very large.
func (s *Store) file(c state.Chunk) string {
	name := hex.EncodeToString(c[:])
	return filepath.Join(s.dir, chunkDir, name[:2], name)
}

// there reports whether a chunk has a file.
func (s *Store) there(c state.Chunk) bool {
	_, err := os.Lstat(s.file(c))
	return err == nil
}

// Put keeps a content under its digest. It is written beside its place and renamed: a name
// stands for all of its content. After a crash of the host one may not; so what no index names is looked at before
// it counts as there.
func (s *Store) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	return c, s.put(c, b)
}

// put is Put of a content whose digest is known.
func (s *Store) put(c state.Chunk, b []byte) error {
	if len(b) > maxContent {
		return fmt.Errorf("snapshot: a chunk of %d bytes, at most %d fit", len(b), maxContent)
	}
	if s.kept(c) {
		return nil
	}
	name := s.file(c)
	if _, err := s.Get(c, len(b)); err == nil {
		s.add(c, 0, true)
		return nil
	}
	packed := s.writer.EncodeAll(b, nil)
	if err := s.mkdir(filepath.Dir(name)); err != nil {
		return err
	}
	if err := writeFile(s.files, name, packed, false); err != nil {
		return err
	}
	s.add(c, len(packed), false)
	return nil
}

// kept reports whether a chunk is known to be there.
func (s *Store) kept(c state.Chunk) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known[c]
	if ok {
		s.written.Kept++
	}
	return ok
}

func (s *Store) add(c state.Chunk, size int, kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[c] = struct{}{}
	if kept {
		s.written.Kept++
		return
	}
	s.written.Chunks++
	s.written.Bytes += int64(size)
}

// mkdir makes a directory of chunks, once.
func (s *Store) mkdir(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.made[dir]; ok {
		return nil
	}
	if err := s.files.Mkdir(dir); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	s.made[dir] = struct{}{}
	return nil
}

// beside begins the name of a file that has not got its own yet.
const beside = ".new-"

// writeFile writes a file that is there as a whole or not at all.
func writeFile(at files, name string, b []byte, sync bool) (err error) {
	next := filepath.Join(filepath.Dir(name), beside+rand.Text())
	f, err := at.Create(next)
	if err != nil {
		return fmt.Errorf("snapshot: write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			at.Remove(next) //nolint:errcheck // what stays is removed by Prune
			err = fmt.Errorf("snapshot: write %s: %w", name, err)
		}
	}()
	_, err = f.Write(b)
	if err == nil && sync {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = at.Rename(next, name)
	}
	return err
}

// Get gives a content of at most so many bytes that has the digest.
func (s *Store) Get(c state.Chunk, size int) ([]byte, error) {
	packed, err := read(s.file(c), maxPacked)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("it is missing")
		}
		return nil, &PartError{chunkName(c), err}
	}
	b, err := s.reader.DecodeAll(packed, make([]byte, 0, min(size, maxContent)))
	if err != nil {
		return nil, &PartError{chunkName(c), err}
	}
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], c[:]) && !mutant.Off("snapshot.digest") {
		return nil, &PartError{chunkName(c), fmt.Errorf("it has another content, of digest %x", sum[:8])}
	}
	return b, nil
}

func chunkName(c state.Chunk) string { return "chunk " + hex.EncodeToString(c[:]) }
