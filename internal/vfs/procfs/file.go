package procfs

import (
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// file is a regular file.
type file struct{ node }

// Open opens it. Whether it may be written, its mode says.
func (f file) Open(c *vfs.Context, flags uint32) (vfs.File, linux.Errno) {
	if _, e := f.request(c); e != 0 {
		return nil, e
	}
	if flags&linux.O_ACCMODE != linux.O_RDONLY && f.kind.store == nil {
		return nil, linux.EACCES
	}
	return &textFile{node: f.node, c: c}, 0
}

// textFile is an open file.
type textFile struct {
	vfs.BaseFile
	node node
	c    *vfs.Context // who opened it

	mu sync.Mutex

	// guarded by mu
	text []byte
	made bool
}

// maxKept bounds the text that all open files keep.
const maxKept = 64 << 20

func (f *textFile) Stat() (linux.Stat, linux.Errno) { return f.node.Stat() }

// Read reads from the text, which is made anew for a read at offset 0.
func (f *textFile) Read(p []byte, off int64) (int, linux.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.text
	if off == 0 || !f.made {
		r, e := f.node.request(nil) // rights were checked by open
		if e != 0 {
			return 0, linux.ESRCH
		}
		r.c = f.c
		text = f.node.kind.text(r)
		f.keepLocked(text)
	}
	if off >= int64(len(text)) {
		return 0, 0
	}
	return copy(p, text[off:]), 0
}

// keepLocked keeps a text for later reads, if there is room.
func (f *textFile) keepLocked(text []byte) {
	f.dropLocked()
	if size := int64(cap(text)); f.node.fs.kept.Add(size) > maxKept {
		f.node.fs.kept.Add(-size)
		return
	}
	f.text, f.made = text, true
}

func (f *textFile) dropLocked() {
	f.node.fs.kept.Add(-int64(cap(f.text)))
	f.text, f.made = nil, false
}

// Close gives the text up.
func (f *textFile) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropLocked()
}

// maxStore bounds what one write may store.
const maxStore = 4096

// Write stores a value.
func (f *textFile) Write(p []byte, _ int64) (int, linux.Errno) {
	store := f.node.kind.store
	if store == nil || len(p) > maxStore {
		return 0, linux.EINVAL
	}
	r, e := f.node.request(nil)
	if e != 0 {
		return 0, linux.ESRCH
	}
	r.c = f.c
	value := append([]byte(nil), p...) // guest memory may change under us
	if e := store(r, value); e != 0 {
		return 0, e
	}
	return len(p), 0
}

// Truncate does nothing: shells open with O_TRUNC to store a value.
func (f *textFile) Truncate(int64) linux.Errno { return 0 }
