package vfstest

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// guest is a world in a vfs.Context, with the little of package fd that it takes.
type guest struct {
	c     *vfs.Context
	files [slots]opened
	users bool // becoming another user makes sense
	maps  bool // files in even slots are mapped
	t     *testing.T
}

type opened struct {
	file  vfs.File
	path  vfs.Path
	flags uint32
	use   vfs.Mapping // or nil
}

func newGuest(fs vfs.FS) *guest {
	return &guest{c: vfs.NewContext(vfs.NewNamespace(fs, "test", 0), vfs.Root(), nil)}
}

// at gives the place that a dir argument stands for; an empty slot is the working
// directory.
func (g *guest) at(dir int) vfs.Path {
	if dir < 0 {
		return vfs.Path{}
	}
	return g.files[dir].path
}

func (g *guest) open(slot, dir int, name string, flags, mode uint32) result {
	f, p, e := g.c.Open(g.at(dir), name, vfs.OpenHow{Flags: flags, Mode: mode})
	if e != 0 {
		return result{errno: e}
	}
	g.close(slot)
	g.files[slot] = opened{file: f, path: p, flags: flags}
	if m, ok := f.(vfs.Mapper); ok && g.maps && slot%2 == 0 {
		use, e := m.Mapping(flags&linux.O_ACCMODE != linux.O_RDONLY)
		if e != 0 {
			g.t.Fatalf("mapping %q: %v", name, e)
		}
		g.files[slot].use = use
	}
	return result{}
}

func (g *guest) close(slot int) result {
	f := g.files[slot].file
	if f == nil {
		return result{errno: linux.EBADF}
	}
	f.Close()
	if u := g.files[slot].use; u != nil {
		u.Release()
	}
	g.files[slot] = opened{}
	return result{}
}

// may gives the file of a slot if it was opened for reading or writing.
func (g *guest) may(slot int, write bool) (vfs.File, linux.Errno) {
	o := g.files[slot]
	mode := o.flags & linux.O_ACCMODE
	if o.file == nil || o.flags&linux.O_PATH != 0 || write && mode == linux.O_RDONLY || !write && mode == linux.O_WRONLY {
		return nil, linux.EBADF
	}
	return o.file, 0
}

func (g *guest) read(slot int, off int64, n int) result {
	f, e := g.may(slot, false)
	if e != 0 {
		return result{errno: e}
	}
	p := make([]byte, n)
	got, e := f.Read(p, off)
	return result{e, digest(p[:got])}
}

func (g *guest) write(slot int, off int64, p []byte) result {
	f, e := g.may(slot, true)
	if e != 0 {
		return result{errno: e}
	}
	var n int
	if off < 0 {
		n, _, e = f.(vfs.Appender).Append(p)
	} else {
		n, e = f.Write(p, off)
	}
	return result{e, fmt.Sprint(n)}
}

func (g *guest) ftruncate(slot int, size int64) result {
	f, e := g.may(slot, true)
	if e != 0 {
		if e = linux.EINVAL; g.files[slot].file == nil || g.files[slot].flags&linux.O_PATH != 0 {
			e = linux.EBADF
		}
		return result{errno: e}
	}
	return result{errno: f.(vfs.Truncater).Truncate(size)}
}

func (g *guest) allocate(slot int, mode uint32, off, n int64) result {
	f, e := g.may(slot, true)
	if e != 0 {
		return result{errno: e}
	}
	return result{errno: f.(vfs.Allocater).Allocate(mode, off, n)}
}

func (g *guest) seek(slot int, off int64, whence int) result {
	o := g.files[slot]
	if o.file == nil || o.flags&linux.O_PATH != 0 {
		return result{errno: linux.EBADF}
	}
	h, ok := o.file.(vfs.HoleSeeker)
	if !ok {
		return result{text: "not asked"}
	}
	n, e := h.SeekHole(off, whence)
	return result{e, fmt.Sprint(n)}
}

func (g *guest) list(slot int) result {
	o := g.files[slot]
	if o.file == nil || o.flags&linux.O_PATH != 0 {
		return result{errno: linux.EBADF}
	}
	d, ok := o.file.(vfs.DirReader)
	if !ok {
		return result{errno: linux.ENOTDIR}
	}
	var names []string
	e := d.ReadDir(g.c, 0, func(ent *linux.Dirent) bool {
		names = append(names, fmt.Sprint(ent.Name, ":", ent.Type))
		return true
	})
	if e != 0 {
		return result{errno: e}
	}
	sort.Strings(names)
	return result{text: strings.Join(names, " ")}
}

func (g *guest) stat(dir int, name string, flags uint32) result {
	s, e := g.c.Stat(g.at(dir), name, flags)
	if e != 0 {
		return result{errno: e}
	}
	return result{text: describe(&s)}
}

func (g *guest) access(dir int, name string, mode, flags uint32) result {
	return result{errno: g.c.Access(g.at(dir), name, mode, flags)}
}

func (g *guest) mkdir(dir int, name string, mode uint32) result {
	return result{errno: g.c.Mkdir(g.at(dir), name, mode)}
}

func (g *guest) mknod(dir int, name string, mode uint32) result {
	return result{errno: g.c.Mknod(g.at(dir), name, mode, 0)}
}

func (g *guest) unlink(dir int, name string, flags uint32) result {
	return result{errno: g.c.Unlink(g.at(dir), name, flags)}
}

func (g *guest) rename(dir int, name string, toDir int, to string, flags uint32) result {
	return result{errno: g.c.Rename(g.at(dir), name, g.at(toDir), to, flags)}
}

func (g *guest) link(dir int, name string, toDir int, to string, flags uint32) result {
	return result{errno: g.c.Link(g.at(dir), name, g.at(toDir), to, flags)}
}

func (g *guest) symlink(target string, dir int, name string) result {
	return result{errno: g.c.Symlink(target, g.at(dir), name)}
}

func (g *guest) readlink(dir int, name string) result {
	s, e := g.c.Readlink(g.at(dir), name)
	return result{e, s}
}

func (g *guest) chmod(dir int, name string, mode uint32) result {
	return result{errno: g.c.Chmod(g.at(dir), name, mode, 0)}
}

func (g *guest) chown(dir int, name string, uid, gid uint32, flags uint32) result {
	return result{errno: g.c.Chown(g.at(dir), name, uid, gid, flags)}
}

func (g *guest) utimens(dir int, name string, times [2]linux.Timespec, flags uint32) result {
	return result{errno: g.c.Utimens(g.at(dir), name, &times, flags)}
}

func (g *guest) truncate(name string, size int64) result {
	return result{errno: g.c.Truncate(vfs.Path{}, name, size)}
}

func (g *guest) chdir(dir int, name string) result {
	if name == "" && dir >= 0 {
		if g.files[dir].file == nil {
			return result{errno: linux.EBADF}
		}
		return result{errno: g.c.Chdir(g.at(dir), "", linux.AT_EMPTY_PATH)}
	}
	return result{errno: g.c.Chdir(vfs.Path{}, name, 0)}
}

func (g *guest) getcwd() result {
	s, e := g.c.Getcwd()
	return result{e, s}
}

func (g *guest) umask(mask uint32) result {
	return result{text: fmt.Sprintf("%o", g.c.SetUmask(mask))}
}

func (g *guest) user(uid uint32) result {
	if !g.users {
		return result{}
	}
	g.end() // whoever opens a file writes to it, as far as setuid bits care
	groups, _ := os.Getgroups()
	cred := &vfs.Cred{FSUID: uid, FSGID: uid}
	for _, id := range groups {
		cred.Groups = append(cred.Groups, uint32(id))
	}
	slices.Sort(cred.Groups)
	g.c.SetCred(cred)
	return result{}
}

func (g *guest) end() {
	for i := range g.files {
		g.close(i)
	}
}
