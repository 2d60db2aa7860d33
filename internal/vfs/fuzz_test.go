package vfs_test

import (
	"strings"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

// FuzzWalk: no path, and no link target, leads out of a chroot, panics, or takes long.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{"a", "/a/../b", "l/../../l", "//l//", "..", "./.", "a/", strings.Repeat("../", 30) + "out"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, target, name string) {
		if strings.Contains(target+name, "\x00") {
			t.Skip()
		}
		w := vfstest.NewTree(t, newFS(t))
		w.Put("out", "")
		w.Dir("jail")
		w.Dir("jail/a")
		w.Dir("jail/a/b")
		w.Want(0, w.Chroot("jail"), "chroot")
		w.Want(0, w.Chdir(here, "/", 0), "chdir")
		w.Symlink(target, here, "l")
		w.Symlink(target, here, "a/b/l")
		for _, n := range []string{name, "l/" + name, name + "/l", "/a/b/l"} {
			p, e := w.Lookup(here, n, 0)
			if e == 0 && strings.HasSuffix(w.PathString(p), "out") {
				t.Errorf("%q with link to %q leads to %s", n, target, w.PathString(p))
			}
			w.Open(here, n, vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR})
			w.Mkdir(here, n, 0o755)
			w.Rename(here, n, here, "a/x", 0)
			w.Unlink(here, n, 0)
		}
	})
}
