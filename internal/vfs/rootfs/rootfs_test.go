package rootfs

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// open makes a container's root of a small list, and a context of root in it.
func open(t *testing.T, refused *[]string) *vfs.Context {
	t.Helper()
	return openIn(t, t.TempDir(), refused)
}

// openIn is open with the host's file "f" in dir.
func openIn(t *testing.T, dir string, refused *[]string) *vfs.Context {
	t.Helper()
	text := "hello\n"
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	d := manifest.Sum([]byte(text))
	file := func(path string, mode manifest.Mode, hard string) manifest.Node {
		return manifest.Node{Path: path, Type: manifest.TypeFile, Mode: mode, Size: uint64(len(text)), SHA256: &d, Hardlink: hard}
	}
	list, err := manifest.NewRoot([]manifest.Node{
		{Path: "/bin", Type: manifest.TypeDir, Mode: 0o755},
		{Path: "/tmp", Type: manifest.TypeDir, Mode: 0o1777},
		{Path: "/bin/sh", Type: manifest.TypeLink, Mode: 0o777, Target: "su"},
		file("/bin/su", 0o4755, ""), file("/bin/zsu", 0o4755, "/bin/su"), file("/bad", 0o644, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	tree := New(Options{
		List: list,
		Content: func(n *manifest.Node) (*os.File, error) {
			if n.Path == "/bad" {
				return nil, errors.New("changed")
			}
			return os.Open(filepath.Join(dir, "f"))
		},
		Refused: func(n *manifest.Node, err error) { *refused = append(*refused, n.Path+": "+err.Error()) },
	})
	fs, e := tree.Layer(memfs.Options{Dev: 9})
	if e != 0 {
		t.Fatal(e)
	}
	return vfs.NewContext(vfs.NewNamespace(fs, "root", 0), vfs.Root(), nil)
}

func read(c *vfs.Context, name string) (string, linux.Errno) {
	f, _, e := c.Open(c.Cwd(), name, vfs.OpenHow{})
	if e != 0 {
		return "", e
	}
	defer f.Close()
	buf := make([]byte, 100)
	n, e := f.Read(buf, 0)
	return string(buf[:n]), e
}

func TestTree(t *testing.T) {
	var refused []string
	c := open(t, &refused)
	stat := func(name string) linux.Stat {
		t.Helper()
		st, e := c.Stat(c.Cwd(), name, 0)
		if e != 0 {
			t.Errorf("%s: %v", name, e)
		}
		return st
	}
	if m := stat("/tmp").Mode; m != linux.S_IFDIR|0o1777 {
		t.Errorf("/tmp has mode %o", m)
	}
	if year := time.Unix(Time, 0).UTC().Add(-12 * time.Hour).Year(); year != 1980 {
		t.Errorf("files are of %d in the last time zone: zip has no times before 1980", year)
	}
	su, zsu := stat("/bin/su"), stat("/bin/zsu")
	if su.Mode != linux.S_IFREG|0o4755 || su.UID != 0 || su.Size != 6 || su.Mtim.Sec != Time {
		t.Errorf("/bin/su: %+v", su)
	}
	if su.Ino != zsu.Ino || su.Nlink != 2 {
		t.Errorf("hard link: inodes %d and %d, %d links", su.Ino, zsu.Ino, su.Nlink)
	}
	for _, name := range []string{"/bin/su", "/bin/sh", "bin/zsu"} {
		if text, e := read(c, name); text != "hello\n" || e != 0 {
			t.Errorf("%s: %q, %v", name, text, e)
		}
	}
	if _, e := read(c, "/f"); e != linux.ENOENT {
		t.Errorf("a file that is not listed: %v", e)
	}
}

func TestRefused(t *testing.T) {
	var refused []string
	c := open(t, &refused)
	if _, e := read(c, "/bad"); e != linux.EIO {
		t.Errorf("got %v, expected EIO", e)
	}
	if len(refused) == 0 || !strings.HasPrefix(refused[0], "/bad: changed") {
		t.Errorf("told %q", refused)
	}
}

// TestWrite: writing touches the layer, and not the host.
func TestWrite(t *testing.T) {
	var refused []string
	c := open(t, &refused)
	f, _, e := c.Open(c.Cwd(), "/bin/su", vfs.OpenHow{Flags: linux.O_WRONLY})
	if e != 0 {
		t.Fatal(e)
	}
	if _, e := f.Write([]byte("J"), 0); e != 0 {
		t.Error(e)
	}
	f.Close()
	if text, _ := read(c, "/bin/su"); text != "Jello\n" {
		t.Errorf("after the write: %q", text)
	}
}

// TestMapping: what is mapped is what the list says, whatever becomes of the host's file.
func TestMapping(t *testing.T) {
	var refused []string
	dir := t.TempDir()
	c := openIn(t, dir, &refused)
	f, _, e := c.Open(c.Cwd(), "/bin/su", vfs.OpenHow{})
	if e != 0 {
		t.Fatal(e)
	}
	if text, _ := read(c, "/bin/su"); text != "hello\n" { // it is open on the host now
		t.Fatalf("%q", text)
	}
	host := filepath.Join(dir, "f")
	if err := os.WriteFile(host, []byte("jello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, e := f.(vfs.Mapper).Mapping(false); e != linux.EIO {
		t.Errorf("mapping of a file that the host has changed: %v, expected EIO", e)
	}
	if err := os.WriteFile(host, []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m, e := f.(vfs.Mapper).Mapping(false)
	if e != 0 {
		t.Fatal(e)
	}
	if err := os.WriteFile(host, []byte("jello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"mapped", "kept"} {
		buf := make([]byte, 6)
		if n, err := unix.Pread(m.FD(), buf, 0); n != 6 || err != nil || string(buf) != "hello\n" {
			t.Errorf("%s: %q, %v", when, buf, err)
		}
		if text, e := read(c, "/bin/su"); text != "hello\n" {
			t.Errorf("%s: read gives %q, %v", when, text, e)
		}
		m.Release()
		if m, e = f.(vfs.Mapper).Mapping(false); e != 0 {
			t.Fatalf("%s: mapped again: %v", when, e)
		}
	}
	m.Release()
	f.Close()
}

// TestDigest: what nobody has changed has the digest of the list, and what was written to, made longer or mapped to be
// written has none, also if the bytes are the same.
func TestDigest(t *testing.T) {
	for name, change := range map[string]func(f vfs.File) linux.Errno{
		"nothing":   nil,
		"write":     func(f vfs.File) linux.Errno { _, e := f.Write([]byte("h"), 0); return e },
		"truncate":  func(f vfs.File) linux.Errno { return f.(vfs.Truncater).Truncate(3) },
		"longer":    func(f vfs.File) linux.Errno { return f.(vfs.Truncater).Truncate(100) },
		"a mapping": func(f vfs.File) linux.Errno { _, e := f.(vfs.Mapper).Mapping(true); return e },
	} {
		t.Run(name, func(t *testing.T) {
			var refused []string
			c := open(t, &refused)
			f, _, e := c.Open(c.Cwd(), "/bin/su", vfs.OpenHow{Flags: linux.O_RDWR})
			if e != 0 {
				t.Fatal(e)
			}
			defer f.Close()
			u := f.(vfs.Unchanged)
			if sum, known := u.Digest(); !known || sum != sha256.Sum256([]byte("hello\n")) {
				t.Fatalf("%x, %v", sum, known)
			}
			if change == nil {
				return
			}
			if e := change(f); e != 0 {
				t.Fatal(e)
			}
			if _, known := u.Digest(); known {
				t.Error("a changed file is said to be as it was")
			}
		})
	}
}
