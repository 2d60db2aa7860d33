package hostfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

var here vfs.Path

// jail makes a directory "in" with a secret beside it.
func jail(t *testing.T) (in, secret string) {
	t.Helper()
	top := t.TempDir()
	in, secret = filepath.Join(top, "in"), filepath.Join(top, "secret")
	must(t, os.Mkdir(in, 0o755))
	must(t, os.WriteFile(secret, []byte("secret"), 0o644))
	return in, secret
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLinksStayInside: links of every form are followed in the guest's tree.
func TestLinksStayInside(t *testing.T) {
	in, secret := jail(t)
	must(t, os.WriteFile(filepath.Join(in, "f"), []byte("inside"), 0o644))
	for name, to := range map[string]string{
		"abs": secret, "up": "../secret", "far": strings.Repeat("../", 20) + secret[1:],
		"magic": "/proc/self/root" + secret, "cwd": "/proc/self/cwd",
	} {
		must(t, os.Symlink(to, filepath.Join(in, name)))
	}
	must(t, os.Symlink("/f", filepath.Join(in, "guest")))
	w := vfstest.NewTree(t, open(t, in, Options{}))
	for _, name := range []string{"abs", "up", "far", "magic", "cwd", "../secret", "/../secret"} {
		if _, _, e := w.Open(here, name, vfs.OpenHow{}); e != linux.ENOENT {
			t.Errorf("%s: %v", name, e)
		}
	}
	if w.Content("guest") != "inside" {
		t.Error("a link that is absolute for the guest")
	}
}

// TestOtherNodes: FIFOs, sockets and devices can be seen and removed, not opened or made.
func TestOtherNodes(t *testing.T) {
	in, _ := jail(t)
	must(t, unix.Mkfifo(filepath.Join(in, "fifo"), 0o666))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Join(in, "sock")}))
	w := vfstest.NewTree(t, open(t, in, Options{}))
	names := []string{"fifo", "sock"}
	if unix.Mknod(filepath.Join(in, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))) == nil {
		names = append(names, "null")
	}
	for _, name := range names {
		_, e := w.Stat(here, name, 0)
		w.Want(0, e, "stat %s", name)
		for _, flags := range []uint32{linux.O_RDONLY, linux.O_WRONLY, linux.O_RDWR | linux.O_CREAT} {
			_, _, e = w.Open(here, name, vfs.OpenHow{Flags: flags})
			w.Want(linux.ENXIO, e, "open %s", name)
		}
		w.Want(0, w.Unlink(here, name, 0), "unlink %s", name)
	}
	w.Want(linux.EPERM, w.Mknod(here, "x", linux.S_IFIFO|0o666, 0), "mkfifo")
	w.Want(linux.EPERM, w.Mknod(here, "x", linux.S_IFSOCK|0o666, 0), "socket")
	w.Want(linux.EPERM, w.MakeDevice(here, "x", linux.S_IFCHR|0o666, linux.Makedev(1, 3)), "device")
}

// TestNoSetuid: the bits are neither made nor shown.
func TestNoSetuid(t *testing.T) {
	in, _ := jail(t)
	must(t, os.WriteFile(filepath.Join(in, "shown"), nil, 0o755))
	must(t, unix.Chmod(filepath.Join(in, "shown"), 0o6755))
	w := vfstest.NewTree(t, open(t, in, Options{}))
	w.SetUmask(0)
	f, _, e := w.Open(here, "made", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY, Mode: 0o6777})
	w.Want(0, e, "open")
	f.Close()
	w.Dir("dir")
	w.Want(0, w.Chmod(here, "dir", 0o6777, 0), "chmod")
	w.Put("changed", "")
	w.Want(0, w.Chmod(here, "changed", 0o6711, 0), "chmod")
	for name, want := range map[string]uint32{"made": 0o777, "dir": 0o777, "changed": 0o711} {
		var s unix.Stat_t
		must(t, unix.Stat(filepath.Join(in, name), &s))
		if s.Mode&0o7777 != want {
			t.Errorf("%s has mode %o on the host", name, s.Mode&0o7777)
		}
	}
	if s, _ := w.Stat(here, "shown", 0); s.Mode&0o7777 != 0o755 {
		t.Errorf("shown: %o", s.Mode)
	}
}

// TestOtherFileSystems: what is mounted in the directory is out of reach.
func TestOtherFileSystems(t *testing.T) {
	w := vfstest.NewTree(t, open(t, "/", Options{ReadOnly: true}))
	for _, name := range []string{"/proc/self/mem", "/proc/version", "/sys/kernel"} {
		if _, _, e := w.Open(here, name, vfs.OpenHow{}); e != linux.EXDEV {
			t.Errorf("%s: %v", name, e)
		}
	}
}

// TestReadOnly: nothing is written even through a mount that would allow it.
func TestReadOnly(t *testing.T) {
	in, _ := jail(t)
	must(t, os.WriteFile(filepath.Join(in, "f"), []byte("old"), 0o666))
	must(t, os.Mkdir(filepath.Join(in, "d"), 0o777))
	w := vfstest.NewTree(t, open(t, in, Options{ReadOnly: true, Owner: &Owner{UID: 0, GID: 7}}))
	_, _, e := w.Open(here, "f", vfs.OpenHow{Flags: linux.O_WRONLY})
	w.Want(linux.EROFS, e, "open")
	_, _, e = w.Open(here, "f", vfs.OpenHow{Flags: linux.O_TRUNC})
	w.Want(linux.EROFS, e, "O_TRUNC")
	_, _, e = w.Open(here, "g", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY})
	w.Want(linux.EROFS, e, "O_CREAT")
	for name, e := range map[string]linux.Errno{
		"mkdir": w.Mkdir(here, "x", 0o755), "rmdir": w.Unlink(here, "d", linux.AT_REMOVEDIR),
		"unlink": w.Unlink(here, "f", 0), "rename": w.Rename(here, "f", here, "g", 0),
		"link": w.Link(here, "f", here, "g", 0), "symlink": w.Symlink("f", here, "g"),
		"chmod": w.Chmod(here, "f", 0, 0), "chmod of a directory": w.Chmod(here, "d", 0, 0),
		"chown": w.Chown(here, "f", 1, 1, 0), "truncate": w.Truncate(here, "f", 0),
		"utimens": w.Utimens(here, "f", nil, 0),
	} {
		w.Want(linux.EROFS, e, "%s", name)
	}
	s, e := w.Stat(here, "f", 0)
	if e != 0 || s.UID != 0 || s.GID != 7 || w.Content("f") != "old" {
		t.Error(s.UID, s.GID, e)
	}
}

// TestDescriptorsAreBounded: directories are closed and opened again, and stay what they
// are; a working directory follows a rename meanwhile.
func TestDescriptorsAreBounded(t *testing.T) {
	in, _ := jail(t)
	w := vfstest.NewTree(t, open(t, in, Options{}))
	w.Dir("home")
	w.Dir("home/deep")
	w.Put("home/deep/f", "there")
	w.Want(0, w.Chdir(here, "home/deep", 0), "chdir")
	before := countFDs(t)
	for i := range 3 * maxFDs {
		w.Dir(fmt.Sprint("/d", i))
		w.Put(fmt.Sprint("/d", i, "/f"), "x")
	}
	if n := countFDs(t) - before; n > maxFDs {
		t.Errorf("%d descriptors more", n)
	}
	w.Want(0, w.Rename(here, "/home", here, "/house", 0), "rename")
	if w.Content("f") != "there" || w.Content("../deep/f") != "there" {
		t.Error("the working directory is lost")
	}
	if cwd, _ := w.Getcwd(); cwd != "/house/deep" {
		t.Error(cwd)
	}
}

func countFDs(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(list)
}

// TestSwapRace: a program of the host replaces a directory and a file by links to the
// outside, again and again, while the guest opens through them.
func TestSwapRace(t *testing.T) {
	in, secret := jail(t)
	at := func(name string) string { return filepath.Join(in, name) }
	outside := filepath.Join(filepath.Dir(secret), "outside")
	must(t, os.Mkdir(outside, 0o755))
	must(t, os.WriteFile(filepath.Join(outside, "f"), []byte("secret"), 0o644))
	must(t, os.Mkdir(at("d"), 0o755))
	must(t, os.WriteFile(at("d/f"), []byte("inside"), 0o644))
	must(t, os.Symlink(outside, at("swap")))
	must(t, os.WriteFile(at("file"), []byte("inside"), 0o644))
	must(t, os.Symlink(secret, at("fileswap")))
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				unix.Renameat2(unix.AT_FDCWD, at("d"), unix.AT_FDCWD, at("swap"), unix.RENAME_EXCHANGE)
				unix.Renameat2(unix.AT_FDCWD, at("file"), unix.AT_FDCWD, at("fileswap"), unix.RENAME_EXCHANGE)
			}
		}
	}()
	w := vfstest.NewTree(t, open(t, in, Options{}))
	good := 0
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		for _, name := range []string{"d/f", "file", "fileswap", "swap/f"} {
			f, _, e := w.Open(here, name, vfs.OpenHow{Flags: linux.O_RDWR})
			if e != 0 {
				continue
			}
			buf := make([]byte, 10)
			n, _ := f.Read(buf, 0)
			f.Close()
			if good++; string(buf[:n]) != "inside" {
				t.Fatalf("%s gave %q", name, buf[:n])
			}
		}
	}
	close(stop)
	<-stopped
	if good == 0 {
		t.Error("never opened")
	}
}

// TestHostChanges: what the host does is seen at the next look.
func TestHostChanges(t *testing.T) {
	in, _ := jail(t)
	w := vfstest.NewTree(t, open(t, in, Options{}))
	must(t, os.WriteFile(filepath.Join(in, "f"), []byte("one"), 0o644))
	if w.Content("f") != "one" {
		t.Error("one")
	}
	must(t, os.WriteFile(filepath.Join(in, "g"), []byte("two"), 0o600))
	must(t, os.Rename(filepath.Join(in, "g"), filepath.Join(in, "f")))
	if w.Content("f") != "two" {
		t.Error("two")
	}
	if s, _ := w.Stat(here, "f", 0); s.Mode&0o777 != 0o600 {
		t.Errorf("%o", s.Mode)
	}
	must(t, os.Remove(filepath.Join(in, "f")))
	_, e := w.Stat(here, "f", 0)
	w.Want(linux.ENOENT, e, "removed")
}
