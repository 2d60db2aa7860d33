package procfs

import (
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// What open files keep is counted, and given back; without room a file is still read.
func TestTextIsBounded(t *testing.T) {
	_, root, _ := newWorld(t)
	open := func() vfs.File {
		f, _, e := root.Open(vfs.Path{}, "/proc/7/status", vfs.OpenHow{Flags: linux.O_RDONLY})
		if e != 0 {
			t.Fatal(e)
		}
		return f
	}
	f := open()
	fs := f.(*textFile).node.fs
	whole := make([]byte, 8192)
	n, _ := f.Read(whole, 0)
	if n == 0 || fs.kept.Load() < int64(n) {
		t.Errorf("read %d bytes, %d are counted", n, fs.kept.Load())
	}
	f.Read(whole, 0)
	f.Close()
	if fs.kept.Load() != 0 {
		t.Errorf("%d bytes counted after close", fs.kept.Load())
	}
	fs.kept.Store(maxKept)
	f = open()
	defer f.Close()
	var again []byte
	for b := make([]byte, 100); ; {
		k, e := f.Read(b, int64(len(again)))
		if e != 0 {
			t.Fatal(e)
		}
		if k == 0 {
			break
		}
		again = append(again, b[:k]...)
	}
	if string(again) != string(whole[:n]) {
		t.Errorf("without room: %q, want %q", again, whole[:n])
	}
	if fs.kept.Load() != maxKept {
		t.Errorf("%d bytes counted, want %d", fs.kept.Load(), maxKept)
	}
}
