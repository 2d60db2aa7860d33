package fd_test

import (
	"bytes"
	"fmt"
	"maps"
	"sync"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// TestSaveWhileItChanges: what files had when the saving began is what is saved, whatever happens to them before it ends.
func TestSaveWhileItChanges(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3, Bytes: 1 << 28}))
	const size = 3 << 20
	content := func(k int) []byte { return bytes.Repeat(fmt.Appendf(nil, "file %07d ", k), size/13) }
	var files []int32
	for k := range 8 {
		n := w.open(t, fmt.Sprint("/", k), linux.O_CREAT|linux.O_RDWR)
		w.write(t, n, string(content(k)))
		files = append(files, n)
	}
	kept := chunks{}
	want := save(t, w, kept)
	before := maps.Clone(kept)
	e := state.NewEncoder(types, cut, kept)
	e.External("pipes", w.pool)
	e.External("system", w.system)
	if err := e.Begin(w, 0); err != nil {
		t.Fatal(err)
	}
	var changes sync.WaitGroup
	for k, change := range []func(d vfs.File){
		func(d vfs.File) { d.Write(bytes.Repeat([]byte{'x'}, size), 0) },
		func(d vfs.File) { d.(vfs.Truncater).Truncate(5000) },
		func(d vfs.File) {
			d.(vfs.Truncater).Truncate(0)
			d.Write(bytes.Repeat([]byte{'y'}, size), 0)
		},
		func(d vfs.File) {
			d.(vfs.Allocater).Allocate(linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, 100, size/2)
		},
		func(d vfs.File) {
			m, _ := d.(vfs.Mapper).Mapping(true)
			d.Write(bytes.Repeat([]byte{'z'}, size), 0)
			m.Release()
		},
		func(d vfs.File) { // one page again and again: it is copied once
			for i := range 10_000 {
				d.Write([]byte{byte(i)}, int64(i%4096))
			}
		},
		func(d vfs.File) {
			w.ctx.Unlink(vfs.Path{}, "/6", 0)
			w.table.Close(files[6])
			n := w.open(t, "/new", linux.O_CREAT|linux.O_RDWR) // takes what that gave back
			w.get(t, n).Write(bytes.Repeat([]byte{'n'}, size))
		},
	} {
		d := w.get(t, files[k]).File()
		changes.Go(func() { change(d) })
	}
	got, err := e.Finish()
	changes.Wait()
	if err != nil || !bytes.Equal(got, want) || len(kept) != len(before) {
		t.Fatalf("%d bytes and %d chunks, not the %d and %d of before; %v", len(got), len(kept), len(want), len(before), err)
	}
	r, err := load(got, kept)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 8 {
		p := make([]byte, size+1)
		if n, e := r.get(t, files[k]).ReadAt(p, 0); e != 0 || !bytes.Equal(p[:n], content(k)) {
			t.Errorf("file %d has other content: %d bytes, %v", k, n, e)
		}
	}
	for k, want := range map[int]string{0: "xxxx", 2: "yyyy", 4: "zzzz", 7: "file"} {
		p := make([]byte, 4)
		if w.get(t, files[k]).ReadAt(p, size/13*13-13); string(p) != want {
			t.Errorf("file %d, which runs on, has %q, want %q", k, p, want)
		}
	}
	if again := save(t, w, kept); bytes.Equal(again, want) {
		t.Error("after the changes the same is saved")
	}
}
