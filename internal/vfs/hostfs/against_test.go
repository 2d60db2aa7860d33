package hostfs

import (
	"flag"
	"os"
	"testing"

	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

var (
	seeds = flag.Int("seeds", 20, "random sequences compared with Linux")
	seed  = flag.Uint64("seed", 0, "the first of them")
)

// TestAgainstLinux compares a directory seen through this package with one used directly.
func TestAgainstLinux(t *testing.T) {
	for i := range *seeds {
		vfstest.Against(t, vfstest.Config{
			Seed: *seed + uint64(i), Steps: 1000, Plain: true,
			New: func(t *testing.T) vfs.FS { return open(t, shmDir(t), Options{}) },
		})
	}
}

// shmDir makes a directory in memory, like the one it is compared with.
func shmDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hostfs")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string, opts Options) *FS {
	t.Helper()
	fs, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fs.Close)
	return fs
}
