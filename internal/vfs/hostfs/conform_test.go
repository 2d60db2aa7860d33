package hostfs

import (
	"testing"

	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	vfstest.Run(t, func(t *testing.T) vfs.FS { return open(t, t.TempDir(), Options{Dev: 1}) })
}
