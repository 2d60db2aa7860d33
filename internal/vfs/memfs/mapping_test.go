package memfs

import (
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

func mapFile(t *testing.T, f vfs.File, writes bool) vfs.Mapping {
	t.Helper()
	m, e := f.(vfs.Mapper).Mapping(writes)
	if e != 0 {
		t.Fatal(e)
	}
	return m
}

// show maps the memory as a guest would.
func show(t *testing.T, m vfs.Mapping, size int) []byte {
	t.Helper()
	b, err := unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	return b
}

// TestMappingAccounts: pages that a guest makes by touching holes are charged when they are unmapped, those
// that a truncation takes are given back, and everything is when the file goes.
func TestMappingAccounts(t *testing.T) {
	for _, size := range []int64{64 * pageSize, 2 * smallFile} {
		fs := newFS(t, Options{Bytes: 4 << 20})
		w := vfstest.NewTree(t, fs)
		f := w.File("f", linux.O_CREAT|linux.O_RDWR)
		f.Write([]byte("0123456789"), 3*pageSize)
		w.Want(0, f.(vfs.Truncater).Truncate(size), "truncate")
		used(t, fs, 1, 2)
		m := mapFile(t, f, true)
		if n := fs.MemoryBytes(); n != pageSize {
			t.Errorf("%d bytes of memory, want a page", n)
		}
		b := show(t, m, int(size))
		if string(b[3*pageSize:][:10]) != "0123456789" {
			t.Error("the mapping differs")
		}
		b[10*pageSize], b[11*pageSize] = 1, 2
		m.Release()
		used(t, fs, 3, 2)
		buf := make([]byte, 1)
		if n, e := f.Read(buf, 11*pageSize); n != 1 || e != 0 || buf[0] != 2 {
			t.Error("read after it", n, e, buf)
		}
		w.Want(0, f.(vfs.Truncater).Truncate(11*pageSize), "truncate")
		used(t, fs, 2, 2)
		m = mapFile(t, f, false)
		w.Want(0, w.Unlink(here, "f", 0), "unlink")
		f.Close()
		used(t, fs, 2, 2)
		m.Release()
		used(t, fs, 0, 1)
		if n := fs.MemoryBytes(); n != 0 {
			t.Errorf("%d bytes of memory when all is gone", n)
		}
	}
}

// TestMappingLimit: the limit of bytes is exact for what the kernel writes to a file that is mapped.
func TestMappingLimit(t *testing.T) {
	fs := newFS(t, Options{Bytes: 10 * pageSize})
	w := vfstest.NewTree(t, fs)
	f := w.File("f", linux.O_CREAT|linux.O_RDWR)
	m := mapFile(t, f, true)
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
	w.Want(0, f.(vfs.Allocater).Allocate(0, 0, 5*pageSize), "fallocate")
	used(t, fs, 5, 2)
	const punch = linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_KEEP_SIZE
	w.Want(0, f.(vfs.Allocater).Allocate(punch, 0, 4*pageSize), "punch")
	used(t, fs, 1, 2)
	m.Release()
	f.Close()
}

// TestMappingVersion: a content that may change without the kernel's knowing has no version, and another one
// after it; the file counts as written to until then.
func TestMappingVersion(t *testing.T) {
	w := vfstest.NewTree(t, newFS(t, Options{}))
	f := w.File("f", linux.O_CREAT|linux.O_RDWR)
	f.Write([]byte("old"), 0)
	r := w.File("f", linux.O_RDONLY)
	v := r.(vfs.Versioned)
	_, before, stable := v.Version()
	if !stable {
		t.Error("no version of a file that nobody maps")
	}
	reading := mapFile(t, r, false)
	if _, now, stable := v.Version(); !stable || now != before {
		t.Error("a mapping that is read-only changes the version")
	}
	m := mapFile(t, f, true)
	if _, _, stable := v.Version(); stable {
		t.Error("a version while a mapping may write")
	}
	f.Close()
	node := r.(*handle).f
	if node.DenyWrite() {
		t.Error("a file that is mapped for writing may be executed")
	}
	copy(show(t, m, pageSize), "new")
	m.Release()
	if _, now, stable := v.Version(); !stable || now == before {
		t.Error("the content has changed, its version has not")
	}
	if !node.DenyWrite() {
		t.Error("a file that is mapped no longer for writing may not be executed")
	}
	node.AllowWrite()
	reading.Release()
	r.Close()
}

// TestMappingFiles: the host's descriptors are bounded, and small files give theirs back.
func TestMappingFiles(t *testing.T) {
	fs := newFS(t, Options{})
	w := vfstest.NewTree(t, fs)
	f := w.File("first", linux.O_CREAT|linux.O_RDWR)
	mapFile(t, f, true).Release()
	limit := fs.memories.limit
	for range 2 {
		var held []vfs.Mapping
		for k := range limit {
			g, _, e := w.Open(here, "f"+string(rune('a'+k%26))+string(rune('a'+k/26%26))+string(rune('a'+k/26/26)),
				vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Mode: 0o600})
			w.Want(0, e, "open")
			g.Write([]byte("x"), 0)
			held = append(held, mapFile(t, g, true))
			g.Close()
		}
		if _, e := f.(vfs.Mapper).Mapping(true); e != linux.ENFILE {
			t.Errorf("one more than %d: %v", limit, e)
		}
		for _, m := range held {
			m.Release()
		}
		if n := len(fs.memories.all); n != 0 {
			t.Errorf("%d descriptors are left", n)
		}
	}
	f.Close()
}
