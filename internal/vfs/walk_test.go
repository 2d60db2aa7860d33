package vfs_test

import (
	"strings"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/vfstest"
)

var here vfs.Path

func newFS(t testing.TB) *memfs.FS {
	t.Helper()
	fs, e := memfs.New(memfs.Options{})
	if e != 0 {
		t.Fatal(e)
	}
	return fs
}

func newTree(t testing.TB) *vfstest.Tree { return vfstest.NewTree(t, newFS(t)) }

// path resolves a name that must exist.
func path(w *vfstest.Tree, name string) vfs.Path {
	w.T.Helper()
	p, e := w.Lookup(here, name, 0)
	w.Want(0, e, "lookup %s", name)
	return p
}

// TestMounts: what lies below a mount point is hidden, .. leads out, and the point can be
// neither removed nor renamed.
func TestMounts(t *testing.T) {
	w := newTree(t)
	w.Dir("mnt")
	w.Dir("dir")
	w.Put("mnt/hidden", "")
	sub := newFS(t)
	if _, e := w.Namespace().Mount(path(w, "mnt"), sub, "sub", vfs.ReadOnly); e != 0 {
		t.Fatal(e)
	}
	inside := vfstest.NewTree(t, sub)
	inside.Dir("d")
	inside.Put("d/f", "in")

	_, e := w.Stat(here, "mnt/hidden", 0)
	w.Want(linux.ENOENT, e, "hidden")
	if w.Content("mnt/d/f") != "in" || w.Content("/mnt/d/../d/../../mnt/d/f") != "in" {
		t.Error("content")
	}
	w.Want(0, w.Chdir(here, "mnt/d", 0), "chdir")
	if cwd, _ := w.Getcwd(); cwd != "/mnt/d" {
		t.Error(cwd)
	}
	w.Want(0, w.Chdir(here, "../..", 0), "chdir")
	if cwd, _ := w.Getcwd(); cwd != "/" {
		t.Error(cwd)
	}
	for name, e := range map[string]linux.Errno{
		"mkdir":    w.Mkdir(here, "mnt/x", 0o755),
		"unlink":   w.Unlink(here, "mnt/d/f", 0),
		"chmod":    w.Chmod(here, "mnt/d/f", 0, 0),
		"truncate": w.Truncate(here, "mnt/d/f", 0),
		"access":   w.Access(here, "mnt/d/f", linux.W_OK, 0),
		"rename":   w.Rename(here, "mnt/d/f", here, "mnt/g", 0),
	} {
		w.Want(linux.EROFS, e, "%s", name)
	}
	_, _, e = w.Open(here, "mnt/d/f", vfs.OpenHow{Flags: linux.O_WRONLY})
	w.Want(linux.EROFS, e, "open for writing")
	w.Want(linux.EEXIST, w.Mkdir(here, "mnt/d", 0o755), "mkdir of what is there")
	w.Want(linux.EXDEV, w.Rename(here, "mnt/d/f", here, "f", 0), "rename out")
	w.Want(linux.EXDEV, w.Link(here, "mnt/d/f", here, "f", 0), "link out")
	w.Want(linux.EBUSY, w.Rename(here, "mnt", here, "other", 0), "rename of the point")
	w.Want(linux.EBUSY, w.Unlink(here, "mnt", linux.AT_REMOVEDIR), "rmdir of the point")
	// The point follows its parent.
	w.Dir("dir/p")
	_, e = w.Namespace().Mount(path(w, "dir/p"), newFS(t), "other", 0)
	w.Want(0, e, "mount")
	w.Put("dir/p/f", "moved")
	w.Want(0, w.Rename(here, "dir", here, "new", 0), "rename of a parent")
	if w.Content("new/p/f") != "moved" {
		t.Error("the mount was lost")
	}
}

// TestResolve: the restrictions of openat2.
func TestResolve(t *testing.T) {
	w := newTree(t)
	w.Dir("root")
	w.Dir("root/d")
	w.Put("root/f", "in")
	w.Put("f", "out")
	for link, to := range map[string]string{"abs": "/f", "up": "../f", "rel": "d/../f"} {
		w.Want(0, w.Symlink(to, here, "root/"+link), "symlink")
	}
	root := path(w, "root")
	for _, c := range []struct {
		name    string
		resolve uint64
		want    linux.Errno
		content string
	}{
		{"rel", linux.RESOLVE_BENEATH, 0, "in"},
		{"abs", linux.RESOLVE_BENEATH, linux.EXDEV, ""},
		{"up", linux.RESOLVE_BENEATH, linux.EXDEV, ""},
		{"d/../f", linux.RESOLVE_BENEATH, 0, "in"},
		{"/f", linux.RESOLVE_BENEATH, linux.EXDEV, ""},
		{"rel", linux.RESOLVE_NO_SYMLINKS, linux.ELOOP, ""},
		{"f", linux.RESOLVE_NO_SYMLINKS, 0, "in"},
		{"abs", linux.RESOLVE_IN_ROOT, 0, "in"},
		{"up", linux.RESOLVE_IN_ROOT, 0, "in"},
		{"/../../f", linux.RESOLVE_IN_ROOT, 0, "in"},
		{"up", linux.RESOLVE_NO_XDEV, 0, "out"},
		{"f", linux.RESOLVE_BENEATH | linux.RESOLVE_IN_ROOT, linux.EINVAL, ""},
	} {
		f, _, e := w.Open(root, c.name, vfs.OpenHow{Resolve: c.resolve})
		w.Want(c.want, e, "%s with %#x", c.name, c.resolve)
		if e != 0 {
			continue
		}
		buf := make([]byte, 10)
		n, _ := f.Read(buf, 0)
		f.Close()
		if string(buf[:n]) != c.content {
			t.Errorf("%s with %#x: %q", c.name, c.resolve, buf[:n])
		}
	}
}

// TestChroot: .. and absolute links stay inside; a directory outside is unreachable.
func TestChroot(t *testing.T) {
	w := newTree(t)
	w.Dir("jail")
	w.Put("f", "out")
	w.Put("jail/f", "in")
	w.Want(0, w.Symlink("/f", here, "jail/l"), "symlink")
	w.SetCred(&vfs.Cred{FSUID: 5})
	w.Want(linux.EPERM, w.Chroot("jail"), "chroot by a user")
	w.SetCred(vfs.Root())
	w.Want(0, w.Chroot("jail"), "chroot")
	if cwd, _ := w.Getcwd(); cwd != "(unreachable)/" {
		t.Error(cwd)
	}
	w.Want(0, w.Chdir(here, "/", 0), "chdir")
	if w.Content("/../../f") != "in" || w.Content("l") != "in" || w.Content("../f") != "in" {
		t.Error("it leads out")
	}
}

// magic is a link to a path, as in /proc/self/fd.
type magic struct {
	vfs.FixedNode
	to vfs.Path
}

func (m *magic) Perm() vfs.Perm { return vfs.Perm{Mode: linux.S_IFLNK | 0o777} }
func (m *magic) Stat() (linux.Stat, linux.Errno) {
	return linux.Stat{Mode: linux.S_IFLNK | 0o777}, 0
}
func (m *magic) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ELOOP }
func (m *magic) Readlink(*vfs.Context) (string, linux.Errno)       { return "text", 0 }
func (m *magic) Jump(*vfs.Context) (vfs.Path, linux.Errno)         { return m.to, 0 }

// magicFS has one directory with one magic link called l.
type magicFS struct {
	vfs.FixedNode
	root *vfs.Entry
	link *vfs.Entry
}

func newMagic(to vfs.Path) *magicFS {
	fs := new(magicFS)
	fs.root = vfs.NewRoot(fs)
	fs.link = vfs.NewEntry(fs.root, "l", &magic{to: to})
	return fs
}

func (fs *magicFS) Root() *vfs.Entry                    { return fs.root }
func (fs *magicFS) Type() string                        { return "magic" }
func (fs *magicFS) Statfs() (linux.Statfs, linux.Errno) { return linux.Statfs{}, 0 }
func (fs *magicFS) Perm() vfs.Perm                      { return vfs.Perm{Mode: linux.S_IFDIR | 0o755} }

func (fs *magicFS) Stat() (linux.Stat, linux.Errno) {
	return linux.Stat{Mode: linux.S_IFDIR | 0o755}, 0
}
func (fs *magicFS) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.EACCES }
func (fs *magicFS) Lookup(_ *vfs.Context, _ *vfs.Entry, name string) (*vfs.Entry, linux.Errno) {
	if name != "l" {
		return nil, linux.ENOENT
	}
	return fs.link, 0
}

// TestMagicLink: a walk goes on at the object, with whatever name it has, or none.
func TestMagicLink(t *testing.T) {
	w := newTree(t)
	w.Dir("m")
	f, p, e := w.Open(here, ".", vfs.OpenHow{Flags: linux.O_TMPFILE | linux.O_RDWR, Mode: 0o600})
	w.Want(0, e, "O_TMPFILE")
	defer f.Close()
	f.Write([]byte("nameless"), 0)
	if s := w.PathString(p); !strings.HasPrefix(s, "/#") || !strings.HasSuffix(s, " (deleted)") {
		t.Error(s)
	}
	_, e = w.Namespace().Mount(path(w, "m"), newMagic(p), "magic", 0)
	w.Want(0, e, "mount")
	if w.Content("m/l") != "nameless" {
		t.Error("read through the link")
	}
	g, _, e := w.Open(here, "m/l", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY | linux.O_TRUNC})
	w.Want(0, e, "O_CREAT through the link")
	g.Write([]byte("again"), 0)
	g.Close()
	_, e = w.Stat(here, "m/l/", 0)
	w.Want(linux.ENOTDIR, e, "slash after the link to a file")
	_, _, e = w.Open(here, "m/l", vfs.OpenHow{Resolve: linux.RESOLVE_NO_MAGICLINKS})
	w.Want(linux.ELOOP, e, "RESOLVE_NO_MAGICLINKS")
	w.Want(0, w.Link(here, "m/l", here, "named", linux.AT_SYMLINK_FOLLOW), "linkat")
	if w.Content("named") != "again" {
		t.Error("content")
	}
}

// TestTmpfile: it can be linked once by its descriptor, and not with O_EXCL.
func TestTmpfile(t *testing.T) {
	w := newTree(t)
	for _, excl := range []uint32{0, linux.O_EXCL} {
		f, p, e := w.Open(here, ".", vfs.OpenHow{Flags: linux.O_TMPFILE | linux.O_RDWR | excl})
		w.Want(0, e, "open")
		want := linux.Errno(0)
		if excl != 0 {
			want = linux.ENOENT
		}
		w.Want(want, w.Link(p, "", here, "f", linux.AT_EMPTY_PATH), "link")
		f.Close()
		w.Unlink(here, "f", 0)
	}
}

// TestDeepTree: a path may be longer than any call can name; it is still walked, and named
// in part.
func TestDeepTree(t *testing.T) {
	w := newTree(t)
	for range 300 {
		w.Dir("d23456789012345")
		w.Want(0, w.Chdir(here, "d23456789012345", 0), "chdir")
	}
	_, e := w.Getcwd()
	w.Want(linux.ENAMETOOLONG, e, "getcwd")
	if s := w.PathString(w.Cwd()); len(s) > linux.PATH_MAX+linux.NAME_MAX || !strings.HasSuffix(s, "/d23456789012345") {
		t.Error(len(s))
	}
	for range 300 {
		w.Want(0, w.Chdir(here, "..", 0), "chdir")
	}
	if s, _ := w.Getcwd(); s != "/" {
		t.Error(s)
	}
}

// TestConfined: no call of a confined context leaves the directory that it starts from.
func TestConfined(t *testing.T) {
	w := newTree(t)
	w.Dir("base")
	w.Dir("base/d")
	w.Put("base/d/f", "in")
	w.Put("secret", "out")
	for name, target := range map[string]string{"up": "../secret", "abs": "/secret", "around": "d/../../secret", "rel": "d/f"} {
		w.Want(0, w.Symlink(target, here, "base/"+name), "symlink %s", name)
	}
	base, c := path(w, "base"), w.Confined()
	for _, name := range []string{"..", "../secret", "d/../../secret", "/secret", "/base/d/f", "up", "abs", "around", "up/x", "d/../.."} {
		_, e := c.Stat(base, name, 0)
		w.Want(linux.EPERM, e, "stat %s", name)
		_, _, e = c.Open(base, name, vfs.OpenHow{})
		w.Want(linux.EPERM, e, "open %s", name)
	}
	for _, name := range []string{"../x", "/x", "d/../../x", "up/../x"} {
		_, _, open := c.Open(base, name, vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY})
		for call, e := range map[string]linux.Errno{
			"create": open, "mkdir": c.Mkdir(base, name, 0o755), "symlink": c.Symlink("t", base, name),
			"unlink": c.Unlink(base, name, 0), "rename to": c.Rename(base, "d", base, name, 0),
			"rename from": c.Rename(base, name, base, "y", 0), "link to": c.Link(base, "d/f", base, name, 0),
			"link from": c.Link(base, name, base, "y", 0), "utimens": c.Utimens(base, name, nil, 0),
		} {
			w.Want(linux.EPERM, e, "%s %s", call, name)
		}
	}
	for _, name := range []string{"d/f", "rel", "./d/../d/f", "d/../rel"} {
		_, e := c.Stat(base, name, 0)
		w.Want(0, e, "stat %s", name)
	}
}

// TestConfinedRace: a directory that is moved out while a walk is in it does not take the walk
// along: ".." of it is not what lies outside.
func TestConfinedRace(t *testing.T) {
	w := newTree(t)
	w.Dir("base")
	w.Dir("base/d")
	w.Dir("base/d/e")
	w.Put("secret", "out")
	base, c := path(w, "base"), w.Confined()
	done, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				w.Rename(here, "base/d", here, "d", 0)
				w.Rename(here, "d", here, "base/d", 0)
			}
		}
	}()
	name := "d/" + strings.Repeat("e/../", 500) + "../secret"
	for range 2000 {
		if _, e := c.Stat(base, name, 0); e == 0 {
			t.Error("the walk led out")
			break
		}
	}
	close(done)
	<-stopped
}
