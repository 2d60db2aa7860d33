package devfs

import (
	"bytes"
	"slices"
	"testing"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wait"
)

type noJobs struct{}

func (noJobs) SignalGroup(int32, linux.Signal) {}
func (noJobs) Hangup(*tty.TTY, int32, int32)   {}

// newDev makes a tree whose root is /dev, with /dev/pts on it.
func newDev(t *testing.T) (*vfs.Context, *PTS) {
	t.Helper()
	dev, e := New(5, true)
	if e != 0 {
		t.Fatal(e)
	}
	ns := vfs.NewNamespace(dev, "dev", 0)
	c := vfs.NewContext(ns, vfs.Root(), nil)
	pts := NewPTS(6, noJobs{})
	Register(ns, tty.New(noJobs{}, linux.Makedev(5, 1), "/dev/console"), pts)
	at, e := c.Lookup(vfs.Path{}, "/pts", 0)
	if e == 0 {
		_, e = ns.Mount(at, pts, "devpts", 0)
	}
	if e != 0 {
		t.Fatal(e)
	}
	return c, pts
}

func open(t *testing.T, c *vfs.Context, name string) *fd.Description {
	t.Helper()
	f, at, e := c.Open(vfs.Path{}, name, vfs.OpenHow{Flags: linux.O_RDWR})
	if e != 0 {
		t.Fatalf("open %s: %v", name, e)
	}
	d := fd.New(f, at, linux.O_RDWR)
	t.Cleanup(d.Unref)
	return d
}

func TestMemoryDevices(t *testing.T) {
	c, _ := newDev(t)
	for _, tt := range []struct {
		name         string
		major, minor uint32
		read         int // of 600 bytes
		write        linux.Errno
	}{
		{"null", 1, 3, 0, 0},
		{"zero", 1, 5, 600, 0},
		{"full", 1, 7, 600, linux.ENOSPC},
		{"random", 1, 8, 600, 0},
		{"urandom", 1, 9, 600, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, c, "/"+tt.name)
			st, e := d.File().Stat()
			if e != 0 || st.Mode != linux.S_IFCHR|0o666 || st.Rdev != linux.Makedev(tt.major, tt.minor) {
				t.Errorf("stat: mode %o, device %x, %v", st.Mode, st.Rdev, e)
			}
			p := bytes.Repeat([]byte{'?'}, 600)
			if n, e := d.Read(p); n != tt.read || e != 0 {
				t.Errorf("read %d, %v", n, e)
			}
			if _, e := d.Write([]byte("x")); e != tt.write {
				t.Errorf("write: %v", e)
			}
			if n, e := d.Lseek(12, linux.SEEK_SET); n != 0 || e != 0 {
				t.Errorf("lseek: %d, %v", n, e)
			}
			if ev := d.File().Poll(); ev != wait.In|wait.Out {
				t.Errorf("poll: %x", ev)
			}
			switch tt.name {
			case "zero", "full":
				if !bytes.Equal(p, make([]byte, 600)) {
					t.Error("not zero")
				}
			case "random", "urandom":
				if bytes.Count(p[500:], []byte{'?'}) > 50 || bytes.Equal(p[:100], p[500:]) {
					t.Error("not random")
				}
			}
		})
	}
}

func TestTerminals(t *testing.T) {
	c, _ := newDev(t)
	if _, _, e := c.Open(vfs.Path{}, "/tty", vfs.OpenHow{}); e != linux.ENXIO {
		t.Errorf("/dev/tty without a controlling terminal: %v", e)
	}
	d := open(t, c, "/console")
	if _, e := d.Write([]byte("x")); e != 0 {
		t.Errorf("write to the console: %v", e)
	}
	if st, _ := d.File().Stat(); st.Rdev != linux.Makedev(5, 1) {
		t.Errorf("device %x", st.Rdev)
	}
}

func names(t *testing.T, c *vfs.Context, dir string) []string {
	t.Helper()
	f, at, e := c.Open(vfs.Path{}, dir, vfs.OpenHow{})
	if e != 0 {
		t.Fatal(e)
	}
	d := fd.New(f, at, 0)
	defer d.Unref()
	var got []string
	for more := true; more; { // one entry per call, to try the cookies
		more = false
		e := d.ReadDir(c, func(ent *linux.Dirent) bool {
			if more {
				return false
			}
			got, more = append(got, ent.Name), true
			return true
		})
		if e != 0 {
			t.Fatal(e)
		}
	}
	return got
}

func TestPseudoTerminals(t *testing.T) {
	c, pts := newDev(t)
	f, _, e := c.Open(vfs.Path{}, "/ptmx", vfs.OpenHow{Flags: linux.O_RDWR})
	if e != 0 {
		t.Fatal(e)
	}
	m := f.(*tty.Master)
	second, _, _ := c.Open(vfs.Path{}, "/pts/ptmx", vfs.OpenHow{Flags: linux.O_RDWR})
	if got := names(t, c, "/pts"); !slices.Equal(got, []string{".", "..", "ptmx", "0", "1"}) {
		t.Errorf("/dev/pts holds %q", got)
	}
	if _, _, e := c.Open(vfs.Path{}, "/pts/0", vfs.OpenHow{Flags: linux.O_RDWR}); e != linux.EIO {
		t.Errorf("a locked slave: %v", e)
	}
	st, e := c.Stat(vfs.Path{}, "/pts/1", 0)
	if e != 0 || st.Mode != linux.S_IFCHR|0o620 || st.Rdev != linux.Makedev(136, 1) {
		t.Errorf("slave: mode %o, device %x, %v", st.Mode, st.Rdev, e)
	}
	second.Close()
	m.Close()
	if _, e := c.Stat(vfs.Path{}, "/pts/0", 0); e != linux.ENOENT || len(pts.slaves) != 0 {
		t.Errorf("a slave outlived its master: %v", e)
	}
	for _, name := range []string{"01", "-1", "x", "999999999999"} {
		if _, e := c.Stat(vfs.Path{}, "/pts/"+name, 0); e != linux.ENOENT {
			t.Errorf("/dev/pts/%s: %v", name, e)
		}
	}
}

func TestPTYLimit(t *testing.T) {
	c, pts := newDev(t)
	var open []vfs.File
	for {
		f, _, e := c.Open(vfs.Path{}, "/ptmx", vfs.OpenHow{Flags: linux.O_RDWR})
		if e != 0 {
			if e != linux.ENOSPC || len(open) != maxPTYs {
				t.Errorf("after %d: %v", len(open), e)
			}
			break
		}
		open = append(open, f)
	}
	for _, f := range open {
		f.Close()
	}
	if len(pts.slaves) != 0 {
		t.Errorf("%d left", len(pts.slaves))
	}
}

// A read of random bytes ends in a bounded time.
func TestRandomIsBounded(t *testing.T) {
	p := make([]byte, maxRandom+1)
	if n, e := (random{}).Read(p, 0); n != maxRandom || e != 0 {
		t.Errorf("read of %d bytes: %d %v, want %d", len(p), n, e, maxRandom)
	}
}
