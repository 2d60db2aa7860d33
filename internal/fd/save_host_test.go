package fd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/hostfs"
	"vkernel/internal/vfs/layerfs"
	"vkernel/internal/vfs/memfs"
)

// hostMount shows a directory of the host as a file system.
func hostMount(t testing.TB, dir string) vfs.FS {
	t.Helper()
	fs, err := hostfs.Open(dir, hostfs.Options{Dev: 77})
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// withHost makes a world with a directory of the host on /work, in which things are open.
func withHost(t testing.TB, dir string) (w *world, file, list int32) {
	t.Helper()
	w = newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	check(t, "mkdir", w.ctx.Mkdir(vfs.Path{}, "/work", 0o755))
	at, e := w.ctx.Lookup(vfs.Path{}, "/work", 0)
	check(t, "lookup", e)
	_, e = w.ns.Mount(at, hostMount(t, dir), "host", vfs.NoDev)
	check(t, "mount", e)
	check(t, "mkdir", w.ctx.Mkdir(vfs.Path{}, "/work/sub", 0o755))
	check(t, "chdir", w.ctx.Chdir(vfs.Path{}, "/work/sub", 0))
	file = w.open(t, "text", linux.O_CREAT|linux.O_RDWR)
	w.write(t, file, "first line\n")
	list = w.open(t, ".", linux.O_RDONLY|linux.O_DIRECTORY)
	return w, file, list
}

func TestSaveHost(t *testing.T) {
	dir := t.TempDir()
	w, file, list := withHost(t, dir)
	deleted := w.open(t, "deleted", linux.O_CREAT|linux.O_RDWR)
	text := bytes.Repeat([]byte("no name "), 30_000)
	w.write(t, deleted, string(text))
	w.get(t, deleted).WriteAt([]byte("end"), 1<<30)
	check(t, "unlink", w.ctx.Unlink(vfs.Path{}, "deleted", 0))
	blind := w.open(t, "blind", linux.O_CREAT|linux.O_WRONLY|linux.O_APPEND)
	w.write(t, blind, "nobody can read this")
	check(t, "unlink", w.ctx.Unlink(vfs.Path{}, "blind", 0))
	check(t, "mkdir", w.ctx.Mkdir(vfs.Path{}, "gone", 0o755))
	gone := w.open(t, "gone", linux.O_RDONLY|linux.O_DIRECTORY)
	check(t, "rmdir", w.ctx.Unlink(vfs.Path{}, "gone", linux.AT_REMOVEDIR))
	m, e := w.get(t, file).File().(vfs.Mapper).Mapping(true)
	check(t, "mapping", e)
	w.extra = append(w.extra, m.(state.Object))

	r := reload(t, w, mount{"/work", hostMount(t, dir)})
	r.write(t, file, "second line\n")
	if b, err := os.ReadFile(filepath.Join(dir, "sub/text")); err != nil || string(b) != "first line\nsecond line\n" {
		t.Errorf("the host has %q, %v", b, err)
	}
	if cwd, e := r.ctx.Getcwd(); cwd != "/work/sub" || e != 0 {
		t.Errorf("working directory %s, %v", cwd, e)
	}
	p := make([]byte, len(text))
	if n, e := r.get(t, deleted).ReadAt(p, 0); n != len(p) || e != 0 || !bytes.Equal(p, text) {
		t.Errorf("the deleted file: %d bytes, %v", n, e)
	}
	if n, _ := r.get(t, deleted).ReadAt(p, 1<<30); string(p[:n]) != "end" {
		t.Errorf("the deleted file ends with %q", p[:n])
	}
	if st, _ := r.get(t, deleted).File().Stat(); st.Blocks > 1024 {
		t.Errorf("its hole takes %d blocks", st.Blocks)
	}
	r.write(t, blind, ", nor this")
	if st, e := r.get(t, blind).File().Stat(); e != 0 || st.Size != 30 {
		t.Errorf("a file for writing only has %d bytes, %v", st.Size, e)
	}
	var names []string
	check(t, "readdir", r.get(t, list).ReadDir(r.ctx, func(ent *linux.Dirent) bool { names = append(names, ent.Name); return true }))
	if !strings.Contains(strings.Join(names, " "), "text") {
		t.Errorf("the directory holds %q", names)
	}
	if e := r.get(t, gone).ReadDir(r.ctx, func(*linux.Dirent) bool { return true }); e != linux.ENOENT {
		t.Errorf("a removed directory: %v", e)
	}
	if st, e := r.get(t, gone).File().Stat(); e != 0 || st.Mode&linux.S_IFMT != linux.S_IFDIR {
		t.Errorf("a removed directory: %o %v", st.Mode, e)
	}
	n := r.extra[0].(vfs.Mapping)
	if _, e := r.ctx.Stat(vfs.Path{}, "text", 0); n.FD() <= 0 || !n.Writes() || n.Users() != 1 || e != 0 {
		t.Errorf("mapping %d, %v, %d users; %v", n.FD(), n.Writes(), n.Users(), e)
	}
}

// TestSaveHostChanged: what is not there any more, or is something else, is an error that names it.
func TestSaveHostChanged(t *testing.T) {
	move := func(t *testing.T, dir string) string {
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1000, 0)
		os.Chtimes(filepath.Join(to, "sub/text"), at, at)
		return to
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, dir string) string // gives the directory that is mounted then
		want   string
	}{
		{"nothing", func(_ *testing.T, dir string) string { return dir }, ""},
		{"no mount", func(*testing.T, string) string { return "" }, "host directory on /work"},
		{"file deleted", func(_ *testing.T, dir string) string {
			os.Remove(filepath.Join(dir, "sub/text"))
			return dir
		}, `"sub/text"`},
		{"file replaced", func(_ *testing.T, dir string) string {
			os.Rename(filepath.Join(dir, "sub/text"), filepath.Join(dir, "kept")) // or it gets the same inode
			os.WriteFile(filepath.Join(dir, "sub/text"), []byte("first line\n"), 0o644)
			return dir
		}, `"sub/text"`},
		{"directory replaced by a link", func(_ *testing.T, dir string) string {
			os.Rename(filepath.Join(dir, "sub"), filepath.Join(dir, "elsewhere"))
			os.Symlink("elsewhere", filepath.Join(dir, "sub"))
			return dir
		}, `"sub"`},
		{"moved", func(t *testing.T, dir string) string { return move(t, dir) }, ""},
		{"moved and changed", func(t *testing.T, dir string) string {
			to := move(t, dir)
			os.WriteFile(filepath.Join(to, "sub/text"), []byte("first line, changed\n"), 0o644)
			return to
		}, `"sub/text"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			w, file, _ := withHost(t, dir)
			at := time.Unix(1000, 0)
			os.Chtimes(filepath.Join(dir, "sub/text"), at, at)
			k, _ := w.get(t, file).LockKey()
			check(t, "flock", w.locks.Flock(k, w.get(t, file), true))
			kept := chunks{}
			b := save(t, w, kept)
			var mounts []mount
			if to := tt.change(t, dir); to != "" {
				mounts = append(mounts, mount{"/work", hostMount(t, to)})
			}
			r, err := load(b, kept, mounts...)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want %s", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 20)
			if n, e := r.get(t, file).ReadAt(p, 0); string(p[:n]) != "first line\n" || e != 0 {
				t.Errorf("the file holds %q, %v", p[:n], e)
			}
			other := r.open(t, "text", linux.O_RDONLY)
			k, _ = r.get(t, other).LockKey()
			if e := r.locks.Flock(k, r.get(t, other), false); e != linux.EAGAIN {
				t.Errorf("a second lock: %v", e)
			}
			if st, e := r.ctx.Stat(vfs.Path{}, "text", 0); e != 0 || st.Size != 11 {
				t.Errorf("stat %+v, %v", st, e)
			}
		})
	}
}

// TestSaveLayer: a layer over a directory of the host, partly looked at and partly changed.
func TestSaveLayer(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/b/deep", "a/changed", "a/cut", "unseen/x/y", "gone"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte(name+" "), 5000), 0o644)
	}
	os.Link(filepath.Join(dir, "a/cut"), filepath.Join(dir, "cut too"))
	filepath.WalkDir(dir, func(name string, _ os.DirEntry, _ error) error { // so that a look changes no time
		return os.Chtimes(name, time.Now().Add(time.Hour), time.Now().Add(-time.Hour))
	})
	fs, e := layerfs.New(hostMount(t, dir), memfs.Options{Dev: 3})
	check(t, "layer", e)
	w := newWorld(t, fs)
	n := w.open(t, "/a/changed", linux.O_RDWR)
	w.get(t, n).WriteAt([]byte("CHANGED"), 8192)
	check(t, "punch", w.get(t, n).File().(vfs.Allocater).Allocate(linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, 16384, 4096))
	check(t, "truncate", w.get(t, w.open(t, "/a/cut", linux.O_RDWR)).File().(vfs.Truncater).Truncate(5000))
	check(t, "unlink", w.ctx.Unlink(vfs.Path{}, "/gone", 0))
	check(t, "rename", w.ctx.Rename(vfs.Path{}, "/a/b", vfs.Path{}, "/moved", 0))

	r := reload(t, w, mount{"/", layer(t, dir)})
	sameTree(t, w, r) // which looks at all, so the directories that were not looked at come from the host
	p := make([]byte, 7)
	if k, _ := r.get(t, n).ReadAt(p, 8192); string(p[:k]) != "CHANGED" {
		t.Errorf("the file holds %q", p[:k])
	}
	reload(t, r, mount{"/", layer(t, dir)})
}

func layer(t testing.TB, dir string) vfs.FS {
	t.Helper()
	fs, e := layerfs.New(hostMount(t, dir), memfs.Options{})
	check(t, "layer", e)
	return fs
}

// TestSaveMapped: files whose content is memory of the host, mapped once, for writing, and no more.
func TestSaveMapped(t *testing.T) {
	dir := t.TempDir()
	base := bytes.Repeat([]byte("base "), 100_000)
	os.WriteFile(filepath.Join(dir, "lib"), base, 0o755)
	fs, e := layerfs.New(hostMount(t, dir), memfs.Options{Dev: 3})
	check(t, "layer", e)
	w := newWorld(t, fs)
	maps := func(n int32, writes bool) vfs.Mapping {
		m, e := w.get(t, n).File().(vfs.Mapper).Mapping(writes)
		check(t, "mapping", e)
		w.extra = append(w.extra, m.(state.Object))
		return m
	}
	lib := w.open(t, "/lib", linux.O_RDONLY)
	maps(lib, false).Hold()
	own := w.open(t, "/own", linux.O_CREAT|linux.O_RDWR)
	w.write(t, own, "12345")
	w.get(t, own).WriteAt([]byte("far"), 3<<20)
	maps(own, true)
	w.get(t, own).WriteAt([]byte("3"), 4096*9)
	large := w.open(t, "/large", linux.O_CREAT|linux.O_RDWR) // stays memory when nobody maps it
	w.get(t, large).WriteAt([]byte("x"), 2<<20)
	m, _ := w.get(t, large).File().(vfs.Mapper).Mapping(false)
	m.Release()

	kept := chunks{}
	b := save(t, w, kept)
	if len(b) > 1<<14 || len(kept) > 8 {
		t.Errorf("%d bytes and %d chunks for files that have a few pages of their own", len(b), len(kept))
	}
	r := reload(t, w, mount{"/", layer(t, dir)})
	sameTree(t, w, r)
	for i, writes := range []bool{false, true} {
		x, y := w.extra[i].(vfs.Mapping), r.extra[i].(vfs.Mapping)
		if y.Users() != x.Users() || y.Writes() != writes || y.FD() == x.FD() {
			t.Errorf("mapping %d: %d users, was %d; writes %v", i, y.Users(), x.Users(), y.Writes())
		}
	}
	host := os.NewFile(uintptr(dup(t, r.extra[0].(vfs.Mapping).FD())), "lib")
	defer host.Close()
	p := make([]byte, len(base))
	if n, err := host.ReadAt(p, 0); n != len(base) || !bytes.Equal(p, base) {
		t.Errorf("what is mapped has %d bytes, %v", n, err)
	}
	r.write(t, own, "67890") // through the descriptor, seen in the mapping
	own2 := os.NewFile(uintptr(dup(t, r.extra[1].(vfs.Mapping).FD())), "own")
	defer own2.Close()
	if n, _ := own2.ReadAt(p[:10], 0); string(p[:n]) != "1234567890" {
		t.Errorf("the mapping shows %q", p[:n])
	}
	free := func(x *world) uint64 {
		s, _ := x.ctx.Statfs(vfs.Path{}, "/", 0)
		return s.Bfree
	}
	for _, x := range []*world{w, r} {
		for _, o := range x.extra {
			for o.(vfs.Mapping).Users() > 0 {
				o.(vfs.Mapping).Release()
			}
		}
		x.extra = nil
		x.write(t, large, "y")
	}
	if x, y := w.get(t, own).Offset(), r.get(t, own).Offset(); x != 5 || y != 10 {
		t.Errorf("offsets %d %d", x, y)
	}
	if free(w) != free(r) {
		t.Errorf("%d pages are free, %d where it was not saved", free(r), free(w))
	}
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	n, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
