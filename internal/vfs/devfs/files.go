package devfs

import (
	"crypto/rand"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// base is what the memory devices have in common: they are always ready, and their offset
// stays 0.
type base struct {
	vfs.BaseFile
	node vfs.Node
}

func (b base) Stat() (linux.Stat, linux.Errno) { return b.node.Stat() }

func (b base) Lseek(int64, int, int64) (int64, linux.Errno) { return 0, 0 }

// null is /dev/null.
type null struct{ base }

func (null) Read([]byte, int64) (int, linux.Errno)      { return 0, 0 }
func (null) Write(p []byte, _ int64) (int, linux.Errno) { return len(p), 0 }

// zero is /dev/zero.
type zero struct{ base }

func (zero) Read(p []byte, _ int64) (int, linux.Errno) {
	clear(p)
	return len(p), 0
}

func (zero) Write(p []byte, _ int64) (int, linux.Errno) { return len(p), 0 }

// full is /dev/full.
type full struct{ zero }

func (full) Write([]byte, int64) (int, linux.Errno) { return 0, linux.ENOSPC }

// random is /dev/random and /dev/urandom.
type random struct{ base }

// maxRandom bounds one read, as Linux does: nothing interrupts it.
const maxRandom = 32<<20 - 1

// Read fills p through a buffer of the kernel: the host's generator must not meet a fault
// in guest memory, which it takes for its own failure.
func (random) Read(p []byte, _ int64) (int, linux.Errno) {
	p = p[:min(len(p), maxRandom)]
	var buf [512]byte
	for done := 0; done < len(p); {
		n := min(len(buf), len(p)-done)
		rand.Read(buf[:n])
		done += copy(p[done:], buf[:n])
	}
	return len(p), 0
}

func (random) Write(p []byte, _ int64) (int, linux.Errno) { return len(p), 0 }
