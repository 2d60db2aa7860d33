package fd_test

import (
	"bytes"
	"strings"
	"testing"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/lock"
	"vkernel/internal/vfs/memfs"
)

// populate makes files of all kinds below the root.
func (w *world) populate(t testing.TB) {
	t.Helper()
	c, at := w.ctx, vfs.Path{}
	check(t, "mkdir", c.Mkdir(at, "/d", 0o755))
	check(t, "mkdir", c.Mkdir(at, "/d/sticky", 0o1777))
	check(t, "mkdir", c.Mkdir(at, "/d/gone", 0o700))
	check(t, "symlink", c.Symlink("d/file", at, "/link"))
	check(t, "symlink", c.Symlink(strings.Repeat("long/", 60), at, "/d/long"))
	check(t, "fifo", c.Mknod(at, "/d/fifo", linux.S_IFIFO|0o640, 0))
	check(t, "socket", c.Mknod(at, "/d/sock", linux.S_IFSOCK|0o600, 0))
	f := w.open(t, "/d/file", linux.O_CREAT|linux.O_RDWR)
	w.write(t, f, "hello")
	check(t, "link", c.Link(at, "/d/file", at, "/d/second", 0))
	check(t, "chown", c.Chown(at, "/d/second", 1000, 100, 0))
	check(t, "chmod", c.Chmod(at, "/d/second", 0o4751, 0))
	check(t, "utimens", c.Utimens(at, "/d/file", &[2]linux.Timespec{{Sec: -5, Nsec: 7}, {Sec: 1 << 33, Nsec: 9}}, 0))
	big := w.get(t, w.open(t, "/d/big", linux.O_CREAT|linux.O_RDWR))
	for i := range int64(40) { // runs of 12 KiB, and holes of as much
		if _, e := big.WriteAt(bytes.Repeat([]byte{byte(i + 1)}, 12<<10), i*24<<10); e != 0 {
			t.Fatal(e)
		}
	}
	if _, e := big.WriteAt([]byte("far"), 1<<40); e != 0 {
		t.Fatal(e)
	}
	check(t, "allocate", big.File().(vfs.Allocater).Allocate(linux.FALLOC_FL_KEEP_SIZE, 1<<41, 8192))
	for _, name := range []string{"a", "b", "c", "d"} {
		w.table.Close(w.open(t, "/d/sticky/"+name, linux.O_CREAT|linux.O_WRONLY))
	}
	check(t, "unlink", c.Unlink(at, "/d/sticky/b", 0)) // cookies are not consecutive
	check(t, "rename", c.Rename(at, "/d/sticky/a", at, "/d/sticky/z", 0))
}

func TestSaveMemory(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3, Bytes: 1 << 24, Inodes: 99, Mode: 0o711}))
	w.populate(t)
	check(t, "chdir", w.ctx.Chdir(vfs.Path{}, "/d/gone", 0))
	check(t, "rmdir", w.ctx.Unlink(vfs.Path{}, "/d/gone", linux.AT_REMOVEDIR))
	w.ctx.SetUmask(0o27)
	r := reload(t, w)
	sameTree(t, w, r)
	if _, e := r.ctx.Getcwd(); e != linux.ENOENT || r.ctx.Umask() != 0o27 {
		t.Errorf("working directory: %v, umask %o", e, r.ctx.Umask())
	}
	a, _ := w.ctx.Statfs(vfs.Path{}, "/", 0)
	b, e := r.ctx.Statfs(vfs.Path{}, "/", 0)
	if a != b || e != 0 {
		t.Errorf("statfs %+v, was %+v", b, a)
	}
	for _, x := range []*world{w, r} { // the next inode and cookie are the same
		x.table.Close(x.open(t, "/d/sticky/new", linux.O_CREAT|linux.O_WRONLY))
		check(t, "utimens", x.ctx.Utimens(vfs.Path{}, "/d/sticky/new", &[2]linux.Timespec{{Sec: 1}, {Sec: 1}}, 0))
	}
	x, _ := w.ctx.Stat(vfs.Path{}, "/d/sticky/new", 0)
	y, _ := r.ctx.Stat(vfs.Path{}, "/d/sticky/new", 0)
	if x.Ino != y.Ino {
		t.Errorf("the next inode is %d, was to be %d", y.Ino, x.Ino)
	}
}

// TestSaveDescriptors: offsets, flags, numbers, files without a name, O_PATH and O_TMPFILE, duplicates.
func TestSaveDescriptors(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	w.populate(t)
	n := w.open(t, "/d/file", linux.O_RDWR|linux.O_APPEND|linux.O_NONBLOCK)
	w.write(t, n, " world")
	dup := w.install(t, w.get(t, n).Ref())
	w.table.SetCloexec(dup, true)
	gone := w.open(t, "/d/deleted", linux.O_CREAT|linux.O_RDWR)
	w.write(t, gone, strings.Repeat("still here ", 10_000))
	check(t, "unlink", w.ctx.Unlink(vfs.Path{}, "/d/deleted", 0))
	temp := w.open(t, "/d", linux.O_TMPFILE|linux.O_RDWR)
	w.write(t, temp, "no name")
	place := w.open(t, "/d/fifo", linux.O_PATH)
	dir := w.open(t, "/d/sticky", linux.O_RDONLY|linux.O_DIRECTORY)
	first := 0
	w.get(t, dir).ReadDir(w.ctx, func(*linux.Dirent) bool { first++; return first <= 3 })
	check(t, "far", w.table.Replace(w.get(t, n).Ref(), 700, true, fd.MaxFiles))

	r := reload(t, w)
	for _, k := range w.table.Numbers() {
		a, b := w.get(t, k), r.get(t, k)
		sa, _ := a.File().Stat()
		sb, e := b.File().Stat()
		ca, _ := w.table.Cloexec(k)
		cb, _ := r.table.Cloexec(k)
		if e != 0 || a.Offset() != b.Offset() || a.Flags() != b.Flags() || sa != sb || ca != cb || a.Refs() != b.Refs() ||
			w.ctx.PathString(a.Path()) != r.ctx.PathString(b.Path()) {
			t.Errorf("descriptor %d: %d %#x %+v %v %d %s %v, was %d %#x %+v %v %d %s", k,
				b.Offset(), b.Flags(), sb, cb, b.Refs(), r.ctx.PathString(b.Path()), e,
				a.Offset(), a.Flags(), sa, ca, a.Refs(), w.ctx.PathString(a.Path()))
		}
	}
	if r.get(t, n) != r.get(t, dup) || r.get(t, n) != r.get(t, 700) {
		t.Error("duplicates are different descriptions")
	}
	r.write(t, dup, "!")
	p := make([]byte, 100)
	if k, e := r.get(t, n).ReadAt(p, 0); string(p[:k]) != "hello world!" || e != 0 {
		t.Errorf("the file holds %q, %v", p[:k], e)
	}
	if k, e := r.get(t, gone).ReadAt(p, 11*9_999); string(p[:k]) != "still here " || e != 0 {
		t.Errorf("the deleted file ends with %q, %v", p[:k], e)
	}
	check(t, "link of a temporary file", r.ctx.Link(r.get(t, temp).Path(), "", vfs.Path{}, "/named", linux.AT_EMPTY_PATH))
	if st, e := r.ctx.Stat(r.get(t, place).Path(), "", linux.AT_EMPTY_PATH); e != 0 || st.Mode != linux.S_IFIFO|0o640 {
		t.Errorf("the place: %o %v", st.Mode, e)
	}
	var rest []string
	r.get(t, dir).ReadDir(r.ctx, func(ent *linux.Dirent) bool { rest = append(rest, ent.Name); return true })
	if strings.Join(rest, " ") != "d z" {
		t.Errorf("the directory goes on with %q", rest)
	}
	free := func(x *world) uint64 {
		s, _ := x.ctx.Statfs(vfs.Path{}, "/", 0)
		return s.Bfree
	}
	before := free(r)
	r.table.Close(gone)
	w.table.Close(gone)
	w.ctx.Link(w.get(t, temp).Path(), "", vfs.Path{}, "/named", linux.AT_EMPTY_PATH)
	if free(r) != free(w) || free(r) == before {
		t.Errorf("%d pages are free, and %d where it was not saved; before %d", free(r), free(w), before)
	}
}

// TestSaveLocks: of all three kinds, with their owners.
func TestSaveLocks(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	a := w.open(t, "/f", linux.O_CREAT|linux.O_RDWR)
	b := w.open(t, "/f", linux.O_RDWR)
	k, _ := w.get(t, a).LockKey()
	w.get(t, a).HoldsLocks(w.locks)
	w.table.HoldsLocks(w.locks)
	check(t, "posix", w.locks.Set(k, lock.Lock{Start: 0, End: 9, Write: true, Owner: w.table, PID: 7}, false))
	check(t, "posix", w.locks.Set(k, lock.Lock{Start: 20, End: lock.EOF, Owner: w.table, PID: 7}, false))
	check(t, "ofd", w.locks.Set(k, lock.Lock{Start: 10, End: 19, Write: true, Owner: w.get(t, a), PID: -1}, false))
	check(t, "flock", w.locks.Flock(k, w.get(t, a), true))

	r := reload(t, w)
	other := lock.Lock{Start: 0, End: 100, Write: true, Owner: r.get(t, b)}
	if l, found := r.locks.Test(k, other); !found || l.Owner != r.table || l.End != 9 || l.PID != 7 {
		t.Errorf("first lock %+v", l)
	}
	if e := r.locks.Flock(k, r.get(t, b), false); e != linux.EAGAIN {
		t.Errorf("flock: %v", e)
	}
	r.table.Close(a) // with it go the locks of all three
	if l, found := r.locks.Test(k, other); found {
		t.Errorf("a lock survived: %+v", l)
	}
	check(t, "flock", r.locks.Flock(k, r.get(t, b), true))
}

// TestSaveSealed: a descriptor that shows the content that was checked, and a memfd with seals.
func TestSaveSealed(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	n := w.open(t, "/f", linux.O_CREAT|linux.O_RDWR)
	st, _ := w.get(t, n).File().Stat()
	text := bytes.Repeat([]byte("checked "), 20_000)
	w.get(t, n).Seal(vfs.NewSealed(&vfs.Content{Bytes: text}, st))
	node, e := w.anon.Root().Node().(vfs.DirWriter).Tmpfile(w.anon.Root(), &vfs.NewNode{Mode: linux.S_IFREG | 0o777, Sealable: true})
	check(t, "memfd", e)
	f, e := node.Open(w.ctx, linux.O_RDWR)
	check(t, "memfd", e)
	m := w.install(t, fd.New(f, vfs.Anonymous("/memfd:x", node), linux.O_RDWR))
	w.write(t, m, "sealed")
	check(t, "seal", f.(vfs.Sealer).AddSeals(linux.F_SEAL_GROW|linux.F_SEAL_SHRINK))

	r := reload(t, w)
	p := make([]byte, 16)
	if k, e := r.get(t, n).ReadAt(p, 8*19_999); string(p[:k]) != "checked " || e != 0 {
		t.Errorf("the sealed file ends with %q, %v", p[:k], e)
	}
	g := r.get(t, m).File().(vfs.Sealer)
	if g.Seals() != linux.F_SEAL_GROW|linux.F_SEAL_SHRINK {
		t.Errorf("seals %#x", g.Seals())
	}
	if e := r.get(t, m).File().(vfs.Truncater).Truncate(1); e != linux.EPERM {
		t.Errorf("truncate: %v", e)
	}
	check(t, "one more seal", g.AddSeals(linux.F_SEAL_SEAL))
	if name := r.ctx.PathString(r.get(t, m).Path()); name != "/memfd:x" {
		t.Errorf("its name is %q", name)
	}
}
