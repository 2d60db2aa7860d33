package hostfs

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

// TestMapping: mappings of a host's file are descriptors of its own, one for all that read and one for all that
// write, which go with their last user.
func TestMapping(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o644))
	fs, err := Open(dir, Options{})
	must(t, err)
	defer fs.Close()
	w := vfstest.NewTree(t, fs)
	f := w.File("f", linux.O_RDWR)
	r := w.File("f", linux.O_RDONLY)
	a, e := f.(vfs.Mapper).Mapping(true)
	w.Want(0, e, "mapping to write")
	b, e := r.(vfs.Mapper).Mapping(false)
	w.Want(0, e, "mapping to read")
	c, e := r.(vfs.Mapper).Mapping(false)
	w.Want(0, e, "another")
	if b != c || a == b || a.Futexes() != b.Futexes() || a.Users() != 3 {
		t.Errorf("mappings %v %v %v, %d users", a, b, c, a.Users())
	}
	f.Close()
	r.Close()
	p, err := unix.Mmap(a.FD(), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	defer unix.Munmap(p)
	p[0] = 'C'
	w.Want(0, a.Sync(), "sync")
	if text, _ := os.ReadFile(filepath.Join(dir, "f")); string(text) != "Content" {
		t.Errorf("the file is %q", text)
	}
	if _, err := unix.Mmap(b.FD(), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != unix.EACCES {
		t.Errorf("a writable mapping of a file that was opened to read: %v", err)
	}
	fd := b.FD()
	b.Release()
	c.Hold()
	c.Release()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		t.Errorf("closed while it is held: %v", err)
	}
	c.Release()
	a.Release()
	if n := fs.mapped.Load(); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("the descriptor is open: %v", err)
	}
}
