package memfs

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

var here vfs.Path

// TestBytesLimit: ENOSPC comes at the exact page, and everything is given back.
func TestBytesLimit(t *testing.T) {
	fs := newFS(t, Options{Bytes: 10 * pageSize})
	w := vfstest.NewTree(t, fs)
	f := w.File("f", linux.O_CREAT|linux.O_RDWR)
	n, e := f.Write(make([]byte, 12*pageSize), 100)
	if n != 10*pageSize-100 || e != 0 {
		t.Error("short write", n, e)
	}
	_, e = f.Write([]byte("x"), 11*pageSize)
	w.Want(linux.ENOSPC, e, "one more page")
	_, e = f.Write([]byte("x"), 0)
	w.Want(0, e, "a page that is there")
	w.Want(linux.ENOSPC, f.(vfs.Allocater).Allocate(0, 1<<40, 1<<40), "fallocate")
	w.Want(0, f.(vfs.Truncater).Truncate(pageSize+1), "truncate")
	used(t, fs, 2, 2)
	w.Want(linux.ENOSPC, f.(vfs.Allocater).Allocate(0, 0, 20*pageSize), "fallocate")
	used(t, fs, 2, 2)
	w.Want(0, w.Symlink(strings.Repeat("l", 200), here, "long"), "symlink")
	used(t, fs, 3, 3)
	w.Want(0, w.Unlink(here, "f", 0), "unlink")
	w.Want(0, w.Unlink(here, "long", 0), "unlink")
	used(t, fs, 2, 2) // f is open
	f.Close()
	used(t, fs, 0, 1)
}

// TestInodesLimit: every name and every nameless file counts.
func TestInodesLimit(t *testing.T) {
	fs := newFS(t, Options{Inodes: 5})
	w := vfstest.NewTree(t, fs)
	w.Put("a", "")
	w.Want(0, w.Link(here, "a", here, "b", 0), "link")
	w.Dir("d")
	f, p, e := w.Open(here, ".", vfs.OpenHow{Flags: linux.O_TMPFILE | linux.O_RDWR})
	w.Want(0, e, "O_TMPFILE")
	w.Want(linux.ENOSPC, w.Mkdir(here, "e", 0o755), "mkdir")
	w.Want(linux.ENOSPC, w.Link(here, "a", here, "c", 0), "link")
	w.Want(linux.ENOSPC, w.Symlink("x", here, "c"), "symlink")
	w.Want(0, w.Link(p, "", here, "c", linux.AT_EMPTY_PATH), "link of the nameless")
	w.Want(0, w.Rename(here, "a", here, "c", 0), "rename frees one")
	used(t, fs, 0, 5) // c is open
	f.Close()
	used(t, fs, 0, 4)
	for _, name := range []string{"b", "c"} {
		w.Want(0, w.Unlink(here, name, 0), "unlink")
	}
	w.Want(0, w.Unlink(here, "d", linux.AT_REMOVEDIR), "rmdir")
	used(t, fs, 0, 1)
}

func used(t *testing.T, fs *FS, pages, inodes int64) {
	t.Helper()
	if p, i := fs.pages.used.Load(), fs.inodes.used.Load(); p != pages || i != inodes {
		t.Errorf("%d pages and %d inodes in use, want %d and %d", p, i, pages, inodes)
	}
}

// TestAccountsAfterChurn: after random work and removing all, nothing is in use.
func TestAccountsAfterChurn(t *testing.T) {
	fs := newFS(t, Options{Bytes: 200 * pageSize, Inodes: 50})
	w := vfstest.NewTree(t, fs)
	rnd := rand.New(rand.NewPCG(1, 2))
	open := make([]vfs.File, 5)
	for range 20_000 {
		a, b := fmt.Sprint("f", rnd.IntN(20)), fmt.Sprint("f", rnd.IntN(20))
		switch rnd.IntN(7) {
		case 0, 1:
			f, _, e := w.Open(here, a, vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Mode: 0o600})
			if e == 0 {
				k := rnd.IntN(len(open))
				if open[k] != nil {
					open[k].Close()
				}
				open[k] = f
			}
		case 2, 3:
			if f := open[rnd.IntN(len(open))]; f != nil {
				f.Write(make([]byte, rnd.IntN(20_000)), rnd.Int64N(1<<uint(rnd.IntN(40))))
			}
		case 4:
			w.Unlink(here, a, 0)
		case 5:
			w.Rename(here, a, here, b, 0)
		case 6:
			w.Link(here, a, here, b, 0)
		}
	}
	for _, f := range open {
		if f != nil {
			f.Close()
		}
	}
	for _, name := range w.Names("/") {
		w.Want(0, w.Unlink(here, name, 0), "unlink")
	}
	used(t, fs, 0, 1)
}

// TestVersion: it changes with each change of content, and only then.
func TestVersion(t *testing.T) {
	w := vfstest.NewTree(t, newFS(t, Options{Dev: 7}))
	w.Put("f", "x")
	f := w.File("f", linux.O_RDWR)
	defer f.Close()
	version := func() uint64 {
		id, v, stable := f.(vfs.Versioned).Version()
		if s, _ := f.Stat(); id != [2]uint64{7, s.Ino} || !stable {
			t.Error(id, stable)
		}
		return v
	}
	last := version()
	for name, change := range map[string]func(){
		"write":     func() { f.Write([]byte("y"), 0) },
		"append":    func() { f.(vfs.Appender).Append([]byte("y")) },
		"ftruncate": func() { f.(vfs.Truncater).Truncate(1) },
		"truncate":  func() { w.Truncate(here, "f", 5) },
		"O_TRUNC":   func() { w.File("f", linux.O_WRONLY|linux.O_TRUNC).Close() },
		"fallocate": func() { f.(vfs.Allocater).Allocate(0, 0, 10_000) },
	} {
		change()
		if v := version(); v == last {
			t.Error(name, "is not seen")
		} else {
			last = v
		}
	}
	w.Chmod(here, "f", 0o755, 0)
	w.Rename(here, "f", here, "g", 0)
	w.Content("g")
	if version() != last {
		t.Error("a change of name or mode counts")
	}
}

// oneFile is a base that holds one file, f, of three pages.
type oneFile struct{ vfs.BaseFile }

func (oneFile) Stat() (linux.Stat, linux.Errno) {
	return linux.Stat{Mode: linux.S_IFREG | 0o644, Nlink: 1, Size: 3 * pageSize}, 0
}

func (oneFile) Read(p []byte, _ int64) (int, linux.Errno) {
	for i := range p {
		p[i] = 'b'
	}
	return len(p), 0
}

func (o oneFile) Root() (BaseNode, linux.Errno) {
	file, _ := o.Stat()
	return BaseNode{
		Stat: linux.Stat{Mode: linux.S_IFDIR | 0o755, Nlink: 2},
		List: func() ([]BaseEntry, linux.Errno) {
			return []BaseEntry{{"f", BaseNode{Stat: file, Open: func() (vfs.File, linux.Errno) { return o, 0 }}}}, 0
		},
	}, 0
}

func (o oneFile) Find(string) (BaseNode, linux.Errno) {
	root, _ := o.Root()
	list, e := root.List()
	return list[0].Node, e
}

// TestVersionOfHalfAChange: what fails for want of space may have changed a part.
func TestVersionOfHalfAChange(t *testing.T) {
	w := vfstest.NewTree(t, newFS(t, Options{Base: oneFile{}, Bytes: pageSize}))
	f := w.File("f", linux.O_RDWR)
	defer f.Close()
	f.Write([]byte("x"), 0)
	content, version := w.Content("f"), func() uint64 {
		_, v, _ := f.(vfs.Versioned).Version()
		return v
	}
	before := version()
	w.Want(linux.ENOSPC, f.(vfs.Allocater).Allocate(linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE, 10, 2*pageSize), "punch")
	if w.Content("f") == content {
		t.Fatal("nothing has changed: the test is void")
	}
	if version() == before {
		t.Error("the change is not seen")
	}
}

// TestTextBusy: what is executed is not written to, and the other way round; a file that is made
// no writer does not count.
func TestTextBusy(t *testing.T) {
	w := vfstest.NewTree(t, newFS(t, Options{}))
	w.Put("f", "x")
	w.Chmod(here, "f", 0o755, 0)
	_, place, e := w.OpenExec(here, "f", 0)
	w.Want(0, e, "OpenExec")
	for _, flags := range []uint32{linux.O_WRONLY, linux.O_RDWR, linux.O_RDONLY | linux.O_TRUNC} {
		_, _, e := w.Open(here, "f", vfs.OpenHow{Flags: flags})
		w.Want(linux.ETXTBSY, e, "open")
	}
	w.Want(linux.ETXTBSY, w.Truncate(here, "f", 0), "truncate")
	if w.Content("f") != "x" {
		t.Error("it was written to")
	}
	vfs.AllowWrite(place)
	f := w.File("f", linux.O_WRONLY)
	_, _, e = w.OpenExec(here, "f", 0)
	w.Want(linux.ETXTBSY, e, "OpenExec of what is written to")
	f.(vfs.Uncounted).Uncounted()
	_, place, e = w.OpenExec(here, "f", 0)
	w.Want(0, e, "OpenExec of what does not count")
	vfs.AllowWrite(place)
	f.Close()
	w.File("f", linux.O_RDONLY|linux.O_TRUNC).Close()
	_, _, e = w.OpenExec(here, "f", 0)
	w.Want(0, e, "OpenExec after all were closed")
}

// TestFaultInWrite: a guest's memory that ends in the middle of a write leaves no lock, and
// nothing beyond the size.
func TestFaultInWrite(t *testing.T) {
	mem, err := unix.Mmap(-1, 0, 2*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	for i := range mem {
		mem[i] = 'x'
	}
	if err := unix.Mprotect(mem[pageSize:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	fs := newFS(t, Options{})
	w := vfstest.NewTree(t, fs)
	f := w.File("f", linux.O_CREAT|linux.O_RDWR)
	f.Write([]byte("12345"), 0)
	fault := func(op func()) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if recover() == nil {
				t.Error("no fault")
			}
		}()
		op()
	}
	fault(func() { f.Write(mem[pageSize-10:], 0) })
	fault(func() { f.Write(mem[100:], 3*pageSize) })
	fault(func() { f.Read(mem[pageSize:], 0) })
	s, e := f.Stat()
	w.Want(0, e, "stat")
	w.Want(0, f.(vfs.Truncater).Truncate(8*pageSize), "the lock is free")
	got := w.Content("f")
	if strings.Trim(got[max(s.Size, 5):], "\x00") != "" {
		t.Error("bytes of the broken write show up")
	}
	w.Want(0, f.(vfs.Truncater).Truncate(0), "truncate")
	used(t, fs, 0, 2)
	f.Close()
}
