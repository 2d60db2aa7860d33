package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/kernel"
	"vkernel/internal/manifest"
	"vkernel/internal/packet"
	"vkernel/internal/state"
	"vkernel/internal/trust"
)

// held is chunks in memory.
type held struct {
	mu     sync.Mutex
	chunks map[state.Chunk][]byte
	root   []byte
}

func (k *held) Get(c state.Chunk, size int) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if b := k.chunks[c]; b != nil && len(b) == size {
		return b, nil
	}
	return nil, fmt.Errorf("there is no chunk %x", c[:4])
}

// take keeps a record that is what it says.
func (k *held) take(r Record) error {
	switch {
	case r.Kind == 'r':
		k.root = append(k.root, r.Data...)
	case r.Kind == 'k':
		return errors.New("a chunk was left out")
	case sha256.Sum256(r.Data) != [32]byte(r.Digest):
		return errors.New("a chunk is not what it says")
	default:
		k.chunks[r.Digest] = r.Data
	}
	return nil
}

// save saves a container by records.
func save(t *testing.T, s *Sandbox, known []byte, take func(Record) error) Saved {
	t.Helper()
	from, to, err := os.Pipe()
	must(t, err)
	read := make(chan error, 1)
	go func() {
		defer from.Close()
		read <- ReadRecords(from, 1<<30, take)
	}()
	saved, err := s.Save(t.Context(), SaveArgument{Known: known}, to)
	to.Close()
	must(t, err)
	must(t, <-read)
	return saved
}

// ended is how a container has ended, and what it has printed.
type ended struct {
	out    string
	status kernel.Status
	err    error
}

// restored runs what was saved, whose input ends with a line that comes after a while.
func restored(t *testing.T, c Config, from *From, input string, revoked trust.Update) ended {
	t.Helper()
	s := start(t, c)
	s.Revoke(revoked)
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	st, err := s.Run(ctx, Run{From: from, Streams: Streams{In: strings.NewReader(input), Out: &out, Err: &out}})
	return ended{out.String(), st, err}
}

// counting starts a container that has counted to three, and waits for a line to count on.
func counting(t *testing.T, c Config) *Sandbox {
	t.Helper()
	s := start(t, c)
	in, hold := io.Pipe()
	done := make(chan struct{})
	var out output
	go func() {
		defer close(done)
		s.Run(t.Context(), Run{ //nolint:errcheck // it is killed
			Command: []string{"/bin/sh", "-c", "echo kept >/tmp/file; for i in 1 2 3; do echo $i; done; read line; echo $line; for i in 4 5; do echo $i; done; cat /tmp/file; exit 6"},
			Env:     []string{"PATH=/bin"}, Dir: "/", Streams: Streams{In: in, Out: &out, Err: &out},
		})
	}()
	t.Cleanup(func() { hold.Close(); <-done })
	for !strings.Contains(out.text(), "3\n") {
		time.Sleep(time.Millisecond)
	}
	return s
}

// A container is saved by one sandbox and goes on in others, from records and from memory.
func TestSaveAndRestore(t *testing.T) {
	c := Config{Bundle: guestBundle(t), Processes: 20}
	s := counting(t, c)
	k := &held{chunks: map[state.Chunk][]byte{}}
	first := save(t, s, nil, k.take)
	if first.Chunks != len(k.chunks) || first.Root != len(k.root) || first.Paused <= 0 {
		t.Errorf("%+v, %d chunks and %d bytes came", first, len(k.chunks), len(k.root))
	}
	var known []byte
	for c := range k.chunks {
		known = append(known, c[:]...)
	}
	left, sent := 0, 0
	save(t, s, known, func(r Record) error {
		switch r.Kind {
		case 'k':
			left++
		case 'c':
			sent++
		}
		return nil
	})
	if left == 0 || sent > left {
		t.Errorf("of what is known, %d chunks were left out and %d sent", left, sent)
	}
	memory, err := packet.Memory("copy")
	must(t, err)
	defer memory.Close()
	must(t, s.Pause(t.Context()))
	if saved, err := s.Save(t.Context(), SaveArgument{Memory: true}, memory); err != nil || saved.Paused != 0 || saved.Root == 0 {
		t.Errorf("%+v, %v", saved, err)
	}
	must(t, packet.SealMemory(memory))
	if err := s.Pause(t.Context()); err == nil {
		t.Error("one that was paused does not stay so")
	}
	want := ended{out: "typed\n4\n5\nkept\n", status: kernel.Status{Code: 6}}
	for range 2 {
		for what, from := range map[string]*From{"records": {Root: k.root, Chunks: k}, "memory": {Memory: memory}} {
			if got := restored(t, c, from, "typed\n", trust.Update{}); got != want {
				t.Errorf("from %s: %+v", what, got)
			}
		}
	}
}

// What cannot be restored is an error that says why: a chunk is missing, the stream is damaged, a program was revoked.
func TestRestoreRefused(t *testing.T) {
	b := guestBundle(t)
	c := Config{Bundle: b, Processes: 20}
	s := counting(t, c)
	k := &held{chunks: map[state.Chunk][]byte{}}
	save(t, s, nil, k.take)
	shell, ok := b.Root.Lookup("/bin/dash")
	if !ok {
		t.Fatal("no shell in the bundle")
	}
	gone := &held{chunks: map[state.Chunk][]byte{}}
	from := func(root []byte, k *held) *From { return &From{Root: root, Chunks: k} }
	empty, err := packet.Seal("copy", nil)
	must(t, err)
	short, err := packet.Seal("copy", []byte("\xff\xff\xff\xff\xff\xff\xff\x00"))
	must(t, err)
	for what, test := range map[string]struct {
		from    *From
		revoked trust.Update
	}{
		"there is no chunk":            {from: from(k.root, gone)},
		"a list of":                    {from: from(k.root[:len(k.root)/2], k)},
		"it does not begin with":       {from: from([]byte("noise"), k)},
		"the memory of the copy is em": {from: &From{Memory: empty}},
		"the memory of the copy is da": {from: &From{Memory: short}},
		": revoked":                    {from: from(k.root, k), revoked: trust.Update{Digests: []manifest.Digest{*shell.SHA256}}},
	} {
		got := restored(t, c, test.from, "typed\n", test.revoked)
		if got.err == nil || got.out != "" || !strings.Contains(got.err.Error(), what) {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := restored(t, c, from(k.root, k), "typed\n", trust.Update{}); got.err != nil {
		t.Error(got.err)
	}
}

func FuzzRecords(f *testing.F) {
	var b bytes.Buffer
	var saved Saved
	r := newRecords(&b, make([]byte, 32), &saved)
	r.Put([]byte("content")) //nolint:errcheck // a buffer takes it
	r.head('k', state.Chunk{}, 5)
	must(f, r.finish([]byte("root")))
	f.Add(b.Bytes())
	f.Add(append([]byte{'c'}, bytes.Repeat([]byte{0xff}, 100)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		const most = 1 << 16
		err := ReadRecords(bytes.NewReader(data), most, func(r Record) error {
			if r.Kind != 'k' && len(r.Data) != r.Size {
				t.Errorf("%c: %d bytes of %d", r.Kind, len(r.Data), r.Size)
			}
			total += r.Size
			return nil
		})
		if total > most || err == nil && !bytes.Contains(data, []byte("e")) {
			t.Errorf("%d bytes, %v", total, err)
		}
	})
}

// A source of chunks gives nothing that was not asked for in bounds.
func TestAnswerChunks(t *testing.T) {
	k := &held{chunks: map[state.Chunk][]byte{{1}: []byte("one")}}
	var failed []string
	ask := func(c state.Chunk, size int) string {
		var b [36]byte
		copy(b[:], c[:])
		b[32], b[33], b[34], b[35] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
		return string(b[:])
	}
	rw := struct {
		io.Reader
		bytes.Buffer
	}{Reader: strings.NewReader(ask(state.Chunk{1}, 3) + ask(state.Chunk{1}, 4) + ask(state.Chunk{2}, 3) + ask(state.Chunk{1}, 1<<30) + "cut off")}
	answerChunks(struct {
		io.Reader
		io.Writer
	}{rw.Reader, &rw.Buffer}, k, func(err error) { failed = append(failed, err.Error()) })
	if got := rw.Buffer.String(); got != "\x00one\x01\x01\x01" || len(failed) != 3 || !strings.Contains(failed[2], "at most") {
		t.Errorf("%q, %q", got, failed)
	}
}

// Chunks of a byte are counted as the files that they become.
func TestSmallRecords(t *testing.T) {
	var data []byte
	for n := range 100 {
		head := [headBytes]byte{0: 'c', 1: byte(n), 33: 1}
		data = append(append(data, head[:]...), byte(n))
	}
	end := [headBytes]byte{'e'}
	data = append(data, end[:]...)
	for most, want := range map[int64]int{100*leastCost + headBytes: 100, 10 * leastCost: 10} {
		n := 0
		err := ReadRecords(bytes.NewReader(data), most, func(Record) error { n++; return nil })
		if n != want || (err == nil) != (want == 100) {
			t.Errorf("%d bytes: %d records, %v", most, n, err)
		}
	}
}
