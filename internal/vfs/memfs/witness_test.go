package memfs_test

import (
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// TestWitnessMapping: content that may change through a mapping is never the same.
func TestWitnessMapping(t *testing.T) {
	fs, e := memfs.New(memfs.Options{Dev: 1})
	if e != 0 {
		t.Fatal(e)
	}
	writer := vfs.NewContext(vfs.NewNamespace(fs, "", 0), vfs.Root(), nil)
	f, _, e := writer.Open(vfs.Path{}, "/f", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Mode: 0o644})
	if e != 0 {
		t.Fatal(e)
	}
	defer f.Close()
	f.Write([]byte("content"), 0)
	look := func() *vfs.Witness {
		ns := vfs.NewNamespace(fs, "", vfs.ReadOnly)
		w := ns.Witness()
		c := vfs.NewContext(ns, vfs.Root(), nil)
		if _, e := c.Lookup(vfs.Path{}, "/f", 0); e != 0 {
			t.Fatal(e)
		}
		return w
	}
	same := func(what string, w *vfs.Witness, want bool) {
		t.Helper()
		for range 2 {
			if w.Same() != want {
				t.Errorf("%s: the same is %v, want %v (%s)", what, !want, want, w.Lost())
			}
		}
	}
	w := look()
	same("nothing has happened", w, true)
	reading, e := f.(vfs.Mapper).Mapping(false)
	if e != 0 {
		t.Fatal(e)
	}
	same("mapped for reading", w, true)
	writing, e := f.(vfs.Mapper).Mapping(true)
	if e != 0 {
		t.Fatal(e)
	}
	same("mapped for writing", w, false)
	same("looked at while it is mapped for writing", look(), false)
	writing.Release()
	w = look()
	same("mapped for writing no more", w, true)
	writing, _ = f.(vfs.Mapper).Mapping(true)
	writing.Release()
	same("mapped for writing meanwhile", w, false)
	w = look()
	f.Write([]byte("C"), 0)
	same("written to", w, false)
	reading.Release()
}
