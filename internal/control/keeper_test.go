package control

import (
	"testing"
	"time"

	"vkernel/internal/sandbox"
	"vkernel/internal/snapshot"
	"vkernel/internal/state"
)

// A sandbox that sends large chunks faster than they are written does not fill the memory of who reads them.
func TestKeeperIsBounded(t *testing.T) {
	key, err := snapshot.OpenKey(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	w, err := snapshot.Create(t.TempDir(), key, &snapshot.Verifier{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	k := &keeper{writer: w, chunks: make(chan sandbox.Record, maxWaiting)} // nobody writes
	k.written.L = &k.mu
	const size = 1 << 20
	send := func(n int) error {
		return k.take(sandbox.Record{Kind: 'c', Digest: state.Chunk{byte(n), byte(n >> 8)}, Size: size})
	}
	for n := range maxBytes / size {
		if err := send(n); err != nil {
			t.Fatal(err)
		}
	}
	sent := make(chan error, 1)
	go func() { sent <- send(maxBytes / size) }()
	select {
	case <-sent:
		t.Errorf("%d bytes wait, and more is taken", k.waiting)
	case <-time.After(50 * time.Millisecond):
	}
	k.done(size)
	if err := <-sent; err != nil {
		t.Error(err)
	}
	k.named = snapshot.MaxChunks
	if send(0) == nil {
		t.Error("more chunks than an index can name")
	}
}
