package layerfs

import (
	"fmt"
	"strings"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/vfstest"
)

var here vfs.Path

// TestOnlyChangesAreCharged: what comes from below is free, a write costs its page.
func TestOnlyChangesAreCharged(t *testing.T) {
	low := memLower(t)
	l, e := New(low, memfs.Options{Dev: 2, Bytes: 4 * 4096, Inodes: 2})
	if e != 0 {
		t.Fatal(e)
	}
	w := vfstest.NewTree(t, l)
	free := func(pages, inodes uint64) {
		t.Helper()
		if s, _ := l.Statfs(); s.Bfree != pages || s.Ffree != inodes {
			t.Errorf("%d pages and %d inodes free, want %d and %d", s.Bfree, s.Ffree, pages, inodes)
		}
	}
	w.Names("a/c/b")
	free(4, 2)
	before, _ := w.Stat(here, "a/a", 0)
	f := w.File("d", linux.O_RDWR) // another name of a/a, below
	f.Write([]byte("changed"), 5000)
	free(3, 2)
	want := strings.Repeat("lower content, ", 1000)
	want = want[:5000] + "changed" + want[5007:]
	if w.Content("a/a") != want || w.Content("b/d") != want {
		t.Error("content")
	}
	after, _ := w.Stat(here, "b/d", 0)
	if after.Ino != before.Ino || after.Nlink != 3 || after.Blocks != before.Blocks {
		t.Errorf("%+v became %+v", before, after)
	}
	w.Want(0, w.Rename(here, "a/c", here, "b/moved", 0), "rename of a directory from below")
	if got := w.Names("b/moved"); fmt.Sprint(got) != "[a b]" {
		t.Error(got)
	}
	w.Want(0, w.Unlink(here, "b/moved/a", 0), "unlink")
	w.Want(0, w.Mkdir(here, "a/c", 0o755), "mkdir where it was")
	if got := w.Names("a/c"); len(got) != 0 {
		t.Error("names came back", got)
	}
	free(3, 1)
	for _, name := range []string{"d", "a/a", "b/d"} {
		w.Want(0, w.Unlink(here, name, 0), "unlink")
	}
	free(3, 1)
	f.Close()
	free(4, 1)
	below := vfstest.NewTree(t, low)
	if below.Content("a/a") != strings.Repeat("lower content, ", 1000) || len(below.Names("a/c")) != 2 {
		t.Error("the lower file system was written to")
	}
}

// TestVersionOfLowerFile: constant until it is written to.
func TestVersionOfLowerFile(t *testing.T) {
	w := vfstest.NewTree(t, over(t, memLower(t)))
	version := func() (id [2]uint64, v uint64) {
		f := w.File("a/b", linux.O_RDONLY)
		defer f.Close()
		id, v, stable := f.(vfs.Versioned).Version()
		if !stable {
			t.Error("not stable")
		}
		return id, v
	}
	id, v := version()
	if id2, v2 := version(); id2 != id || v2 != v {
		t.Error("it changed by itself")
	}
	w.Put("a/b", "x")
	if id2, v2 := version(); id2 != id || v2 == v {
		t.Error("a change is not seen")
	}
}

// BenchmarkFirstList is the first look at a directory with 400 links.
func BenchmarkFirstList(b *testing.B) {
	low, e := memfs.New(memfs.Options{})
	if e != 0 {
		b.Fatal(e)
	}
	for i := range 400 {
		vfstest.NewTree(b, low).Symlink("busybox", here, fmt.Sprint("applet", i))
	}
	for b.Loop() {
		l, _ := New(low, memfs.Options{})
		vfstest.NewTree(b, l).Names("/")
	}
}
