package layerfs

import (
	"testing"

	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	vfstest.Run(t, func(t *testing.T) vfs.FS {
		empty, e := memfs.New(memfs.Options{Dev: 1})
		if e != 0 {
			t.Fatal(e)
		}
		return over(t, empty)
	})
}
