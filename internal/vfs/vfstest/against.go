package vfstest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Config says how Against works.
type Config struct {
	Seed  uint64
	Steps int
	// New makes the file system under test, empty, or with the tree that Lower describes.
	New func(t *testing.T) vfs.FS
	// Lower is made on the host, as what New has below its layer.
	Lower []Lower
	// Plain leaves out what a file system need not have: users, setuid bits, sockets,
	// temporary files, and calls on what has been removed.
	Plain bool
	// Mapped has some files mapped as long as they are open.
	Mapped bool
}

// Lower is a node of a tree to begin with: a directory if Name ends in a slash, a
// symbolic link, another name of a file, or a file.
type Lower struct {
	Name    string
	Mode    uint32
	Symlink string
	Hard    string
	Content string
}

// Against compares a file system with Linux.
func Against(t *testing.T, cfg Config) {
	h := newHost(t)
	defer h.end()
	g := newGuest(cfg.New(t))
	defer g.end()
	g.users, g.maps, g.t = h.users, cfg.Mapped, t
	for _, l := range cfg.Lower {
		l.make(t, h)
	}
	o := &ops{rnd: rand.New(rand.NewPCG(cfg.Seed, 1)), unwritten: cfg.Seed%2 == 1, plain: cfg.Plain}
	var log []string
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("seed %d, step %d:\n%s\n%s", cfg.Seed, len(log),
			strings.Join(log[max(0, len(log)-40):], "\n"), fmt.Sprintf(format, args...))
	}
	for step := range cfg.Steps {
		name, run := o.next()
		want := run(h)
		log = append(log, fmt.Sprintf("%s = %s %s", name, errno(want.errno), want.text))
		if want.errno != 0 {
			want.text = ""
		}
		got := run(g)
		if got.errno != 0 {
			got.text = ""
		}
		if got != want {
			fail("vfs gives %s %s", errno(got.errno), got.text)
		}
		if step%50 == 49 || step == cfg.Steps-1 {
			if diff := compareTrees(h, g); diff != "" {
				fail("trees differ: %s", diff)
			}
		}
	}
}

func errno(e linux.Errno) string {
	if e == 0 {
		return "ok"
	}
	return e.Name()
}

// make makes the node on the host.
func (l Lower) make(t *testing.T, h *host) {
	t.Helper()
	var r result
	switch {
	case strings.HasSuffix(l.Name, "/"):
		if r = h.mkdir(-1, l.Name, 0o755); r.errno == 0 {
			r = h.chmod(-1, l.Name, l.Mode)
		}
	case l.Symlink != "":
		r = h.symlink(l.Symlink, -1, l.Name)
	case l.Hard != "":
		r = h.link(-1, l.Hard, -1, l.Name, 0)
	default:
		r = h.open(0, -1, l.Name, linux.O_CREAT|linux.O_EXCL|linux.O_WRONLY, 0o600)
		if r.errno == 0 {
			h.write(0, 0, []byte(l.Content))
			h.close(0)
			r = h.chmod(-1, l.Name, l.Mode)
		}
	}
	if r.errno != 0 {
		t.Fatalf("making %s on the host: %v", l.Name, r.errno)
	}
}

// compareTrees compares everything below the root, and gives the first difference.
func compareTrees(a, b world) string {
	for _, w := range []world{a, b} {
		w.user(0)
	}
	return compareAt(a, b, "/", 0)
}

func compareAt(a, b world, dir string, depth int) string {
	const slot = slots - 1
	const flags = linux.O_RDONLY | linux.O_NOATIME
	open := func(name string) string {
		ra, rb := a.open(slot, -1, name, flags, 0), b.open(slot, -1, name, flags, 0)
		return differ(name, ra, rb)
	}
	if d := open(dir); d != "" {
		return d
	}
	list, other := a.list(slot), b.list(slot)
	if d := differ(dir, list, other); d != "" {
		return d
	}
	for _, f := range strings.Fields(list.text) {
		i := strings.LastIndexByte(f, ':')
		base, typ := f[:i], f[i+1:]
		if base == "." || base == ".." {
			continue
		}
		name := dir + base
		sa := a.stat(-1, name, linux.AT_SYMLINK_NOFOLLOW)
		if d := differ(name, sa, b.stat(-1, name, linux.AT_SYMLINK_NOFOLLOW)); d != "" {
			return d
		}
		var d string
		switch typ {
		case "10":
			d = differ(name, a.readlink(-1, name), b.readlink(-1, name))
		case "8":
			if d = open(name); d == "" {
				d = differ(name, a.read(slot, 0, 1<<20), b.read(slot, 0, 1<<20))
			}
		case "4":
			if len(name) < 3000 {
				d = compareAt(a, b, name+"/", depth+1)
			}
		}
		if d != "" {
			return d
		}
	}
	return ""
}

func differ(name string, a, b result) string {
	if a == b {
		return ""
	}
	return fmt.Sprintf("%s: Linux %s %s, vfs %s %s", name, errno(a.errno), a.text, errno(b.errno), b.text)
}
