package memfs

import (
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// dir is a directory.
type dir struct {
	inode
	entry *vfs.Entry // its one name; set before it can be found

	mu sync.RWMutex

	// guarded by mu
	children map[string]child
	order    []ordered // by seq
	gone     int       // entries of order that are removed
	seq      int64     // of the newest child
	removed  bool
	base     func() ([]BaseEntry, linux.Errno) // names still to be taken over, or nil
	basePath string                            // of the directory that base lists
}

// child is a name: seq tells where it is in order.
type child struct {
	entry *vfs.Entry
	seq   int64
}

// ordered is a place in the list by age; entry is nil after its removal.
type ordered struct {
	seq   int64
	entry *vfs.Entry
}

// Cookies of "." and ".."; children come after them.
const (
	dotCookie    = 1
	dotDotCookie = 2
)

func (fs *FS) newDir(v *vfs.NewNode) *dir {
	d := &dir{children: map[string]child{}, seq: dotDotCookie}
	d.init(fs, v)
	d.nlink.Store(2)
	return d
}

// Stat is stat(2); sizes are counted as tmpfs does. It does not take over the names of the
// base: a listing of a directory looks at all directories in it.
func (d *dir) Stat() (linux.Stat, linux.Errno) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	s := d.stat()
	s.Size = int64(len(d.children)+2) * 20
	return s, 0
}

// SetAttr changes attributes.
func (d *dir) SetAttr(a *vfs.Attr) linux.Errno {
	d.setAttr(a)
	return 0
}

// Lookup finds a name.
func (d *dir) Lookup(_ *vfs.Context, _ *vfs.Entry, name string) (*vfs.Entry, linux.Errno) {
	if e := d.rlock(); e != 0 {
		return nil, e
	}
	defer d.mu.RUnlock()
	c, ok := d.children[name]
	if !ok {
		return nil, linux.ENOENT
	}
	return c.entry, 0
}

// rlock locks d for reading, with all its names in memory.
func (d *dir) rlock() linux.Errno {
	d.mu.RLock()
	for d.base != nil {
		d.mu.RUnlock()
		if e := d.lock(); e != 0 {
			return e
		}
		d.mu.Unlock()
		d.mu.RLock()
	}
	return 0
}

// lock locks d, with all its names in memory.
func (d *dir) lock() linux.Errno {
	d.mu.Lock()
	if d.base == nil {
		return 0
	}
	if e := d.populateLocked(); e != 0 {
		d.mu.Unlock()
		return e
	}
	return 0
}

// insertLocked adds a name. Precondition: mu is held, and the name is free.
func (d *dir) insertLocked(name string, e *vfs.Entry) {
	d.seq++
	d.children[name] = child{e, d.seq}
	d.order = append(d.order, ordered{d.seq, e})
	if _, ok := e.Node().(*dir); ok {
		d.nlink.Add(1)
	}
}

// deleteLocked takes a name out. Precondition: mu is held.
func (d *dir) deleteLocked(name string) {
	c := d.children[name]
	delete(d.children, name)
	d.order[d.position(c.seq)].entry = nil
	if d.gone++; d.gone > 32 && d.gone > len(d.order)/2 {
		d.compactLocked()
	}
	if _, ok := c.entry.Node().(*dir); ok {
		d.nlink.Add(-1)
	}
}

// replaceLocked lets another entry take the place of a name. Precondition: mu is held.
func (d *dir) replaceLocked(name string, e *vfs.Entry) {
	c := d.children[name]
	_, was := c.entry.Node().(*dir)
	_, is := e.Node().(*dir)
	switch {
	case was && !is:
		d.nlink.Add(-1)
	case is && !was:
		d.nlink.Add(1)
	}
	d.children[name] = child{e, c.seq}
	d.order[d.position(c.seq)].entry = e
}

// position finds the first place in order whose seq is at least seq.
func (d *dir) position(seq int64) int {
	lo, hi := 0, len(d.order)
	for lo < hi {
		if m := (lo + hi) / 2; d.order[m].seq < seq {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

func (d *dir) compactLocked() {
	kept := d.order[:0]
	for _, o := range d.order {
		if o.entry != nil {
			kept = append(kept, o)
		}
	}
	clear(d.order[len(kept):])
	d.order, d.gone = kept, 0
}

// holdsLocked reports whether e lies in d under its name. Precondition: mu is held.
func (d *dir) holdsLocked(e *vfs.Entry) bool {
	c, ok := d.children[e.Name()]
	return ok && c.entry == e
}

// Open makes a handle.
func (d *dir) Open(c *vfs.Context, flags uint32) (vfs.File, linux.Errno) {
	return &dirHandle{d: d, noatime: flags&linux.O_NOATIME != 0}, 0
}

// dirHandle is an open directory.
type dirHandle struct {
	vfs.BaseFile
	d       *dir
	noatime bool
}

// Stat is fstat(2).
func (h *dirHandle) Stat() (linux.Stat, linux.Errno) { return h.d.Stat() }

// Read refuses.
func (h *dirHandle) Read([]byte, int64) (int, linux.Errno) { return 0, linux.EISDIR }

// Sync has nothing to do.
func (h *dirHandle) Sync() linux.Errno { return 0 }

// ReadDir lists names, in batches: emit is called without a lock.
func (h *dirHandle) ReadDir(_ *vfs.Context, cookie int64, emit func(*linux.Dirent) bool) linux.Errno {
	d := h.d
	if !h.noatime {
		d.accessed()
	}
	if cookie < dotCookie && !emit(&linux.Dirent{Ino: d.ino, Off: dotCookie, Type: linux.DT_DIR, Name: "."}) {
		return 0
	}
	if cookie < dotDotCookie && !emit(&linux.Dirent{Ino: d.parentIno(), Off: dotDotCookie, Type: linux.DT_DIR, Name: ".."}) {
		return 0
	}
	cookie = max(cookie, dotDotCookie)
	for {
		batch, e := d.batch(cookie)
		if e != 0 || len(batch) == 0 {
			return e
		}
		for i := range batch {
			if !emit(&batch[i]) {
				return 0
			}
		}
		cookie = batch[len(batch)-1].Off
	}
}

// parentIno is the inode number of "..".
func (d *dir) parentIno() uint64 {
	if p := d.entry.Parent(); p != nil {
		return p.Node().(*dir).ino
	}
	return d.ino
}

// batch lists some names after the cookie; none of a removed directory.
func (d *dir) batch(cookie int64) ([]linux.Dirent, linux.Errno) {
	const size = 64
	if e := d.rlock(); e != 0 {
		return nil, e
	}
	defer d.mu.RUnlock()
	if d.removed {
		return nil, linux.ENOENT
	}
	first := d.position(cookie + 1)
	batch := make([]linux.Dirent, 0, min(size, len(d.order)-first))
	for _, o := range d.order[first:] {
		if o.entry == nil {
			continue
		}
		n := o.entry.Node().(member)
		batch = append(batch, linux.Dirent{
			Ino: n.number(), Off: o.seq, Type: linux.DirentType(n.Perm().Mode), Name: o.entry.Name(),
		})
		if len(batch) == size {
			break
		}
	}
	return batch, 0
}

// member is any node of this package.
type member interface {
	vfs.Node
	number() uint64
	system() *FS
	unlinked() bool
	changed()
}

func (n *inode) number() uint64 { return n.ino }
