package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"vkernel/internal/state"
)

// maxContent bounds what a chunk may grow to when it is decompressed.
const maxContent = 1 << 20

// Store is the chunks of a directory. It is not safe for concurrent use.
type Store struct {
	dir     string
	known   map[state.Chunk]struct{} // there, whole, and synced by us or by who wrote it
	writer  *zstd.Encoder
	reader  *zstd.Decoder
	Written Counts // of this Store
}

// Counts tell what Put has done.
type Counts struct {
	Chunks, Bytes int64 // that were not there before, compressed
	Kept          int64 // chunks that were
}

// Open opens the chunks of a directory, which is made if it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, chunkDir), 0o700); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	s := &Store{dir: dir, known: map[state.Chunk]struct{}{}}
	var err error
	if s.writer, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)); err == nil {
		s.reader, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxContent))
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

const chunkDir = "chunks"

// file is where a chunk is: two levels, so that no directory gets very large.
func (s *Store) file(c state.Chunk) string {
	name := hex.EncodeToString(c[:])
	return filepath.Join(s.dir, chunkDir, name[:2], name)
}

// Put keeps a content under its digest. It is written beside its place and renamed: a name
// stands for all of its content, whatever happens meanwhile.
func (s *Store) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	if _, ok := s.known[c]; ok {
		s.Written.Kept++
		return c, nil
	}
	if len(b) > maxContent {
		return c, fmt.Errorf("snapshot: a chunk of %d bytes, at most %d fit", len(b), maxContent)
	}
	name := s.file(c)
	switch _, err := os.Lstat(name); {
	case err == nil:
		s.Written.Kept++
		s.known[c] = struct{}{}
		return c, nil
	case !errors.Is(err, fs.ErrNotExist):
		return c, fmt.Errorf("snapshot: %w", err)
	}
	packed := s.writer.EncodeAll(b, nil)
	if err := writeFile(name, packed); err != nil {
		return c, err
	}
	s.Written.Chunks++
	s.Written.Bytes += int64(len(packed))
	s.known[c] = struct{}{}
	return c, nil
}

// writeFile writes a file that is there as a whole or not at all.
func writeFile(name string, b []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("snapshot: write %s: %w", name, err)
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

// Get gives a content that has the digest.
func (s *Store) Get(c state.Chunk, size int) ([]byte, error) {
	packed, err := os.ReadFile(s.file(c))
	if err != nil {
		return nil, fmt.Errorf("snapshot: chunk %x: %w", c, err)
	}
	b, err := s.reader.DecodeAll(packed, make([]byte, 0, min(size, maxContent)))
	if err != nil {
		return nil, fmt.Errorf("snapshot: chunk %x: %w", c, err)
	}
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], c[:]) {
		return nil, fmt.Errorf("snapshot: chunk %x has another content, of digest %x", c, sum)
	}
	return b, nil
}
