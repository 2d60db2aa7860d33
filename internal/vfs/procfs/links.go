package procfs

import (
	"fmt"
	"strconv"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// What a process holds: descriptors, directories and its program, as links.

// show gives the name of a place as the caller sees it.
func (r *request) show(p vfs.Path) (string, linux.Errno) {
	if p.IsZero() {
		return "", linux.ENOENT
	}
	c := r.c
	if c == nil {
		c = r.proc.FS()
	}
	name := c.PathString(p)
	if len(name) >= linux.PATH_MAX {
		return "", linux.ENAMETOOLONG
	}
	return name, 0
}

// exists refuses the zero path.
func exists(p vfs.Path) (vfs.Path, linux.Errno) {
	if p.IsZero() {
		return p, linux.ENOENT
	}
	return p, 0
}

func readExe(r *request) (string, linux.Errno)   { return r.show(r.proc.Exe()) }
func jumpExe(r *request) (vfs.Path, linux.Errno) { return exists(r.proc.Exe()) }

func readCwd(r *request) (string, linux.Errno)   { return r.show(r.proc.FS().Cwd()) }
func jumpCwd(r *request) (vfs.Path, linux.Errno) { return exists(r.proc.FS().Cwd()) }

func readRoot(r *request) (string, linux.Errno)   { return r.show(r.proc.FS().Root()) }
func jumpRoot(r *request) (vfs.Path, linux.Errno) { return exists(r.proc.FS().Root()) }

// description gives what the descriptor of the request refers to, with a reference.
func (r *request) description() (*fd.Description, linux.Errno) {
	d, e := r.proc.Files().GetAny(int32(r.num))
	if e != 0 {
		return nil, linux.ENOENT
	}
	return d, 0
}

func readFD(r *request) (string, linux.Errno) {
	d, e := r.description()
	if e != 0 {
		return "", e
	}
	defer d.Unref()
	return r.show(d.Path())
}

func jumpFD(r *request) (vfs.Path, linux.Errno) {
	d, e := r.description()
	if e != 0 {
		return vfs.Path{}, e
	}
	defer d.Unref()
	return exists(d.Path())
}

func fdinfo(r *request) []byte {
	d, e := r.description()
	if e != 0 {
		return nil
	}
	defer d.Unref()
	flags := d.Flags()
	if on, _ := r.proc.Files().Cloexec(int32(r.num)); on {
		flags |= linux.O_CLOEXEC
	}
	mount := 0
	if m := d.Path().Mount; m != nil {
		mount = m.ID
	}
	text := fmt.Appendf(nil, "pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\n", d.Offset(), flags, mount)
	if f, ok := d.File().(vfs.Informer); ok {
		text = append(text, f.Info()...)
	}
	return text
}

func listFD(r *request) []member {
	var members []member
	for _, n := range r.proc.Files().Numbers() {
		members = append(members, member{strconv.Itoa(int(n)), int(n), linux.DT_LNK})
	}
	return members
}

func findFD(r *request, name string) (vfs.Node, bool)     { return r.findNumber(name, linkFD) }
func findFDInfo(r *request, name string) (vfs.Node, bool) { return r.findNumber(name, infoFD) }

// findNumber finds the node of a kind for an open descriptor.
func (r *request) findNumber(name string, k *kind) (vfs.Node, bool) {
	n, ok := decimal(name)
	if !ok || n >= fd.MaxFiles {
		return nil, false
	}
	d, e := r.proc.Files().GetAny(int32(n))
	if e != 0 {
		return nil, false
	}
	d.Unref()
	return node{fs: r.fs, kind: k, pid: r.proc.Facts().PID, tid: r.tid, num: n}.wrap(), true
}
