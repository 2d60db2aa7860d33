package memfs

import (
	"fmt"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

func BenchmarkRead4K(b *testing.B)  { benchRW(b, vfs.File.Read) }
func BenchmarkWrite4K(b *testing.B) { benchRW(b, vfs.File.Write) }

func benchRW(b *testing.B, op func(vfs.File, []byte, int64) (int, linux.Errno)) {
	w := vfstest.NewTree(b, newFS(b, Options{}))
	f := w.File("f", linux.O_CREAT|linux.O_RDWR)
	p := make([]byte, 4096)
	for i := range int64(64) {
		f.Write(p, i*4096)
	}
	b.ReportAllocs()
	b.SetBytes(4096)
	for i := 0; b.Loop(); i++ {
		op(f, p, int64(i%64)*4096)
	}
}

func BenchmarkOpenClose(b *testing.B) {
	w := deep(b)
	b.ReportAllocs()
	for b.Loop() {
		f, _, _ := w.Open(here, "/usr/share/doc/f", vfs.OpenHow{})
		f.Close()
	}
}

func BenchmarkStat(b *testing.B) {
	w := deep(b)
	b.ReportAllocs()
	for b.Loop() {
		w.Stat(here, "/usr/share/doc/f", 0)
	}
}

func BenchmarkStatMissing(b *testing.B) {
	w := deep(b)
	b.ReportAllocs()
	for b.Loop() {
		w.Stat(here, "/usr/share/doc/none", 0)
	}
}

func BenchmarkCreateUnlink(b *testing.B) {
	w := deep(b)
	b.ReportAllocs()
	for b.Loop() {
		f, _, _ := w.Open(here, "/usr/x", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY, Mode: 0o600})
		f.Close()
		w.Unlink(here, "/usr/x", 0)
	}
}

// BenchmarkListLinks is ls -l of 400 links.
func BenchmarkListLinks(b *testing.B) {
	w := deep(b)
	w.Dir("/bin")
	for i := range 400 {
		w.Symlink("busybox", here, fmt.Sprint("/bin/applet", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		f := w.File("/bin", linux.O_RDONLY|linux.O_DIRECTORY)
		f.(vfs.DirReader).ReadDir(w.Context, 0, func(d *linux.Dirent) bool {
			w.Stat(here, "/bin/"+d.Name, linux.AT_SYMLINK_NOFOLLOW)
			return true
		})
		f.Close()
	}
}

func deep(b *testing.B) *vfstest.Tree {
	w := vfstest.NewTree(b, newFS(b, Options{}))
	for _, d := range []string{"/usr", "/usr/share", "/usr/share/doc"} {
		w.Dir(d)
	}
	w.Put("/usr/share/doc/f", "x")
	return w
}
