package bundle

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
)

// plant puts a memory file into the place of a shared copy.
func plant(t *testing.T, link, content string, seals int) {
	t.Helper()
	fd, err := unix.MemfdCreate("planted", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	must(t, err)
	f := os.NewFile(uintptr(fd), "planted")
	t.Cleanup(func() { f.Close() })
	_, err = f.WriteString(content)
	must(t, err)
	_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	must(t, err)
	os.Remove(link)
	publish(link, f)
}

func inode(t *testing.T, f *os.File) (uint64, uint64) {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Fstat(int(f.Fd()), &st))
	return st.Dev, st.Ino
}

// Two containers of one digest have one copy of their code; what only says that it is one is
// not taken.
func TestSharedCode(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	b := makeBundle(t)
	first, err := Open(b.dir, b.key)
	must(t, err)
	defer first.Close()
	second, err := Open(b.dir, b.key)
	must(t, err)
	defer second.Close()
	d1, i1 := inode(t, first.Code)
	if d2, i2 := inode(t, second.Code); d1 != d2 || i1 != i2 {
		t.Errorf("two copies: %d:%d and %d:%d", d1, i1, d2, i2)
	}
	const content = "native code"
	link := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "vkernel", manifest.Sum([]byte(content)).String())
	for name, put := range map[string]func(){
		"not sealed":    func() { plant(t, link, content, 0) },
		"not all seals": func() { plant(t, link, content, codeSeals&^unix.F_SEAL_WRITE) },
		"other bytes":   func() { plant(t, link, "native kode", codeSeals) },
		"a file": func() {
			os.Remove(link)
			must(t, os.WriteFile(link, []byte(content), 0o600))
		},
		"nothing": func() {
			os.Remove(link)
			must(t, os.Symlink("/proc/self/fd/77777", link))
		},
		"a device": func() {
			os.Remove(link)
			must(t, os.Symlink("/dev/tty", link))
		},
	} {
		put()
		var st unix.Stat_t
		planted := unix.Stat(link, &st) == nil
		third, err := Open(b.dir, b.key)
		must(t, err)
		if d, i := inode(t, third.Code); planted && d == st.Dev && i == st.Ino {
			t.Errorf("%s: it was taken", name)
		}
		third.Close()
	}
	// A changed bundle is refused also if the code could be had.
	fourth, err := Open(b.dir, b.key)
	must(t, err)
	defer fourth.Close()
	b.write(t, NativeFile(Arch), []byte("native kode"))
	if _, err := Open(b.dir, b.key); err == nil {
		t.Error("a bundle with changed native code was opened")
	}
}
