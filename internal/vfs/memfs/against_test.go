package memfs

import (
	"flag"
	"testing"

	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

var (
	seeds = flag.Int("seeds", 30, "random sequences compared with Linux")
	seed  = flag.Uint64("seed", 0, "the first of them")
)

// TestAgainstLinux applies random operations to a file system and to Linux.
func TestAgainstLinux(t *testing.T) {
	for i := range *seeds {
		vfstest.Against(t, vfstest.Config{
			Seed: *seed + uint64(i), Steps: 1000, Mapped: i%2 == 1,
			New: func(t *testing.T) vfs.FS { return newFS(t, Options{}) },
		})
	}
}

func newFS(t testing.TB, opts Options) *FS {
	t.Helper()
	fs, e := New(opts)
	if e != 0 {
		t.Fatal(e)
	}
	return fs
}
