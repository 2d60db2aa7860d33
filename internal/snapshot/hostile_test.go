package snapshot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whoever holds a directory can put anything under the names that there are in it: neither a reader nor a writer waits for
// it, follows it out of the directory, or removes what is no part of a snapshot.
func TestHostileDirectory(t *testing.T) {
	k, v := newKey(t)
	soon := func(what string, do func() error) (err error) {
		t.Helper()
		done := make(chan error, 1)
		go func() { done <- do() }()
		select {
		case err = <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: waits", what)
		}
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		return err
	}
	load := func(dir string) func() error {
		return func() error { _, err := Load(dir, v); return err }
	}
	begin := func(dir string) func() error {
		return func() error { _, err := Create(dir, k, v); return err }
	}

	fifo := t.TempDir()
	must(t, unix.Mkfifo(filepath.Join(fifo, lockName), 0o600))
	soon("read a FIFO", load(fifo))
	soon("write a FIFO", begin(fifo))

	away := filepath.Join(t.TempDir(), "nologin")
	link := t.TempDir()
	must(t, os.Symlink(away, filepath.Join(link, lockName)))
	soon("write a link", begin(link))
	if _, err := os.Lstat(away); err == nil {
		t.Error("a writer has made a file elsewhere")
	}

	others := t.TempDir()
	must(t, os.Chmod(others, 0o777))
	if err := soon("write among others", begin(others)); !strings.Contains(err.Error(), "mode 777") {
		t.Error(err)
	}

	mine := t.TempDir()
	_, err := contentOf(1).write(mine, k, v, host{})
	must(t, err)
	thesis := filepath.Join(mine, "thesis")
	must(t, os.Mkdir(thesis, 0o700))
	must(t, os.WriteFile(filepath.Join(thesis, "text"), []byte("x"), 0o600))
	soon("prune a directory that holds more", func() error { _, err := Prune(mine, v); return err })
	if _, err := os.Lstat(filepath.Join(thesis, "text")); err != nil {
		t.Error("what is no part of a snapshot was removed")
	}
}

// A chunk that somebody has removed is written again by the next snapshot, which is whole.
func TestRemovedChunk(t *testing.T) {
	k, v := newKey(t)
	dir := t.TempDir()
	c := contentOf(1)
	_, err := c.write(dir, k, v, host{})
	must(t, err)
	x, _, err := readIndex(dir, v)
	must(t, err)
	gone, kept := x.Chunks[0], x.Chunks[1]
	s, err := Open(dir)
	must(t, err)
	defer s.Close()
	must(t, os.Remove(s.file(gone.Digest)))
	w, err := Create(dir, k, v)
	must(t, err)
	known := string(w.Known())
	if strings.Contains(known, string(gone.Digest[:])) || !strings.Contains(known, string(kept.Digest[:])) || w.Keep(gone.Digest) || !w.Keep(kept.Digest) {
		t.Error("a chunk that is not there need not be sent")
	}
	w.Close()
	_, err = c.write(dir, k, v, host{})
	must(t, err)
	must(t, c.check(dir, v))
}
