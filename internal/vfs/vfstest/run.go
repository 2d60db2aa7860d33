package vfstest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Run checks a writable file system by cases. open makes an empty one. Every case is a
// rule that holds for all of them; what only some can do is tested where they are.
func Run(t *testing.T, open func(t *testing.T) vfs.FS) {
	for name, test := range map[string]func(*testing.T, *Tree){
		"ContentIsWhatWasWritten":    testContent,
		"SparseFileBeyond4GiB":       testSparse,
		"AppendWritesAtTheEnd":       testAppend,
		"TruncateLeavesZeros":        testTruncate,
		"UnlinkedFileLives":          testUnlinked,
		"RenameKeepsCwd":             testRenameCwd,
		"RenameIntoItself":           testRenameCycle,
		"LinkLoopEnds":               testLoop,
		"NamesOfAnyLength":           testNameLength,
		"CookiesSurviveChanges":      testCookies,
		"CreateExclusiveOnce":        testExclusive,
		"RenameStormLosesNothing":    testRenameStorm,
		"ChurnAndReadDir":            testChurn,
		"WritersDoNotMix":            testWriters,
		"LinkCountsOfDirectories":    testLinkCounts,
		"RemovedDirectoryTakesNone":  testRemovedDir,
		"ReplacedFileKeepsOldReader": testReplaced,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, NewTree(t, open(t)))
		})
	}
}

// Tree is a context with calls that fail the test when they fail.
type Tree struct {
	*vfs.Context
	T testing.TB
}

// NewTree makes root's context in the tree of fs.
func NewTree(t testing.TB, fs vfs.FS) *Tree {
	return &Tree{vfs.NewContext(vfs.NewNamespace(fs, "test", 0), vfs.Root(), nil), t}
}

var here vfs.Path

// Want fails the test if e is not want.
func (w *Tree) Want(want, e linux.Errno, format string, args ...any) {
	w.T.Helper()
	if e != want {
		w.T.Errorf("%s: got %s, want %s", fmt.Sprintf(format, args...), errno(e), errno(want))
	}
}

// File opens a file.
func (w *Tree) File(name string, flags uint32) vfs.File {
	w.T.Helper()
	f, _, e := w.Open(here, name, vfs.OpenHow{Flags: flags, Mode: 0o644})
	if e != 0 {
		w.T.Fatalf("open %s: %v", name, e)
	}
	return f
}

// Put makes a file with the content.
func (w *Tree) Put(name, content string) {
	w.T.Helper()
	f := w.File(name, linux.O_CREAT|linux.O_TRUNC|linux.O_WRONLY)
	defer f.Close()
	if n, e := f.Write([]byte(content), 0); e != 0 || n != len(content) {
		w.T.Fatalf("write %s: %d, %v", name, n, e)
	}
}

// Content reads a file.
func (w *Tree) Content(name string) string {
	w.T.Helper()
	f := w.File(name, linux.O_RDONLY)
	defer f.Close()
	return readAll(w.T, f)
}

func readAll(t testing.TB, f vfs.File) string {
	t.Helper()
	var all []byte
	buf := make([]byte, 10_000)
	for {
		n, e := f.Read(buf, int64(len(all)))
		if e != 0 {
			t.Fatalf("read: %v", e)
		}
		if n == 0 {
			return string(all)
		}
		all = append(all, buf[:n]...)
	}
}

// Dir makes a directory.
func (w *Tree) Dir(name string) {
	w.T.Helper()
	w.Want(0, w.Mkdir(here, name, 0o755), "mkdir %s", name)
}

// Names lists a directory, sorted, without "." and "..".
func (w *Tree) Names(name string) []string {
	w.T.Helper()
	f := w.File(name, linux.O_RDONLY|linux.O_DIRECTORY)
	defer f.Close()
	var names []string
	e := f.(vfs.DirReader).ReadDir(w.Context, 0, func(d *linux.Dirent) bool {
		if d.Name != "." && d.Name != ".." {
			names = append(names, d.Name)
		}
		return true
	})
	w.Want(0, e, "readdir %s", name)
	slices.Sort(names)
	return names
}

func testContent(t *testing.T, w *Tree) {
	want := strings.Repeat("0123456789abcdef", 5000)
	w.Put("f", want)
	if w.Content("f") != want {
		t.Error("content differs")
	}
	s, e := w.Stat(here, "f", 0)
	if e != 0 || s.Size != int64(len(want)) || s.Mode != linux.S_IFREG|0o644 {
		t.Errorf("stat: %v, %+v", e, s)
	}
}

func testSparse(t *testing.T, w *Tree) {
	f := w.File("f", linux.O_CREAT|linux.O_RDWR)
	defer f.Close()
	const off = 5 << 30
	if n, e := f.Write([]byte("end"), off); n != 3 || e != 0 {
		t.Fatal(n, e)
	}
	s, _ := f.Stat()
	if s.Size != off+3 || s.Blocks > 64 {
		t.Errorf("size %d, blocks %d", s.Size, s.Blocks)
	}
	p := []byte("xxxxxxx")
	if n, e := f.Read(p, off-4); n != 7 || e != 0 || string(p) != "\x00\x00\x00\x00end" {
		t.Errorf("read: %d, %v, %q", n, e, p)
	}
	if h, ok := f.(vfs.HoleSeeker); ok {
		if at, e := h.SeekHole(0, linux.SEEK_DATA); e != 0 || at > off || at < off-1<<16 {
			t.Errorf("data at %d, %v", at, e)
		}
	}
}

func testAppend(t *testing.T, w *Tree) {
	w.Put("f", "one")
	f := w.File("f", linux.O_WRONLY|linux.O_APPEND)
	defer f.Close()
	n, end, e := f.(vfs.Appender).Append([]byte("two"))
	if n != 3 || end != 6 || e != 0 || w.Content("f") != "onetwo" {
		t.Error(n, end, e)
	}
}

func testTruncate(t *testing.T, w *Tree) {
	w.Put("f", strings.Repeat("x", 9000))
	w.Want(0, w.Truncate(here, "f", 4099), "truncate")
	w.Want(0, w.Truncate(here, "f", 9000), "truncate")
	if w.Content("f") != strings.Repeat("x", 4099)+strings.Repeat("\x00", 9000-4099) {
		t.Error("bytes came back")
	}
}

func testUnlinked(t *testing.T, w *Tree) {
	w.Put("f", "alive")
	f := w.File("f", linux.O_RDWR)
	defer f.Close()
	w.Want(0, w.Unlink(here, "f", 0), "unlink")
	if readAll(t, f) != "alive" {
		t.Error("content is gone")
	}
	if s, e := f.Stat(); e != 0 || s.Nlink != 0 {
		t.Error(s.Nlink, e)
	}
}

func testRenameCwd(t *testing.T, w *Tree) {
	w.Dir("a")
	w.Dir("a/b")
	w.Dir("c")
	w.Put("c/f", "x")
	w.Want(0, w.Chdir(here, "a/b", 0), "chdir")
	w.Want(0, w.Rename(here, "/a/b", here, "/c/d", 0), "rename")
	if cwd, e := w.Getcwd(); cwd != "/c/d" || e != 0 {
		t.Error(cwd, e)
	}
	if w.Content("../f") != "x" {
		t.Error("..")
	}
	w.Want(0, w.Unlink(here, "/c/d", linux.AT_REMOVEDIR), "rmdir")
	_, e := w.Getcwd()
	w.Want(linux.ENOENT, e, "getcwd")
	w.Want(linux.ENOENT, w.Mkdir(here, "x", 0o755), "mkdir in a removed directory")
}

func testRenameCycle(t *testing.T, w *Tree) {
	w.Dir("a")
	w.Dir("a/b")
	w.Dir("a/b/c")
	w.Want(linux.EINVAL, w.Rename(here, "a", here, "a/b/x", 0), "below itself")
	w.Want(linux.EINVAL, w.Rename(here, "a", here, "a/x", 0), "into itself")
	w.Want(linux.ENOTEMPTY, w.Rename(here, "a/b/c", here, "a", 0), "over an ancestor")
	w.Want(linux.EINVAL, w.Rename(here, "a/b/c", here, "a", linux.RENAME_EXCHANGE), "exchange with an ancestor")
}

func testLoop(t *testing.T, w *Tree) {
	w.Want(0, w.Symlink("b", here, "a"), "symlink")
	w.Want(0, w.Symlink("a", here, "b"), "symlink")
	_, e := w.Stat(here, "a", 0)
	w.Want(linux.ELOOP, e, "loop")
	w.Put("l0", "x")
	for i := range 41 {
		w.Want(0, w.Symlink(fmt.Sprint("l", i), here, fmt.Sprint("l", i+1)), "symlink")
	}
	_, e = w.Stat(here, "l40", 0)
	w.Want(0, e, "40 links")
	_, e = w.Stat(here, "l41", 0)
	w.Want(linux.ELOOP, e, "41 links")
}

func testNameLength(t *testing.T, w *Tree) {
	w.Put(strings.Repeat("n", 255), "x")
	_, _, e := w.Open(here, strings.Repeat("n", 256), vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY})
	w.Want(linux.ENAMETOOLONG, e, "256 bytes")
	_, e = w.Stat(here, strings.Repeat("/", 4096), 0)
	w.Want(linux.ENAMETOOLONG, e, "4096 bytes")
	_, e = w.Stat(here, strings.Repeat("/", 4095), 0)
	w.Want(0, e, "4095 bytes")
}

func testCookies(t *testing.T, w *Tree) {
	w.Dir("d")
	for i := range 200 {
		w.Put(fmt.Sprint("d/f", i), "")
	}
	f := w.File("d", linux.O_RDONLY|linux.O_DIRECTORY)
	defer f.Close()
	seen := map[string]int{}
	var cookie int64
	// New names may come last, so that there is always one more: 200 names take 29 rounds.
	for round := range 60 {
		n := 0
		e := f.(vfs.DirReader).ReadDir(w.Context, cookie, func(d *linux.Dirent) bool {
			if n == 7 {
				return false
			}
			n++
			seen[d.Name]++
			cookie = d.Off
			return true
		})
		w.Want(0, e, "readdir")
		if n == 0 {
			break
		}
		// Names that stay must be seen exactly once whatever else changes.
		w.Want(0, w.Unlink(here, fmt.Sprint("d/f", 2*round), 0), "unlink")
		w.Put(fmt.Sprint("d/f", 2*round), "")
	}
	for i := 1; i < 200; i += 2 {
		if c := seen[fmt.Sprint("f", i)]; c != 1 {
			t.Errorf("f%d seen %d times", i, c)
		}
	}
}

func testExclusive(t *testing.T, w *Tree) {
	const n = 8
	won := make([]int, 50)
	var mu sync.Mutex
	parallel(n, func(int) {
		c := w.Fork(nil)
		for i := range won {
			f, _, e := c.Open(here, fmt.Sprint("f", i), vfs.OpenHow{Flags: linux.O_CREAT | linux.O_EXCL | linux.O_WRONLY, Mode: 0o600})
			if e == 0 {
				f.Close()
				mu.Lock()
				won[i]++
				mu.Unlock()
			} else if e != linux.EEXIST {
				t.Error(e)
			}
		}
	})
	for i, c := range won {
		if c != 1 {
			t.Errorf("f%d was made %d times", i, c)
		}
	}
}

func testRenameStorm(t *testing.T, w *Tree) {
	dirs := []string{"a", "a/b", "a/b/c", "d", "d/e"}
	for _, d := range dirs {
		w.Dir(d)
	}
	const files = 5
	for i := range files {
		w.Put(fmt.Sprint("a/f", i), fmt.Sprint(i))
	}
	parallel(6, func(k int) {
		c := w.Fork(nil)
		for i := range 300 {
			r := i*7 + k*13
			from, to := dirs[r%len(dirs)], dirs[(r/3)%len(dirs)]
			f := fmt.Sprint("/f", r%files)
			flags := uint32(linux.RENAME_NOREPLACE)
			c.Rename(here, from+f, here, to+f, flags)
			c.Rename(here, from, here, to+"/moved", flags)
			c.Rename(here, to+"/moved", here, from, flags)
			c.Rename(here, from, here, to, linux.RENAME_EXCHANGE)
		}
	})
	seen := map[string]bool{}
	w.count("/", seen, 0)
	if len(seen) != files {
		t.Errorf("%d of %d files are left: %v", len(seen), files, seen)
	}
}

// count collects the contents of all files below dir.
func (w *Tree) count(dir string, seen map[string]bool, depth int) {
	w.T.Helper()
	if depth > 100 {
		w.T.Fatal("a cycle")
	}
	for _, name := range w.Names(dir) {
		s, e := w.Stat(here, dir+name, linux.AT_SYMLINK_NOFOLLOW)
		w.Want(0, e, "stat %s%s", dir, name)
		if s.Mode&linux.S_IFMT == linux.S_IFDIR {
			w.count(dir+name+"/", seen, depth+1)
			continue
		}
		content := w.Content(dir + name)
		if seen[content] {
			w.T.Errorf("%s is there twice", content)
		}
		seen[content] = true
	}
}

func testChurn(t *testing.T, w *Tree) {
	w.Dir("d")
	w.Put("d/stays", "")
	parallel(4, func(k int) {
		c := &Tree{w.Fork(nil), t}
		for i := range 100 {
			name := fmt.Sprintf("d/%d-%d", k, i%10)
			switch {
			case k == 0:
				if !slices.Contains(c.Names("d"), "stays") {
					t.Error("a name was not listed")
				}
			case i/10%2 == 0:
				c.Put(name, "x")
			default:
				c.Want(0, c.Unlink(here, name, 0), "unlink %s", name)
			}
		}
	})
	if got := w.Names("d"); len(got) != 1 {
		t.Error(got)
	}
}

func testWriters(t *testing.T, w *Tree) {
	const size = 3*4096 + 10
	w.Put("f", strings.Repeat("A", size))
	parallel(4, func(k int) {
		c := &Tree{w.Fork(nil), t}
		f := c.File("f", linux.O_RDWR)
		defer f.Close()
		p := bytes.Repeat([]byte{byte('A' + k)}, size)
		for range 100 {
			f.Write(p, 0)
		}
	})
	if got := w.Content("f"); strings.Count(got, got[:1]) != size {
		t.Error("writes mixed")
	}
}

func testLinkCounts(t *testing.T, w *Tree) {
	nlink := func(name string) uint64 {
		s, e := w.Stat(here, name, 0)
		w.Want(0, e, "stat")
		return s.Nlink
	}
	w.Dir("a")
	w.Dir("b")
	w.Dir("a/d")
	base := nlink("b")
	if nlink("a") != base+1 && base != 1 { // btrfs does not count
		t.Error("after mkdir", nlink("a"))
	}
	w.Want(0, w.Rename(here, "a/d", here, "b/d", 0), "rename")
	if nlink("a") != base || nlink("b") != base+1 && base != 1 {
		t.Error("after rename", nlink("a"), nlink("b"))
	}
	w.Want(0, w.Unlink(here, "b/d", linux.AT_REMOVEDIR), "rmdir")
	if nlink("b") != base {
		t.Error("after rmdir", nlink("b"))
	}
	w.Put("f", "x")
	w.Want(0, w.Link(here, "f", here, "a/g", 0), "link")
	if nlink("f") != 2 || nlink("a/g") != 2 {
		t.Error("file", nlink("f"))
	}
}

func testRemovedDir(t *testing.T, w *Tree) {
	w.Dir("d")
	_, p, e := w.Open(here, "d", vfs.OpenHow{Flags: linux.O_RDONLY | linux.O_DIRECTORY})
	w.Want(0, e, "open")
	w.Want(0, w.Unlink(here, "d", linux.AT_REMOVEDIR), "rmdir")
	_, _, e = w.Open(p, "x", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY})
	w.Want(linux.ENOENT, e, "create")
	w.Want(linux.ENOENT, w.Mkdir(p, "x", 0o755), "mkdir")
	w.Put("f", "")
	w.Want(linux.ENOENT, w.Rename(here, "f", p, "x", 0), "rename")
}

func testReplaced(t *testing.T, w *Tree) {
	w.Put("new", "new")
	w.Put("old", "old")
	f := w.File("old", linux.O_RDONLY)
	defer f.Close()
	w.Want(0, w.Rename(here, "new", here, "old", 0), "rename")
	if readAll(t, f) != "old" || w.Content("old") != "new" {
		t.Error("the wrong content")
	}
}

// parallel runs f(0) to f(n-1) at once.
func parallel(n int, f func(k int)) {
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() { f(k) })
	}
	wg.Wait()
}
