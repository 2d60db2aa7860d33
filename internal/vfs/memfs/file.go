package memfs

import (
	"math"
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// file is a regular file.
type file struct {
	inode
	vfs.Writers
	size   atomic.Int64 // changed under mu
	blocks atomic.Int64 // pages; changed under mu

	mu sync.RWMutex

	// guarded by mu
	pages    pageTree
	version  uint64 // counts changes of content
	base     *baseFile
	baseSize int64   // content below it comes from base where pages has nothing
	overlaid int64   // how many pages of the base pages hides
	memory   *memory // has the content, instead of pages and base; nil: these have it
	baseKept int64   // baseSize, while memory has the base's content
	lent     *lent   // pages that are being saved; nil: none

	// guarded by attr
	pins     int  // open handles and pins
	dead     bool // content is given back
	linkable bool // made without a name, may be given one

	// guarded by mu
	sealable bool
	seals    uint32
}

func (fs *FS) newFile(v *vfs.NewNode) *file {
	f := new(file)
	f.init(fs, v)
	return f
}

// changesLocked counts a change of content, before it is made. Precondition: mu is held.
func (f *file) changesLocked() {
	f.version++
	f.noted()
}

// Watch counts the changes from now on. Those that are made through a mapping nobody counts.
func (f *file) Watch() (changes uint64, all bool, fs *atomic.Uint64) {
	changes, _, fs = f.inode.Watch()
	f.mu.RLock()
	defer f.mu.RUnlock()
	return changes, f.memory == nil || f.memory.writers == 0, fs
}

// Stat is stat(2).
func (f *file) Stat() (linux.Stat, linux.Errno) {
	s := f.stat()
	s.Size, s.Blocks = f.size.Load(), f.blocks.Load()*(pageSize/512)
	return s, 0
}

// Pin keeps the content alive.
func (f *file) Pin() bool {
	f.attr.Lock()
	defer f.attr.Unlock()
	if f.dead {
		return false
	}
	f.pins++
	return true
}

// Unpin ends a Pin.
func (f *file) Unpin() {
	f.attr.Lock()
	f.pins--
	last, dies := f.pins == 0, f.dyingLocked()
	if last && f.base != nil {
		f.base.close()
	}
	f.attr.Unlock()
	if dies {
		f.die()
	}
}

// dyingLocked marks a file dead that nothing refers to any more, and reports whether the
// caller has to call die. Precondition: attr is held.
func (f *file) dyingLocked() bool {
	if f.pins > 0 || f.nlink.Load() > 0 || f.dead {
		return false
	}
	f.dead = true
	f.giveNameLocked()
	return true
}

// die gives the content back.
func (f *file) die() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resizeLocked(0)
	if m := f.memory; m != nil {
		f.fs.pages.give(m.charged)
		f.fs.memories.drop(m, f)
		f.memory = nil
	}
}

// unlinked records that a name is gone. The charge of the last one stays until the end.
func (f *file) unlinked() bool {
	f.attr.Lock()
	last, dies := f.nlink.Add(-1) == 0, false
	f.changed()
	if last {
		dies = f.dyingLocked()
	} else {
		f.giveNameLocked()
	}
	f.attr.Unlock()
	if dies {
		f.die()
	}
	return last
}

// linked counts one more name, which it charges unless it is the first.
func (f *file) linked() linux.Errno {
	f.attr.Lock()
	defer f.attr.Unlock()
	n := f.nlink.Load()
	switch {
	case f.dead, n == 0 && !f.linkable:
		return linux.ENOENT
	case n == math.MaxInt32:
		return linux.EMLINK
	case n > 0 && !f.fs.inodes.take(1):
		return linux.ENOSPC
	}
	f.linkable = false
	f.nlink.Add(1)
	f.changed()
	return 0
}

// SetAttr changes attributes, the size last.
func (f *file) SetAttr(a *vfs.Attr) linux.Errno {
	if a.Set&vfs.SetMode != 0 && (a.Mode^f.mode.Load())&0o111 != 0 && f.sealedFor(linux.F_SEAL_EXEC) {
		return linux.EPERM
	}
	if a.Set&^vfs.SetSize != 0 {
		f.setAttr(a)
	}
	if a.Set&vfs.SetSize != 0 {
		if !f.BeginWrite() {
			return linux.ETXTBSY
		}
		defer f.EndWrite()
		return f.truncate(a.Size, false)
	}
	return 0
}

// truncate sets the size. By truncate(2), as against ftruncate(2) and O_TRUNC, a file that
// has the size already does not change.
func (f *file) truncate(size int64, always bool) linux.Errno {
	if size < 0 {
		return linux.EINVAL
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.resizableLocked(size); e != 0 {
		return e
	}
	if always || size != f.size.Load() {
		f.touch()
	}
	f.changesLocked()
	return f.resizeLocked(size)
}

// resizeLocked sets the size and gives pages beyond it back. What lies beyond the size in
// the last page is zero at all times. Precondition: mu is held.
func (f *file) resizeLocked(size int64) linux.Errno {
	if f.memory != nil {
		return f.resizeMemoryLocked(size)
	}
	if size <= f.size.Load() { // what fallocate put beyond it goes even if it stays
		f.pages.cut((size+pageSize-1)/pageSize, math.MaxInt64, f.freePage)
		if p := f.pages.get(size / pageSize); real(p) == 1 {
			clear(f.ownLocked(size/pageSize, p)[size%pageSize:])
		}
		f.baseSize = min(f.baseSize, size)
	}
	f.size.Store(size)
	f.recountLocked()
	return 0
}

// growLocked makes the file larger, without looking at its pages. Precondition: mu is held.
func (f *file) growLocked(size int64) linux.Errno {
	if f.memory != nil {
		return f.resizeMemoryLocked(size)
	}
	f.size.Store(size)
	return 0
}

// recountLocked counts the pages that hide one of the base. Precondition: mu is held.
func (f *file) recountLocked() {
	f.overlaid = 0
	for i, ok := f.pages.next(0); ok && i < f.basePages(); i, ok = f.pages.next(i + 1) {
		f.overlaid++
	}
	f.countLocked()
}

// countLocked sets blocks. Precondition: mu is held.
func (f *file) countLocked() {
	f.blocks.Store(f.pages.count + f.basePages() - f.overlaid)
}

// freePage gives a page back.
func (f *file) freePage(p *page) {
	f.fs.pages.give(1)
	f.putPage(p)
}

// putPage gives a page back that is not charged. Precondition: mu is held.
func (f *file) putPage(p *page) {
	if f.lent == nil { // else it may be read still
		f.fs.pool.put(p)
	}
}

// basePages is how many pages the base has below baseSize.
func (f *file) basePages() int64 { return (f.baseSize + pageSize - 1) / pageSize }

// Open makes a handle.
func (f *file) Open(c *vfs.Context, flags uint32) (vfs.File, linux.Errno) {
	writes := flags&linux.O_ACCMODE != linux.O_RDONLY
	if (writes || flags&linux.O_TRUNC != 0) && !f.BeginWrite() {
		return nil, linux.ETXTBSY
	}
	h := &handle{f: f, noatime: flags&linux.O_NOATIME != 0, cred: c.Cred(), writes: writes}
	if !f.Pin() {
		if writes || flags&linux.O_TRUNC != 0 {
			f.EndWrite()
		}
		return nil, linux.ENOENT
	}
	if flags&linux.O_TRUNC != 0 {
		e := f.truncate(0, true)
		if !writes || e != 0 {
			f.EndWrite()
		}
		if e != 0 {
			f.Unpin()
			return nil, e
		}
	}
	return h, 0
}
