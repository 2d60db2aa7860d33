package vfs_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/vfstest"
)

// rules makes rules on paths: those that end in + are for writing.
func rules(t testing.TB, paths ...string) *policy.Paths {
	t.Helper()
	e := manifest.Entry{ID: "e"}
	e.Rules = append(e.Rules, manifest.Rule{Paths: []string{}})
	for _, p := range paths {
		name, write := strings.CutSuffix(p, "+")
		e.Rules = append(e.Rules, manifest.Rule{Paths: []string{name}, Write: write})
	}
	s, err := policy.New(&manifest.Manifest{Entries: []manifest.Entry{e}})
	if err != nil {
		t.Fatal(err)
	}
	return s.Entry("e").Paths()
}

// ruledTree is /data (for writing), /pub (for reading) and /secret (neither), with links
// between them, and a mount in /data.
func ruledTree(t testing.TB) *vfstest.Tree {
	w := newTree(t)
	for _, dir := range []string{"data", "pub", "secret", "data/sub", "secret/d", "srv", "srv/app", "srv/other"} {
		w.Dir(dir)
	}
	for _, file := range []string{"data/f", "data/sub/g", "pub/f", "secret/f", "srv/app/f", "srv/other/f"} {
		w.Put(file, "text of "+file)
	}
	for target, name := range map[string]string{
		"/secret/f": "data/out", "../secret": "data/outdir", "/secret/none": "data/dangling", "/data/f": "secret/in", "/data/sub": "secret/insub",
	} {
		w.Want(0, w.Symlink(target, here, name), "symlink %s", name)
	}
	w.SetPaths(rules(t, "/data+", "/pub", "/srv/app"))
	return w
}

func openErr(w *vfstest.Tree, name string, flags uint32) linux.Errno {
	f, _, e := w.Open(here, name, vfs.OpenHow{Flags: flags, Mode: 0o644})
	if e == 0 {
		f.Close()
	}
	return e
}

// TestRuledOpen: what counts is where a walk ends, whatever the name says.
func TestRuledOpen(t *testing.T) {
	w := ruledTree(t)
	const create = linux.O_CREAT | linux.O_WRONLY
	for _, tt := range []struct {
		name  string
		flags uint32
		want  linux.Errno
	}{
		{"/data/f", linux.O_RDWR, 0},
		{"data/sub/../f", linux.O_RDONLY, 0},
		{"/secret/in", linux.O_RDONLY, 0}, // leads back
		{"/secret/../data/f", linux.O_RDONLY, 0},
		{"/secret/insub/g", linux.O_RDWR, 0},
		{"/pub/f", linux.O_RDONLY, 0},
		{"/pub/f", linux.O_RDWR, linux.EACCES},
		{"/pub/f", linux.O_RDONLY | linux.O_TRUNC, linux.EACCES},
		{"/secret/f", linux.O_RDONLY, linux.EACCES},
		{"/secret/f", linux.O_PATH, linux.EACCES},
		{"/data/../secret/f", linux.O_RDONLY, linux.EACCES},
		{"/data/out", linux.O_RDONLY, linux.EACCES},
		{"/data/out", linux.O_WRONLY, linux.EACCES},
		{"/data/out", create, linux.EACCES},
		{"/data/out", create | linux.O_EXCL, linux.EEXIST},
		{"/data/outdir/f", linux.O_RDONLY, linux.EACCES},
		{"/data/outdir/new", create, linux.EACCES},
		{"/data/dangling", create, linux.EACCES},
		{"/data/dangling", linux.O_RDONLY, linux.EACCES},
		{"/data/new", create | linux.O_EXCL, 0},
		{"/pub/new", create, linux.EACCES},
		{"/new", create, linux.EACCES},
		{"/secret/new", create | linux.O_EXCL, linux.EACCES},
		{"/secret/f", create | linux.O_EXCL, linux.EACCES},
		{"/secret/none", linux.O_RDONLY, linux.EACCES}, // nobody learns that it is not there
		{"/pub/none", linux.O_RDONLY, linux.ENOENT},
		{"/secret", linux.O_RDONLY | linux.O_DIRECTORY, linux.EACCES},
		{"/", linux.O_RDONLY | linux.O_DIRECTORY, linux.EACCES}, // its names are not to be read
		{"/", linux.O_PATH, 0},
		{"/srv", linux.O_RDONLY, linux.EACCES},
		{"/srv", linux.O_PATH, 0},
		{"/srv/other", linux.O_PATH, linux.EACCES},
		{"/srv/app/f", linux.O_RDONLY, 0},
		{"/data", linux.O_TMPFILE | linux.O_RDWR, 0},
		{"/pub", linux.O_TMPFILE | linux.O_RDWR, linux.EACCES},
		{"/datafile", create, linux.EACCES}, // no prefix of letters
	} {
		w.Want(tt.want, openErr(w, tt.name, tt.flags), "open %s, %#o", tt.name, tt.flags)
	}
}

// TestRuledCalls: each call that takes a path, with the access that it needs.
func TestRuledCalls(t *testing.T) {
	w := ruledTree(t)
	calls := []struct {
		name   string
		access policy.Access
		call   func(name string) linux.Errno
	}{
		{"stat", policy.Look, func(n string) linux.Errno { _, e := w.Stat(here, n, 0); return e }},
		{"statx", policy.Look, func(n string) linux.Errno { _, e := w.Statx(here, n, 0); return e }},
		{"statfs", policy.Look, func(n string) linux.Errno { _, e := w.Statfs(here, n, 0); return e }},
		{"access", policy.Look, func(n string) linux.Errno { return w.Access(here, n, linux.F_OK, 0) }},
		{"access r", policy.Read, func(n string) linux.Errno { return w.Access(here, n, linux.R_OK, 0) }},
		{"access w", policy.Write, func(n string) linux.Errno { return w.Access(here, n, linux.W_OK, 0) }},
		{"lookup", policy.Look, func(n string) linux.Errno { _, e := w.Lookup(here, n, 0); return e }},
		{"chmod", policy.Write, func(n string) linux.Errno { return w.Chmod(here, n, 0o644, 0) }},
		{"chown", policy.Write, func(n string) linux.Errno { return w.Chown(here, n, 0, 0, 0) }},
		{"utimens", policy.Write, func(n string) linux.Errno { return w.Utimens(here, n, nil, 0) }},
		{"truncate", policy.Write, func(n string) linux.Errno { return w.Truncate(here, n, 4) }},
		{"link from", policy.Write, func(n string) linux.Errno { w.Unlink(here, "data/l", 0); return w.Link(here, n, here, "data/l", 0) }},
		{"rename from", policy.Write, func(n string) linux.Errno {
			e := w.Rename(here, n, here, "data/moved", 0)
			if e == 0 {
				w.Want(0, w.Rename(here, "data/moved", here, n, 0), "rename back")
			}
			return e
		}},
		{"rename over", policy.Write, func(n string) linux.Errno { w.Put("data/over", "x"); return w.Rename(here, "data/over", here, n, 0) }},
		{"exchange", policy.Write, func(n string) linux.Errno {
			w.Put("data/over", "x")
			return w.Rename(here, "data/over", here, n, linux.RENAME_EXCHANGE)
		}},
	}
	for _, c := range calls {
		for name, most := range map[string]policy.Access{"data/f": policy.Write, "pub/f": policy.Read} {
			want := linux.EACCES
			if c.access <= most {
				want = 0
			}
			w.Want(want, c.call(name), "%s %s", c.name, name)
		}
		w.Want(linux.EACCES, c.call("secret/f"), "%s of what no rule names", c.name)
		w.Want(linux.EACCES, c.call("secret/none"), "%s of what is not there", c.name)
	}
	for _, dir := range []string{"data", "pub", "secret", "srv", "."} {
		want := linux.EACCES
		if dir == "data" {
			want = 0
		}
		for what, make := range map[string]func(n string) linux.Errno{
			"mkdir":   func(n string) linux.Errno { return w.Mkdir(here, n, 0o755) },
			"mknod":   func(n string) linux.Errno { return w.Mknod(here, n, linux.S_IFIFO|0o644, 0) },
			"symlink": func(n string) linux.Errno { return w.Symlink("/", here, n) },
			"socket":  func(n string) linux.Errno { _, e := w.MakeSocket(here, n, 0o755, nil); return e },
			"link to": func(n string) linux.Errno { return w.Link(here, "data/f", here, n, 0) },
		} {
			name := dir + "/made"
			w.Want(want, make(name), "%s %s", what, name)
			if want == 0 {
				flags := uint32(0)
				if what == "mkdir" {
					flags = linux.AT_REMOVEDIR
				}
				w.Want(0, w.Unlink(here, name, flags), "removing what %s made", what)
			}
		}
	}
	w.Want(linux.EACCES, w.Unlink(here, "secret/f", 0), "unlink")
	w.Want(linux.EACCES, w.Unlink(here, "pub/f", 0), "unlink")
	w.Want(linux.EACCES, w.Unlink(here, "secret/d", linux.AT_REMOVEDIR), "rmdir")
	w.Want(linux.EEXIST, w.Mkdir(here, "data", 0o755), "mkdir -p comes by")
	w.Want(linux.EEXIST, w.Mkdir(here, "/srv", 0o755), "mkdir -p comes by")
	w.Want(linux.EACCES, w.Mkdir(here, "/secret", 0o755), "mkdir of what may not be looked at")
	w.Want(0, w.Chdir(here, "/srv", 0), "chdir on the way")
	w.Want(linux.EACCES, w.Chdir(here, "/secret", 0), "chdir")
	w.Want(linux.EACCES, w.Chdir(here, "/srv/other", 0), "chdir")
	_, e := w.Readlink(here, "/secret/in")
	w.Want(linux.EACCES, e, "readlink")
	_, e = w.Readlink(here, "/data/out")
	w.Want(0, e, "readlink of a link that may be read")
}

// TestRuledHides: no call tells by its errno whether there is something that no rule lets it look
// at, or what it is.
func TestRuledHides(t *testing.T) {
	w := ruledTree(t)
	sub := newFS(t)
	w.SetPaths(nil)
	if _, e := w.Namespace().Mount(path(w, "secret/d"), sub, "sub", vfs.ReadOnly); e != 0 {
		t.Fatal(e)
	}
	w.SetPaths(rules(t, "/data+", "/pub"))
	calls := map[string]func(name string) linux.Errno{
		"stat":        func(n string) linux.Errno { _, e := w.Stat(here, n, 0); return e },
		"readlink":    func(n string) linux.Errno { _, e := w.Readlink(here, n); return e },
		"open":        func(n string) linux.Errno { return openErr(w, n, linux.O_RDONLY) },
		"create":      func(n string) linux.Errno { return openErr(w, n, linux.O_CREAT|linux.O_WRONLY) },
		"exclusive":   func(n string) linux.Errno { return openErr(w, n, linux.O_CREAT|linux.O_EXCL|linux.O_WRONLY) },
		"directory":   func(n string) linux.Errno { return openErr(w, n, linux.O_DIRECTORY) },
		"temporary":   func(n string) linux.Errno { return openErr(w, n, linux.O_TMPFILE|linux.O_RDWR) },
		"mkdir":       func(n string) linux.Errno { return w.Mkdir(here, n, 0o755) },
		"unlink":      func(n string) linux.Errno { return w.Unlink(here, n, 0) },
		"rmdir":       func(n string) linux.Errno { return w.Unlink(here, n, linux.AT_REMOVEDIR) },
		"rename":      func(n string) linux.Errno { return w.Rename(here, n, here, "data/x", 0) },
		"rename to":   func(n string) linux.Errno { return w.Rename(here, "data/f", here, n, 0) },
		"no replace":  func(n string) linux.Errno { return w.Rename(here, "data/f", here, n, linux.RENAME_NOREPLACE) },
		"link":        func(n string) linux.Errno { return w.Link(here, n, here, "data/x", 0) },
		"link to":     func(n string) linux.Errno { return w.Link(here, "data/f", here, n, 0) },
		"chdir":       func(n string) linux.Errno { return w.Chdir(here, n, 0) },
		"truncate":    func(n string) linux.Errno { return w.Truncate(here, n, 0) },
		"chmod":       func(n string) linux.Errno { return w.Chmod(here, n, 0, 0) },
		"open beyond": func(n string) linux.Errno { return openErr(w, n+"/x", linux.O_RDONLY) },
		"exec": func(n string) linux.Errno {
			f, _, e := w.OpenExec(here, n, 0)
			if e == 0 {
				f.Close()
			}
			return e
		},
	}
	for what, call := range calls {
		for _, name := range []string{"f", "none", "d", "f/", "f/.", "f/x", "d/", "d/.", "d/..", "d/none", "none/", "none/x", "f/..", "none/.."} {
			w.Want(linux.EACCES, call("/secret/"+name), "%s of /secret/%s", what, name)
		}
	}
}

// TestRuledMount: a file system that is mounted where a rule allows belongs to that place, and
// one that is mounted elsewhere does not come in by a rule for its own root.
func TestRuledMount(t *testing.T) {
	w := ruledTree(t)
	for at, want := range map[string]linux.Errno{"/data/sub": 0, "/secret/d": linux.EACCES} {
		sub := newFS(t)
		vfstest.NewTree(t, sub).Put("f", "in")
		w.SetPaths(nil)
		p := path(w, at)
		w.SetPaths(rules(t, "/data+", "/f"))
		if _, e := w.Namespace().Mount(p, sub, "sub", 0); e != 0 {
			t.Fatal(e)
		}
		w.Want(want, openErr(w, at+"/f", linux.O_RDWR), "%s/f", at)
		w.Want(want, openErr(w, at+"/../"+at[strings.LastIndex(at, "/"):]+"/f", linux.O_RDWR), "%s/.. and back", at)
	}
	w.Want(0, w.Chroot("/data/sub"), "chroot")
	w.Want(linux.ENOENT, openErr(w, "/data/f", linux.O_RDONLY), "a rule is about the tree, not the process's root")
	w.Want(0, openErr(w, "/f", linux.O_RDONLY), "in the new root")
}

// TestRuledDescriptors: what is open was given; what goes through it to the file's name or
// attributes is asked for.
func TestRuledDescriptors(t *testing.T) {
	w := ruledTree(t)
	w.SetPaths(nil)
	secret, pub, dir := path(w, "/secret/f"), path(w, "/pub/f"), path(w, "/secret")
	w.SetPaths(rules(t, "/data+", "/pub"))
	_, e := w.Stat(secret, "", linux.AT_EMPTY_PATH)
	w.Want(0, e, "fstat")
	w.Want(0, w.Chdir(dir, "", linux.AT_EMPTY_PATH), "fchdir")
	w.Want(linux.EACCES, openErr(w, "f", linux.O_RDONLY), "open below a directory that was given")
	w.Want(0, openErr(w, "../data/f", linux.O_RDONLY), "open from there")
	for _, p := range []vfs.Path{secret, pub} {
		w.Want(linux.EACCES, w.Chmod(p, "", 0o600, linux.AT_EMPTY_PATH), "fchmod")
		w.Want(linux.EACCES, w.Link(p, "", here, "/data/l", linux.AT_EMPTY_PATH), "link of a descriptor")
	}
	anonymous := vfs.Anonymous("pipe:[1]", pub.Node())
	w.Want(0, w.Chmod(anonymous, "", 0o600, linux.AT_EMPTY_PATH), "fchmod of what has no name")
	w.SetPaths(nil)
	p := path(w, "/pub")
	if _, e := w.Namespace().Mount(p, newMagic(anonymous), "proc", 0); e != 0 {
		t.Fatal(e)
	}
	w.SetPaths(rules(t, "/"))
	w.Want(linux.EACCES, openErr(w, "/pub/l", linux.O_RDONLY), "a pipe through /proc/self/fd")
}

// TestRuledFork: a child is held as its parent is, and what is confined, too.
func TestRuledFork(t *testing.T) {
	w := ruledTree(t)
	for name, c := range map[string]*vfs.Context{"fork": w.Fork(nil), "share": w.Share(nil), "confined": w.Confined()} {
		_, e := c.Stat(here, "secret/f", 0)
		w.Want(linux.EACCES, e, "%s", name)
	}
}

// TestRuledAllocates: a rule costs no memory of the kernel's.
func TestRuledAllocates(t *testing.T) {
	w := ruledTree(t)
	dir := path(w, "/data/sub")
	with := testing.AllocsPerRun(100, func() { w.Access(dir, "g", linux.R_OK, 0) })
	w.SetPaths(nil)
	if without := testing.AllocsPerRun(100, func() { w.Access(dir, "g", linux.R_OK, 0) }); with != without {
		t.Errorf("access: %v allocations with rules, %v without", with, without)
	}
}

// TestRuledRace: a link that changes its target all the time never gives the file that no rule
// names, nor does a directory that is exchanged for another.
func TestRuledRace(t *testing.T) {
	w := ruledTree(t)
	free := w.Fork(nil)
	free.SetPaths(nil)
	for _, e := range []linux.Errno{free.Symlink("/data/f", here, "/data/a"), free.Symlink("/secret/f", here, "/data/b"), free.Mkdir(here, "/data/x", 0o755), free.Symlink("/secret", here, "/data/y")} {
		w.Want(0, e, "set up")
	}
	w.Put("data/x/f", "fine")
	var stop atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		for !stop.Load() {
			free.Rename(here, "/data/a", here, "/data/b", linux.RENAME_EXCHANGE)
			free.Rename(here, "/data/x", here, "/data/y", linux.RENAME_EXCHANGE)
		}
	})
	opened, refused := 0, 0
	for i := range 20000 {
		name := [...]string{"/data/a", "/data/x/f"}[i%2]
		f, p, e := w.Open(here, name, vfs.OpenHow{Flags: linux.O_RDONLY})
		if e != 0 {
			refused++
			continue
		}
		if got := w.PathString(p); strings.HasPrefix(got, "/secret") {
			t.Fatalf("%s opened %s", name, got)
		}
		opened++
		f.Close()
	}
	stop.Store(true)
	group.Wait()
	if opened == 0 || refused == 0 {
		t.Errorf("no race: %d opened, %d refused", opened, refused)
	}
}

// TestRuledDeep: a path longer than can be named is refused, not taken for a short one.
func TestRuledDeep(t *testing.T) {
	w := newTree(t)
	w.Dir("secret")
	at := path(w, "/secret")
	name := strings.Repeat("d", 200)
	for i := range 30 {
		w.Want(0, w.Mkdir(at, name, 0o755), "mkdir")
		p, e := w.Lookup(at, name, 0)
		w.Want(0, e, "level %d", i)
		at = p
	}
	w.SetPaths(rules(t, "/"+name))
	_, e := w.Stat(at, ".", 0)
	w.Want(linux.EACCES, e, "stat")
}
