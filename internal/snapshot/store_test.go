package snapshot_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/snapshot"
	"vkernel/internal/state"
)

func open(t *testing.T, dir string) *snapshot.Store {
	t.Helper()
	s, err := snapshot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func put(t *testing.T, s *snapshot.Store, b []byte) state.Chunk {
	t.Helper()
	c, err := s.Put(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// chunkFiles lists the files of a store.
func chunkFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	zeros, text := make([]byte, 64<<10), []byte("a content")
	s := open(t, dir)
	a, b := put(t, s, zeros), put(t, s, text)
	if again := put(t, s, zeros); again != a || s.Written().Chunks != 2 || s.Written().Kept != 1 {
		t.Errorf("the same content was written twice: %+v", s.Written())
	}
	if s.Written().Bytes > 1000 {
		t.Errorf("64 KiB of zeros and nine letters take %d bytes", s.Written().Bytes)
	}
	other := open(t, dir) // as another process
	if again := put(t, other, text); again != b || other.Written().Chunks != 0 {
		t.Errorf("what another store wrote was written again: %+v", other.Written())
	}
	for c, want := range map[state.Chunk][]byte{a: zeros, b: text} {
		if got, err := other.Get(c, len(want)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("chunk %x: %d bytes, %v", c, len(got), err)
		}
	}
	if n := len(chunkFiles(t, dir)); n != 2 {
		t.Errorf("%d files, want 2", n)
	}
}

// TestStoreRefuses: a chunk that is missing, was changed or cut off, or grows too large is named.
func TestStoreRefuses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c := put(t, s, []byte("the first content"))
	other := put(t, s, []byte("the other content"))
	files := map[string]string{}
	for _, name := range chunkFiles(t, dir) {
		files[filepath.Base(name)] = name
	}
	name := files[hexOf(c)]
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(files[hexOf(other)])
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{"cut off": good[:len(good)-1], "empty": {}, "another's": foreign, "noise": []byte("noise")} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(c, 17); err == nil || !strings.Contains(err.Error(), hexOf(c)) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(c, 17); err == nil || !strings.Contains(err.Error(), hexOf(c)) {
		t.Errorf("missing: error %v", err)
	}
	if _, err := s.Put(make([]byte, 1<<20+1)); err == nil {
		t.Error("a chunk of more than 1 MiB was kept")
	}
}

func hexOf(c state.Chunk) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, x := range c {
		b.WriteByte(digits[x>>4])
		b.WriteByte(digits[x&15])
	}
	return b.String()
}

// TestStoreFullDisk: a write that fails leaves nothing that could be taken for a chunk.
func TestStoreFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := os.RemoveAll(filepath.Join(dir, "chunks")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "chunks"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put([]byte("x")); err == nil {
		t.Error("a chunk was written where there is no directory")
	}
}
