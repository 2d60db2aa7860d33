package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"vkernel/internal/sandbox"
	"vkernel/internal/snapshot"
	"vkernel/internal/state"
)

// Taken says what a snapshot has cost.
type Taken struct {
	Container string          `json:"container"`
	Saved     sandbox.Saved   `json:"saved"`
	Written   snapshot.Counts `json:"written"`
	Took      time.Duration   `json:"took"`
}

// stored are the settings of a snapshot.
type stored struct {
	Bundle   string   `json:"bundle"` // where it lay then
	Settings Settings `json:"settings"`
}

// Snapshot saves the container into a directory. What an older snapshot there has is not written again. The container
// stands until its state is on its way, and goes on while that is compressed and written.
func (c *Client) Snapshot(ctx context.Context, dir string, seal snapshot.Authenticator, v *snapshot.Verifier) (Taken, error) {
	began := time.Now()
	i, err := c.Info(ctx)
	if err != nil {
		return Taken{}, err
	}
	x, settings, err := i.index()
	if err != nil {
		return Taken{}, err
	}
	w, err := snapshot.Create(dir, seal, v)
	if err != nil {
		return Taken{}, err
	}
	defer w.Close()
	if old := w.Old(); old != nil && old.Container != i.ID {
		return Taken{}, fmt.Errorf("%s holds a snapshot of another container, %s (%s): name another directory, or remove it", dir, old.Name, old.Container)
	}
	k := &keeper{writer: w, chunks: make(chan sandbox.Record, maxWaiting)}
	saved, err := c.Records(ctx, w.Known(), k.bound(i), k.begin())
	err = errors.Join(err, k.end())
	if err != nil {
		return Taken{}, err
	}
	n, err := w.Commit(x, settings, k.root)
	return Taken{Container: i.ID, Saved: saved, Written: n, Took: time.Since(began)}, err
}

// index is what an index says of the container.
func (i *Info) index() (x snapshot.Index, settings []byte, err error) {
	x = snapshot.Index{Container: i.ID, Name: i.Name, CPU: i.CPU, Created: time.Now()}
	for digest, to := range map[string]*[32]byte{i.Manifest: &x.Manifest, i.Code: &x.Code} {
		if n, err := hex.Decode(to[:], []byte(digest[:min(len(digest), 64)])); err != nil || n != 32 {
			return x, nil, errors.New("its launcher does not say what bundle it is of")
		}
	}
	s := stored{i.Bundle, i.Settings}
	s.Settings.Flags = nil
	settings, err = json.Marshal(s)
	return x, settings, err
}

// keeper writes what a sandbox sends: names in its order, contents beside.
type keeper struct {
	writer *snapshot.Writer
	chunks chan sandbox.Record
	work   sync.WaitGroup
	root   []byte
	named  int // chunks

	mu      sync.Mutex
	err     error // guarded by mu
	waiting int   // bytes in chunks; guarded by mu
	written sync.Cond
}

// bound is the most that is taken: a container's memory and files, and as much again for what describes them.
func (k *keeper) bound(i Info) int64 { return 2*int64(min(i.Memory, 1<<44)) + i.Settings.Disk + 4<<30 }

// maxWaiting is how many chunks wait to be compressed, nearly all of 64 KiB, and maxBytes how large they are: meanwhile the
// container, which stands until it has handed over the last, goes on.
const (
	maxWaiting = 4096
	maxBytes   = maxWaiting * 64 << 10
)

// maxRoot bounds the stream of objects.
const maxRoot = 1 << 30

func (k *keeper) begin() func(sandbox.Record) error {
	k.written.L = &k.mu
	for range 2 {
		k.work.Go(func() {
			for r := range k.chunks {
				if err := k.put(r); err != nil {
					k.fail(err)
				}
				k.done(r.Size)
			}
		})
	}
	return k.take
}

// room waits until a chunk of n bytes may wait, too.
func (k *keeper) room(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.waiting > 0 && k.waiting+n > maxBytes {
		k.written.Wait()
	}
	k.waiting += n
}

func (k *keeper) done(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting -= n
	k.written.Broadcast()
}

// put writes a chunk, if it is what the sandbox says.
func (k *keeper) put(r sandbox.Record) error {
	if sha256.Sum256(r.Data) != [32]byte(r.Digest) {
		return errors.New("the sandbox has sent a chunk that has not its digest")
	}
	return k.writer.Write(r.Digest, r.Data)
}

func (k *keeper) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.err = err
	}
}

func (k *keeper) failed() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// take takes a record.
func (k *keeper) take(r sandbox.Record) error {
	switch r.Kind {
	case 'r':
		if len(k.root)+len(r.Data) > maxRoot {
			return fmt.Errorf("the sandbox has sent more than %d bytes of objects", maxRoot)
		}
		k.root = append(k.root, r.Data...)
	case 'k':
		if !k.writer.Keep(r.Digest) {
			return errors.New("the sandbox names a chunk that the old snapshot has not")
		}
	default:
		if k.named++; k.named > snapshot.MaxChunks {
			return fmt.Errorf("the sandbox has sent more than %d chunks", snapshot.MaxChunks)
		}
		k.writer.Name(r.Digest, r.Size)
		k.room(r.Size)
		k.chunks <- r
	}
	return k.failed()
}

// end returns when all is written.
func (k *keeper) end() error {
	close(k.chunks)
	k.work.Wait()
	return k.failed()
}

// Restored is a snapshot that is to be a container again.
type Restored struct {
	*snapshot.Reader
	Bundle    string // where its bundle lay
	Container Settings
}

// OpenSnapshot opens a snapshot. All but the chunks of memory has been verified; these are when they are asked for.
func OpenSnapshot(dir string, v *snapshot.Verifier) (*Restored, error) {
	r, err := snapshot.Load(dir, v)
	if err != nil {
		return nil, err
	}
	var s stored
	if err := strict(r.Settings, &s); err != nil {
		r.Close()
		return nil, &snapshot.PartError{Part: "settings", Err: err}
	}
	return &Restored{r, s.Bundle, s.Settings}, nil
}

// Ahead reads the chunks of a snapshot in their order before they are asked for, as many as there is room for.
func (r *Restored) Ahead() (from state.Source, stop func()) {
	a := &ahead{from: r.Reader, ready: map[state.Chunk]chan fetched{}, stopped: make(chan struct{}), room: make(chan struct{}, maxAhead)}
	var parts []snapshot.Part // each once
	for _, p := range r.Chunks {
		if a.ready[p.Digest] == nil {
			a.ready[p.Digest] = make(chan fetched, 1)
			parts = append(parts, p)
		}
	}
	next := make(chan snapshot.Part)
	a.done.Go(func() {
		defer close(next)
		for _, p := range parts {
			select {
			case a.room <- struct{}{}:
			case <-a.stopped:
				return
			}
			select {
			case next <- p:
			case <-a.stopped:
				return
			}
		}
	})
	for range 2 {
		a.done.Go(func() {
			for p := range next {
				b, err := a.from.Get(p.Digest, p.Size)
				a.ready[p.Digest] <- fetched{b, err} // once: an index names a chunk once
			}
		})
	}
	var once sync.Once
	return a, func() {
		once.Do(func() { close(a.stopped) })
		a.done.Wait()
	}
}

// maxAhead is how many chunks are read before they are asked for.
const maxAhead = 256

// ahead is a source that reads ahead.
type ahead struct {
	from    *snapshot.Reader
	ready   map[state.Chunk]chan fetched // not changed after it was made
	room    chan struct{}
	stopped chan struct{}
	done    sync.WaitGroup
}

type fetched struct {
	b   []byte
	err error
}

// Get gives a chunk. One that is asked for out of turn, or again, is read at once.
func (a *ahead) Get(c state.Chunk, size int) ([]byte, error) {
	select {
	case f := <-a.ready[c]:
		<-a.room
		if f.err == nil && len(f.b) != size {
			return a.from.Get(c, size) // which says what is wrong
		}
		return f.b, f.err
	default:
		return a.from.Get(c, size)
	}
}
