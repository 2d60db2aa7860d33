package vfstest

import (
	"crypto/sha256"
	"fmt"

	"vkernel/internal/linux"
)

// describe gives what of a stat must be the same in every world: no device and inode
// numbers, no size of directories, and no times but those that were set.
func describe(s *linux.Stat) string {
	size, blocks := s.Size, s.Blocks
	if s.Mode&linux.S_IFMT == linux.S_IFDIR {
		size = 0
	}
	if s.Mode&linux.S_IFMT != linux.S_IFREG {
		blocks = 0
	}
	return fmt.Sprintf("%o %d:%d n%d s%d b%d a%s m%s",
		s.Mode, s.UID, s.GID, s.Nlink, size, blocks, stamp(s.Atim), stamp(s.Mtim))
}

// setBefore divides the times that the test sets from those of the clock.
const setBefore = 1_000_000_000

func stamp(t linux.Timespec) string {
	if t.Sec > setBefore {
		return "now"
	}
	return fmt.Sprintf("%d.%09d", t.Sec, t.Nsec)
}

// digest stands for content in results.
func digest(p []byte) string {
	if len(p) <= 16 {
		return fmt.Sprintf("%q", p)
	}
	return fmt.Sprintf("%d %x", len(p), sha256.Sum256(p))
}
