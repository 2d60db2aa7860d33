package verify

import (
	"os"
	"path/filepath"
	"testing"
)

// TestKnown: a digest is remembered in a private folder, and not where others can write.
func TestKnown(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	k := OpenKnown()
	if k.dir == "" {
		t.Skip("this test program has no build id")
	}
	const digest = "0123"
	if k.Has(digest) {
		t.Error("known before it was added")
	}
	k.Add(digest)
	if !OpenKnown().Has(digest) {
		t.Error("not remembered")
	}
	if err := os.Chmod(filepath.Join(k.dir, digest), 0o666); err != nil {
		t.Fatal(err)
	}
	if k.Has(digest) {
		t.Error("a file that others can write is believed")
	}
	if err := os.Chmod(k.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if k := OpenKnown(); k.dir != "" || k.Has(digest) {
		t.Error("a folder that others can write is used")
	}
	k.Add("4567")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if k := OpenKnown(); k.Has(digest) {
		t.Error("something is known without a place for it")
	}
}
