package layerfs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/hostfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/vfstest"
)

var (
	seeds = flag.Int("seeds", 20, "random sequences compared with Linux")
	seed  = flag.Uint64("seed", 0, "the first of them")
)

// lower is a tree below the layer, with the names that vfstest uses.
var lower = []vfstest.Lower{
	{Name: "a/", Mode: 0o755},
	{Name: "a/a", Mode: 0o644, Content: strings.Repeat("lower content, ", 1000)},
	{Name: "a/b", Mode: 0o755, Content: "x"},
	{Name: "a/c/", Mode: 0o700},
	{Name: "a/c/a", Mode: 0o600, Content: strings.Repeat("y", 4096)},
	{Name: "a/c/b/", Mode: 0o755},
	{Name: "a/c/b/d", Mode: 0o644, Content: ""},
	{Name: "b/", Mode: 0o777},
	{Name: "b/c", Symlink: "../a/c"},
	{Name: "b/d", Hard: "a/a"},
	{Name: "c", Symlink: "a"},
	{Name: "d", Hard: "a/a"},
}

// makeLower makes the same tree in a file system.
func makeLower(t *testing.T, fs vfs.FS) {
	t.Helper()
	c := vfs.NewContext(vfs.NewNamespace(fs, "", 0), vfs.Root(), nil)
	for _, l := range lower {
		if e := makeOne(c, l); e != 0 {
			t.Fatal(l.Name, e)
		}
	}
}

func makeOne(c *vfs.Context, l vfstest.Lower) linux.Errno {
	here := vfs.Path{}
	switch {
	case strings.HasSuffix(l.Name, "/"):
		if e := c.Mkdir(here, l.Name, 0o755); e != 0 {
			return e
		}
		return c.Chmod(here, l.Name, l.Mode, 0)
	case l.Symlink != "":
		return c.Symlink(l.Symlink, here, l.Name)
	case l.Hard != "":
		return c.Link(here, l.Hard, here, l.Name, 0)
	}
	f, _, e := c.Open(here, l.Name, vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY, Mode: 0o600})
	if e != 0 {
		return e
	}
	defer f.Close()
	if _, e := f.Write([]byte(l.Content), 0); e != 0 {
		return e
	}
	return c.Chmod(here, l.Name, l.Mode, 0)
}

func memLower(t *testing.T) vfs.FS {
	fs, e := memfs.New(memfs.Options{Dev: 1})
	if e != 0 {
		t.Fatal(e)
	}
	makeLower(t, fs)
	return fs
}

func hostLower(t *testing.T) vfs.FS {
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	rw, err := hostfs.Open(dir, hostfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rw.Close()
	makeLower(t, rw)
	ro, err := hostfs.Open(dir, hostfs.Options{ReadOnly: true, Owner: &hostfs.Owner{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ro.Close)
	return ro
}

func over(t *testing.T, fs vfs.FS) vfs.FS {
	l, e := New(fs, memfs.Options{Dev: 2})
	if e != 0 {
		t.Fatal(e)
	}
	return l
}

// TestAgainstLinux compares a layer over a tree with the same tree on Linux.
func TestAgainstLinux(t *testing.T) {
	for name, below := range map[string]func(*testing.T) vfs.FS{"memfs": memLower, "hostfs": hostLower} {
		t.Run(name, func(t *testing.T) {
			for i := range *seeds {
				vfstest.Against(t, vfstest.Config{
					Seed: *seed + uint64(i), Steps: 1000, Mapped: i%2 == 1, Lower: lower,
					New: func(t *testing.T) vfs.FS { return over(t, below(t)) },
				})
			}
		})
	}
}
