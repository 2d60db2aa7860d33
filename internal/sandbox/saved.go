package sandbox

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"vkernel/internal/state"
)

// How a container's state gets out of its sandbox, and into another one. The sandbox can open no file: it writes to a
// descriptor, and reads from one.
//
// To a snapshot it writes records into a pipe:
//
//	'c' DIGEST LENGTH BYTES    a chunk; DIGEST is what the sandbox claims: who keeps it computes its own
//	'k' DIGEST LENGTH          a chunk that the old snapshot has
//	'r' LENGTH BYTES           a piece of the stream of objects
//	'e'                        the end
//
// and it reads chunks by asking for them over a socket: DIGEST LENGTH, answered by 0 and LENGTH bytes, or by 1.
//
// A copy of a container is made through memory: the chunks as they are, then the stream; the name of a chunk is where it lies. The launcher
// seals it, so that what copies read does not change.

const (
	maxChunk  = 1 << 20
	headBytes = 1 + 32 + 4
)

// SaveArgument says how a container is to be saved.
type SaveArgument struct {
	Memory bool   // into memory, for copies; else as records
	Known  []byte // digests of chunks that need not be sent again, of 32 bytes each
}

// Saved says what was saved.
type Saved struct {
	Paused time.Duration `json:"paused"` // how long the container stood, if it was not paused before
	Chunks int           `json:"chunks"`
	Bytes  int64         `json:"bytes"` // in chunks
	Root   int           `json:"root"`  // bytes of the stream of objects
}

// saver writes either form.
type saver interface {
	state.Sink
	finish(root []byte) error
}

// recordWriter writes records.
type recordWriter struct {
	w     *bufio.Writer
	known map[state.Chunk]struct{}
	sent  map[state.Chunk]struct{}
	saved *Saved
}

func newRecords(w io.Writer, known []byte, saved *Saved) *recordWriter {
	r := &recordWriter{bufio.NewWriterSize(w, 256<<10), map[state.Chunk]struct{}{}, map[state.Chunk]struct{}{}, saved}
	for len(known) >= 32 {
		r.known[state.Chunk(known[:32])] = struct{}{}
		known = known[32:]
	}
	return r
}

func (r *recordWriter) head(kind byte, c state.Chunk, n int) {
	var b [headBytes]byte
	b[0] = kind
	copy(b[1:], c[:])
	binary.LittleEndian.PutUint32(b[33:], uint32(n))
	r.w.Write(b[:]) //nolint:errcheck // a bufio.Writer keeps its error
}

// Put sends a chunk, once.
func (r *recordWriter) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	if _, ok := r.sent[c]; ok {
		return c, nil
	}
	r.sent[c] = struct{}{}
	r.saved.Chunks++
	r.saved.Bytes += int64(len(b))
	if _, ok := r.known[c]; ok {
		r.head('k', c, len(b))
		return c, nil
	}
	r.head('c', c, len(b))
	_, err := r.w.Write(b)
	return c, err
}

func (r *recordWriter) finish(root []byte) error {
	for len(root) > 0 {
		n := min(len(root), maxChunk)
		r.head('r', state.Chunk{}, n)
		r.w.Write(root[:n]) //nolint:errcheck // see head
		root = root[n:]
	}
	r.head('e', state.Chunk{}, 0)
	return r.w.Flush()
}

// Record is one that a sandbox has sent.
type Record struct {
	Kind   byte // 'c', 'k', 'r'
	Digest state.Chunk
	Size   int
	Data   []byte // of 'c' and 'r'
}

// leastCost is what a chunk costs of what a sandbox may send, however small it is: it becomes a file.
const leastCost = 4 << 10

// ReadRecords reads what a sandbox writes, and gives each record to do, to its end. Nothing in it is believed: no record is
// larger than a chunk, and all together hold no more than most bytes, counted as files take them.
func ReadRecords(from io.Reader, most int64, do func(Record) error) error {
	r := bufio.NewReaderSize(from, 64<<10)
	for {
		var b [headBytes]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return fmt.Errorf("what the sandbox has sent ends early: %w", err)
		}
		rec := Record{Kind: b[0], Digest: state.Chunk(b[1:33])}
		n := binary.LittleEndian.Uint32(b[33:])
		switch {
		case rec.Kind == 'e':
			return nil
		case n > maxChunk:
			return fmt.Errorf("the sandbox has sent a record of %d bytes, at most %d", n, maxChunk)
		case rec.Kind != 'c' && rec.Kind != 'k' && rec.Kind != 'r':
			return fmt.Errorf("the sandbox has sent a record of kind %d", rec.Kind)
		}
		rec.Size = int(n)
		cost := headBytes + int64(n)
		if rec.Kind == 'c' {
			cost = max(cost, leastCost)
		}
		if most -= cost; most < 0 {
			return errors.New("the sandbox has sent more than a container can hold")
		}
		if rec.Kind != 'k' {
			rec.Data = make([]byte, n)
			if _, err := io.ReadFull(r, rec.Data); err != nil {
				return fmt.Errorf("what the sandbox has sent ends early: %w", err)
			}
		}
		if err := do(rec); err != nil {
			return err
		}
	}
}

const hostPage = 4096

// memoryWriter writes a copy into a memory file.
type memoryWriter struct {
	f     *os.File
	at    uint64
	saved *Saved
}

// name is where a chunk lies.
func (m *memoryWriter) name(n int) (c state.Chunk) {
	binary.LittleEndian.PutUint64(c[:], m.at)
	binary.LittleEndian.PutUint32(c[8:], uint32(n))
	return c
}

// Put writes a chunk. What may be pages begins at one, so that copies can map it.
func (m *memoryWriter) Put(b []byte) (state.Chunk, error) {
	if len(b)%hostPage == 0 {
		m.at = (m.at + hostPage - 1) &^ (hostPage - 1)
	}
	c := m.name(len(b))
	n, err := m.f.WriteAt(b, int64(m.at))
	m.at += uint64(n)
	m.saved.Chunks++
	m.saved.Bytes += int64(n)
	return c, err
}

// finish writes the stream and, at the very end, how long it is.
func (m *memoryWriter) finish(root []byte) error {
	b := binary.LittleEndian.AppendUint64(root, uint64(len(root)))
	_, err := m.f.WriteAt(b, int64(m.at))
	return err
}

// copied is the memory of a copy.
type copied struct {
	file *os.File
	fd   int
	size int64
}

// Get reads a chunk of a copy.
func (s *copied) Get(c state.Chunk, size int) ([]byte, error) {
	at, n := binary.LittleEndian.Uint64(c[:]), binary.LittleEndian.Uint32(c[8:])
	if int(n) != size || n > maxChunk || at > 1<<62 {
		return nil, errors.New("a chunk that is not of this copy")
	}
	b := make([]byte, n)
	if _, err := s.file.ReadAt(b, int64(at)); err != nil {
		return nil, fmt.Errorf("a chunk at %d: %w", at, err)
	}
	return b, nil
}

// Place gives where a chunk of a copy lies: the file is sealed.
func (s *copied) Place(c state.Chunk, size int) (fd int, offset int64, ok bool) {
	at, n := binary.LittleEndian.Uint64(c[:]), binary.LittleEndian.Uint32(c[8:])
	if int(n) != size || int64(n) > s.size || at > uint64(s.size)-uint64(n) {
		return -1, 0, false
	}
	return s.fd, int64(at), true
}

// root reads the stream of a copy.
func (s *copied) root() ([]byte, error) {
	size, err := s.file.Seek(0, io.SeekEnd)
	if err != nil || size < 8 {
		return nil, errors.Join(errors.New("the memory of the copy is empty"), err)
	}
	var tail [8]byte
	if _, err := s.file.ReadAt(tail[:], size-8); err != nil {
		return nil, err
	}
	s.size = size
	n := binary.LittleEndian.Uint64(tail[:])
	if n > uint64(size-8) || n > maxHandover {
		return nil, errors.New("the memory of the copy is damaged")
	}
	b := make([]byte, n)
	_, err = s.file.ReadAt(b, size-8-int64(n))
	return b, err
}

// asker reads chunks from the launcher.
type asker struct {
	mu sync.Mutex
	rw io.ReadWriter
}

func (a *asker) Get(c state.Chunk, size int) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ask [36]byte
	copy(ask[:], c[:])
	binary.LittleEndian.PutUint32(ask[32:], uint32(size))
	if _, err := a.rw.Write(ask[:]); err != nil {
		return nil, err
	}
	b := make([]byte, 1+size)
	if _, err := io.ReadFull(a.rw, b[:1]); err != nil {
		return nil, err
	}
	if b[0] != 0 {
		return nil, errors.New("the launcher refuses a part of the snapshot, and says which")
	}
	_, err := io.ReadFull(a.rw, b[1:])
	return b[1:], err
}

// answerChunks gives a sandbox the chunks that it asks for, until it lets go of the socket. failed is told of what cannot be given.
func answerChunks(rw io.ReadWriter, from state.Source, failed func(error)) {
	for {
		var ask [36]byte
		if _, err := io.ReadFull(rw, ask[:]); err != nil {
			return
		}
		size := binary.LittleEndian.Uint32(ask[32:])
		var b []byte
		err := fmt.Errorf("a chunk of %d bytes, at most %d", size, maxChunk)
		if size <= maxChunk {
			b, err = from.Get(state.Chunk(ask[:32]), int(size))
		}
		if err != nil {
			failed(err)
			rw.Write([]byte{1}) //nolint:errcheck // it has ended, or is told
			continue
		}
		if _, err := rw.Write(append([]byte{0}, b...)); err != nil {
			return
		}
	}
}
