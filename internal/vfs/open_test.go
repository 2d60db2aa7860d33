package vfs_test

import (
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

type device struct{ vfs.BaseFile }

func (device) Stat() (linux.Stat, linux.Errno) { return linux.Stat{Mode: linux.S_IFCHR}, 0 }

// TestSpecials: special nodes are opened by what is registered for them; guests make none.
func TestSpecials(t *testing.T) {
	w := newTree(t)
	null := linux.Makedev(1, 3)
	w.Want(linux.EPERM, w.Mknod(here, "x", linux.S_IFCHR|0o666, null), "mknod by a guest")
	w.Want(0, w.MakeDevice(here, "null", linux.S_IFCHR|0o666, null), "made by the kernel")
	_, _, e := w.Open(here, "null", vfs.OpenHow{})
	w.Want(linux.ENXIO, e, "without opener")
	opened := 0
	open := func(_ *vfs.Context, at vfs.Path, n vfs.Special, _ uint32) (vfs.File, linux.Errno) {
		opened++
		if n.Rdev() != null || at.Node() != vfs.Node(n) {
			t.Error("another node")
		}
		return device{}, 0
	}
	w.Namespace().Register(linux.S_IFCHR, 1, vfs.AnyMinor, open)
	f, _, e := w.Open(here, "null", vfs.OpenHow{Flags: linux.O_RDWR | linux.O_TRUNC | linux.O_CREAT})
	w.Want(0, e, "open")
	if f == nil || opened != 1 {
		t.Fatal("not opened")
	}
	p, e := w.MakeSocket(here, "sock", 0o777, nil)
	w.Want(0, e, "socket")
	n := p.Node().(vfs.Special)
	if n.Attached(nil) != nil || n.Attached(func() any { return 7 }) != 7 || n.Attached(func() any { return 8 }) != 7 {
		t.Error("Attached")
	}
	_, e = w.MakeSocket(here, "sock", 0o777, nil)
	w.Want(linux.EADDRINUSE, e, "socket again")
	_, _, e = w.Open(here, "sock", vfs.OpenHow{})
	w.Want(linux.ENXIO, e, "open of a socket")
}

// TestOpenExec: one x bit is enough for root, none is not; other types are EACCES.
func TestOpenExec(t *testing.T) {
	w := newTree(t)
	w.Put("f", "#!")
	w.Dir("d")
	w.Want(0, w.Symlink("f", here, "l"), "symlink")
	exec := func(name string, flags uint32) linux.Errno {
		f, _, e := w.OpenExec(here, name, flags)
		if e == 0 {
			f.Close()
		}
		return e
	}
	w.Want(linux.EACCES, exec("f", 0), "no x bit")
	w.Want(0, w.Chmod(here, "f", 0o001, 0), "chmod")
	w.Want(0, exec("l", 0), "one x bit")
	w.Want(linux.ELOOP, exec("l", linux.AT_SYMLINK_NOFOLLOW), "a link not followed")
	w.Want(linux.EACCES, exec("d", 0), "a directory")
	w.SetCred(&vfs.Cred{FSUID: 1, FSGID: 1})
	w.Want(0, exec("f", 0), "x without r")
	w.SetCred(&vfs.Cred{FSUID: 1, FSGID: 0})
	w.Want(linux.EACCES, exec("f", 0), "the group may not")
}

// TestAccess checks with the real ids, or with those in effect.
func TestAccess(t *testing.T) {
	w := newTree(t)
	w.Put("f", "")
	w.Want(0, w.Chmod(here, "f", 0o600, 0), "chmod")
	w.SetCred(&vfs.Cred{FSUID: 0, UID: 9, GID: 9})
	w.Want(linux.EACCES, w.Access(here, "f", linux.R_OK, 0), "real")
	w.Want(0, w.Access(here, "f", linux.R_OK, linux.AT_EACCESS), "effective")
	w.Want(linux.EACCES, w.Access(here, "f", linux.X_OK, linux.AT_EACCESS), "root, no x bit")
	w.Want(linux.EINVAL, w.Access(here, "f", 8, 0), "unknown mode")
}

// TestOpenPath: a place, not a file, which keeps the file alive.
func TestOpenPath(t *testing.T) {
	w := newTree(t)
	w.Put("f", "kept")
	w.Want(0, w.Chmod(here, "f", 0, 0), "chmod")
	w.SetCred(&vfs.Cred{FSUID: 1, UID: 1})
	f, p, e := w.Open(here, "f", vfs.OpenHow{Flags: linux.O_PATH | linux.O_WRONLY | linux.O_TRUNC})
	w.Want(0, e, "open without rights")
	w.SetCred(vfs.Root())
	_, e = f.Read(make([]byte, 1), 0)
	w.Want(linux.EBADF, e, "read")
	w.Want(0, w.Unlink(here, "f", 0), "unlink")
	g, e := p.Node().Open(w.Context, linux.O_RDONLY)
	w.Want(0, e, "open again")
	buf := make([]byte, 9)
	if n, _ := g.Read(buf, 0); string(buf[:n]) != "kept" {
		t.Errorf("%q", buf[:n])
	}
	g.Close()
	f.Close()
	_, e = p.Node().Open(w.Context, linux.O_RDONLY)
	w.Want(linux.ENOENT, e, "open after the last")
}

// TestForkAndShare: fork copies, CLONE_FS shares.
func TestForkAndShare(t *testing.T) {
	w := newTree(t)
	w.Dir("d")
	forked, shared := w.Fork(1), w.Share(2)
	w.Want(0, w.Chdir(here, "d", 0), "chdir")
	w.SetUmask(0o077)
	if s, _ := forked.Getcwd(); s != "/" || forked.Umask() != 0o022 || forked.Task() != 1 {
		t.Error("fork")
	}
	if s, _ := shared.Getcwd(); s != "/d" || shared.Umask() != 0o077 || shared.Task() != 2 {
		t.Error("share")
	}
}

// TestAnonymous: the path of a pipe has a text and a node, and leads nowhere.
func TestAnonymous(t *testing.T) {
	w := newTree(t)
	w.Put("f", "")
	p := vfs.Anonymous("pipe:[1]", path(w, "f").Node())
	if s := w.PathString(p); s != "pipe:[1]" {
		t.Error(s)
	}
	_, e := w.Stat(p, "x", 0)
	w.Want(linux.ENOTDIR, e, "walk from it")
	s, e := w.Statfs(p, "", linux.AT_EMPTY_PATH)
	if e != 0 || s.Type != linux.PIPEFS_MAGIC {
		t.Error(s.Type, e)
	}
	w.Want(0, w.Chmod(p, "", 0o600, linux.AT_EMPTY_PATH), "fchmod")
	w.Want(linux.EXDEV, w.Link(p, "", here, "g", linux.AT_EMPTY_PATH), "link")
}
