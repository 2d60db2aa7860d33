package wasi

import (
	"strings"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// firstPreopen is the number of the first preopened directory.
const firstPreopen = 3

// maxPreopens bounds how many there are, maxRoot how many names of the root are looked at.
const (
	maxPreopens = 64
	maxRoot     = 1024
)

// Prepare readies a process for a program of this ABI. preopens are absolute names, or "."
// for the working directory; nil stands for the usual ones. What cannot be opened is left
// out.
func Prepare(t *proc.Thread, preopens []string) {
	s := newState(16)
	if pwd, e := t.FS().Getcwd(); e == 0 && pwd[0] == '/' {
		s.pwd = "PWD=" + pwd
	}
	// Names of the manifest lead through no links: who can write around a preopened
	// directory must not have it point elsewhere.
	resolve := uint64(linux.RESOLVE_NO_SYMLINKS)
	if preopens == nil {
		preopens, resolve = usual(t), 0
	}
	var dirs []grant
	for _, name := range preopens[:min(len(preopens), maxPreopens)] {
		if d := openDir(t, name, resolve); d != nil {
			dirs = append(dirs, grant{d: d, base: rightsAll, inheriting: rightsAll, preopen: name})
			s.whole = s.whole || d.Path() == t.FS().Root()
		}
	}
	t.Process().SetForeign(s)
	makeRoom(t, len(dirs))
	for i := range dirs {
		n := int32(firstPreopen + i)
		if t.Files().Replace(dirs[i].d, n, true, t.Limit(linux.RLIMIT_NOFILE)) == 0 {
			s.set(n, &dirs[i])
		}
	}
}

// openDir opens a directory: to be read if that is allowed.
func openDir(t *proc.Thread, name string, resolve uint64) *fd.Description {
	for _, flags := range []uint32{linux.O_RDONLY, linux.O_PATH} {
		flags |= linux.O_DIRECTORY | linux.O_CLOEXEC
		file, p, e := t.FS().Open(vfs.Path{}, name, vfs.OpenHow{Flags: flags, Resolve: resolve})
		if e == 0 {
			return fd.New(file, p, flags)
		}
		if e != linux.EACCES {
			break
		}
	}
	return nil
}

// makeRoom moves what has the numbers of n preopened directories to higher ones.
func makeRoom(t *proc.Thread, n int) {
	files := t.Files()
	for i := range n {
		from := int32(firstPreopen + i)
		d, e := files.GetAny(from)
		if e != 0 {
			continue
		}
		cloexec, _ := files.Cloexec(from)
		files.Install(d, firstPreopen+n, cloexec, t.Limit(linux.RLIMIT_NOFILE))
	}
}

// usual lists the preopened directories where the manifest names none (package comment).
func usual(t *proc.Thread) []string {
	names := []string{"/", "."}
	c := t.FS()
	if c.Cwd() == c.Root() {
		return names
	}
	root := openDir(t, "/", 0)
	if root == nil {
		return names
	}
	defer root.Unref()
	dir, ok := root.File().(vfs.DirReader)
	if !ok {
		return names
	}
	cwd, seen := c.Cwd(), 0
	dir.ReadDir(c, 0, func(ent *linux.Dirent) bool {
		name := ent.Name
		if seen++; seen > maxRoot {
			return false
		}
		if name == "." || name == ".." || ent.Type != linux.DT_DIR && ent.Type != linux.DT_LNK && ent.Type != linux.DT_UNKNOWN {
			return true
		}
		if _, e := c.Lookup(cwd, name, linux.AT_SYMLINK_NOFOLLOW); e == linux.ENOENT {
			names = append(names, "//"+name)
		}
		return len(names) < maxPreopens
	})
	return names
}

// environ is the environment with PWD as it is.
func environ(t *proc.Thread) []string {
	env := t.Process().Image().Env
	s, ok := t.Process().Foreign().(*state)
	if !ok || s.pwd == "" {
		return env
	}
	list := make([]string, 0, len(env)+1)
	for _, v := range env {
		if !strings.HasPrefix(v, "PWD=") {
			list = append(list, v)
		}
	}
	return append(list, s.pwd)
}
