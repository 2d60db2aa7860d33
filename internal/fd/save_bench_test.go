package fd_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// forgetful keeps no chunk, so that what is measured is not the keeping.
type forgetful struct{}

func (forgetful) Put(b []byte) (state.Chunk, error) { return sha256.Sum256(b[:min(len(b), 64)]), nil }

func (forgetful) Get(state.Chunk, int) ([]byte, error) { return nil, linux.ENOENT }

// BenchmarkSaveTree saves a tree of 5,000 files of 100 bytes, and loads it.
func BenchmarkSaveTree(b *testing.B) {
	w := newWorld(b, newMem(b, memfs.Options{Dev: 3}))
	for i := range 5000 {
		dir := fmt.Sprintf("/d%d", i/100)
		if i%100 == 0 {
			check(b, "mkdir", w.ctx.Mkdir(vfs.Path{}, dir, 0o755))
		}
		n := w.open(b, fmt.Sprintf("%s/f%d", dir, i), linux.O_CREAT|linux.O_WRONLY)
		w.write(b, n, fmt.Sprintf("%100d", i))
		w.table.Close(n)
	}
	kept := chunks{}
	saved := save(b, w, kept)
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			e := state.NewEncoder(types, cut, forgetful{})
			e.External("pipes", w.pool)
			e.External("system", w.system)
			if _, err := e.Save(w); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(saved)), "B/stream")
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if _, err := load(saved, kept); err != nil {
				b.Fatal(err)
			}
		}
	})
}
