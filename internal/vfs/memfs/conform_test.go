package memfs

import (
	"testing"

	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	vfstest.Run(t, func(t *testing.T) vfs.FS { return newFS(t, Options{Dev: 1}) })
}
