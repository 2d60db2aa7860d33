package procfs

import (
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// dir is a directory.
type dir struct{ node }

// Lookup finds a row or a member.
func (d dir) Lookup(c *vfs.Context, at *vfs.Entry, name string) (*vfs.Entry, linux.Errno) {
	r, e := d.request(c)
	if e != 0 {
		return nil, e
	}
	for _, k := range d.kind.rows {
		if k.name == name {
			return vfs.NewEntry(at, name, node{fs: d.fs, kind: k, pid: d.pid, tid: d.tid, num: d.num}.wrap()), 0
		}
	}
	if d.kind.find != nil {
		if n, ok := d.kind.find(r, name); ok {
			return vfs.NewEntry(at, name, n), 0
		}
	}
	return nil, linux.ENOENT
}

// Open opens the directory for reading.
func (d dir) Open(c *vfs.Context, _ uint32) (vfs.File, linux.Errno) {
	if _, e := d.request(c); e != 0 {
		return nil, e
	}
	return &dirFile{dir: d}, 0
}

// dirFile is an open directory. The cookie after a row is its index and three, after a
// member the number of rows, its number and four.
type dirFile struct {
	vfs.BaseFile
	dir dir
}

func (f *dirFile) Stat() (linux.Stat, linux.Errno) { return f.dir.Stat() }

func (f *dirFile) Read([]byte, int64) (int, linux.Errno) { return 0, linux.EISDIR }

// ReadDir lists the directory.
func (f *dirFile) ReadDir(c *vfs.Context, cookie int64, emit func(*linux.Dirent) bool) linux.Errno {
	d := f.dir
	r, e := d.request(c)
	if e != 0 {
		return e
	}
	give := func(ent linux.Dirent) bool { return ent.Off <= cookie || emit(&ent) }
	if !give(linux.Dirent{Ino: d.ino(), Off: 1, Type: linux.DT_DIR, Name: "."}) ||
		!give(linux.Dirent{Ino: d.ino(), Off: 2, Type: linux.DT_DIR, Name: ".."}) {
		return 0
	}
	for i, k := range d.kind.rows {
		n := node{fs: d.fs, kind: k, pid: d.pid, tid: d.tid, num: d.num}
		if !give(linux.Dirent{Ino: n.ino(), Off: int64(i) + 3, Type: linux.DirentType(k.mode), Name: k.name}) {
			return 0
		}
	}
	if d.kind.list == nil {
		return 0
	}
	members := d.kind.list(r)
	slices.SortFunc(members, func(a, b member) int { return a.num - b.num })
	base := int64(len(d.kind.rows)) + 4
	for _, m := range members {
		if !give(linux.Dirent{Ino: d.ino() + uint64(m.num) + 1, Off: base + int64(m.num), Type: m.typ, Name: m.name}) {
			break
		}
	}
	return 0
}
