package engine

import (
	"slices"
	"sort"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// A large process is forked by freezing: its private pages become a layer, a file in memory that
// the process and its children map privately, so that a fork costs a mapping and what was
// written since. Settle decides; here is what a layer is and how instances use it.

// layer is frozen memory. The offset of a page in its file is the page's guest address, or with a shift
// another one. Its content changes only while one instance maps it, see refresh.
type layer struct {
	code *Code
	file int
	span hole // of all it holds

	shift int64 // from an address to its place in the file
	fixed bool  // the file is another's, and sealed

	users atomic.Int32 // entries of instances' layers
	pages atomic.Int64 // that the file holds

	// What only a sole user touches.
	window uintptr // where the engine maps the file, to change it; 0: nowhere yet
	kept   int     // private pages that the last refresh left in the instance
	moving int     // refreshes for which none are left, because others are written each time
}

// part is a range of an instance's memory that is mapped from a layer.
type part struct {
	hole
	layer *layer
}

func (h hole) size() uint64 { return h.end - h.start }

func (h hole) pages() int { return int(h.size() / pageSize) }

// and is what two ranges have in common: of size 0, or less, if nothing.
func (h hole) and(o hole) (hole, bool) {
	c := hole{max(h.start, o.start), min(h.end, o.end)}
	return c, c.start < c.end
}

// layersAllowed tells whether files may be as large as memory: beyond RLIMIT_FSIZE a write is
// not only refused, but answered with SIGXFSZ.
func layersAllowed() bool {
	var l unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_FSIZE, &l) == nil && l.Cur >= memorySize
}

// newLayer makes an empty file of the largest size that memory can have, if there are not too many.
func (c *Code) newLayer() (*layer, linux.Errno) {
	fd, e := c.files.make("vkernel-layer", c.files.forLayers())
	if e != 0 {
		return nil, e
	}
	return &layer{code: c, file: fd}, 0
}

// write puts the memory of i in the file. Errors are those of the host's memory: ENOMEM, ENOSPC.
func (l *layer) write(i *Instance, h hole) linux.Errno {
	for at := h.start; at < h.end; {
		n, err := unix.Pwrite(l.file, bytesAt(i.base+uintptr(at), uintptr(h.end-at)), int64(at))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return linux.From(err)
		default:
			at += uint64(n)
		}
	}
	l.pages.Add(int64(h.pages()))
	l.code.layerPages.Add(int64(h.pages()))
	return 0
}

// mapInto maps a range of the layer at its place in i.
func (l *layer) mapInto(i *Instance, h hole, prot int) linux.Errno {
	const flags = unix.MAP_PRIVATE | unix.MAP_FIXED | unix.MAP_NORESERVE
	_, e := mmap(i.base+uintptr(h.start), uintptr(h.size()), prot, flags, l.file, int64(h.start)+l.shift)
	return e
}

// openWindow maps the file where the engine can write to it.
func (l *layer) openWindow() bool {
	if l.window == 0 {
		at, e := mmap(0, uintptr(l.span.size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE, l.file, int64(l.span.start))
		if e != 0 {
			return false
		}
		l.window = at
	}
	return true
}

// update copies pages of i into the file.
func (l *layer) update(i *Instance, h hole) linux.Errno {
	from := bytesAt(i.base+uintptr(h.start), uintptr(h.size()))
	if l.openWindow() {
		copy(bytesAt(l.window+uintptr(h.start-l.span.start), uintptr(h.size())), from)
		return 0
	}
	for at := 0; at < len(from); {
		n, err := unix.Pwrite(l.file, from[at:], int64(h.start)+int64(at))
		if err != nil && err != unix.EINTR {
			return linux.From(err)
		}
		at += max(n, 0)
	}
	return 0
}

// drop ends the use of the layer by one part. With the last one its memory is the host's again.
func (l *layer) drop() {
	if l.users.Add(-1) != 0 {
		return
	}
	if l.window != 0 {
		munmap(l.window, uintptr(l.span.size()))
	}
	l.code.files.close(l.file)
	l.code.layerPages.Add(-l.pages.Load())
}

// addParts notes that i maps ranges of a layer.
func (i *Instance) addParts(l *layer, list ...hole) {
	for _, h := range list {
		l.users.Add(1)
		k, _ := slices.BinarySearchFunc(i.parts, h.start, func(p part, at uint64) int {
			if p.start < at {
				return -1
			}
			return 1
		})
		i.parts = slices.Insert(i.parts, k, part{h, l})
	}
}

// cutParts notes that i no longer maps what it had of layers in h.
func (i *Instance) cutParts(h hole) {
	low := i.firstPart(h.start)
	high := low
	var rest [2]part
	n := 0
	for ; high < len(i.parts) && i.parts[high].start < h.end; high++ {
		p := i.parts[high]
		for _, r := range []hole{{p.start, h.start}, {h.end, p.end}} {
			if r.start < r.end {
				p.layer.users.Add(1)
				rest[n] = part{r, p.layer}
				n++
			}
		}
		p.layer.drop()
	}
	if low < high {
		i.untouched = false
		i.parts = slices.Replace(i.parts, low, high, rest[:n]...)
	}
}

// firstPart is the index of the first part that ends above addr.
func (i *Instance) firstPart(addr uint64) int {
	return sort.Search(len(i.parts), func(k int) bool { return i.parts[k].end > addr })
}

// inParts tells whether a part of h is mapped from a layer.
func (i *Instance) inParts(h hole) bool {
	k := i.firstPart(h.start)
	return k < len(i.parts) && i.parts[k].start < h.end
}

// sole tells whether nobody but i maps the layer, so that it can be changed.
func (i *Instance) sole(l *layer) bool {
	if l.fixed {
		return false
	}
	n := int32(0)
	for _, p := range i.parts {
		if p.layer == l {
			n++
		}
	}
	return l.users.Load() == n
}

// share maps the layers of a parent into its child, which is as New makes it.
func (i *Instance) share(parent *Instance) linux.Errno {
	if e := i.declareParts(len(parent.parts)); e != 0 {
		return e
	}
	for _, p := range parent.parts {
		i.changed = true
		if e := p.layer.mapInto(i, p.hole, ProtRead|ProtWrite); e != 0 {
			return e
		}
		i.addParts(p.layer, p.hole)
	}
	i.untouched = len(parent.parts) > 0
	return 0
}

// isOpen tells whether all of h was mapped from one layer, readable and writable, and nothing has changed since.
func (i *Instance) isOpen(h hole) bool {
	k := i.firstPart(h.start)
	return i.untouched && k < len(i.parts) && i.parts[k].start <= h.start && h.end <= i.parts[k].end
}

// declareParts declares the mappings that n parts may need: each has a gap beside it.
func (i *Instance) declareParts(n int) linux.Errno {
	if !i.p.code.slots.declareAreas(2*int64(n) - i.partAreas) {
		return linux.ENOMEM
	}
	i.partAreas = 2 * int64(n)
	return 0
}

// discardParts gives what is mapped from layers in h its content as New makes it. What is large
// is mapped anew, so that it takes no memory; but each such place may cost the host two mappings,
// so what is small, or beyond what can be declared, is written.
func (i *Instance) discardParts(h hole, prot int) linux.Errno {
	for {
		k := i.firstPart(h.start)
		if h.start >= h.end || k == len(i.parts) || i.parts[k].start >= h.end {
			return 0
		}
		c, _ := i.parts[k].and(h)
		h.start = c.end
		var e linux.Errno
		if c.pages() >= min(discardFrom, i.p.code.freezeFrom/2) && len(i.parts) < 2*maxParts && i.declareParts(len(i.parts)+1) == 0 {
			e = i.remap(c, prot)
		} else {
			e = i.rewritePart(c, prot)
		}
		if e != 0 {
			return e
		}
	}
}

// withoutParts gives what of h is not mapped from layers.
func (i *Instance) withoutParts(h hole) (out []hole) {
	for k := i.firstPart(h.start); k < len(i.parts) && i.parts[k].start < h.end; k++ {
		if p := i.parts[k]; h.start < p.start {
			out = append(out, hole{h.start, p.start})
		}
		h.start = i.parts[k].end
	}
	if h.start < h.end {
		out = append(out, h)
	}
	return out
}

// discardFrom is how many pages of a layer are mapped anew when they are discarded.
const discardFrom = 64

// remap puts fresh memory in the place of a range of a part.
func (i *Instance) remap(c hole, prot int) linux.Errno {
	const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE | unix.MAP_FIXED
	at := i.base + uintptr(c.start)
	if _, e := mmap(at, uintptr(c.size()), prot, flags, -1, 0); e != 0 {
		return e
	}
	madvise(at, uintptr(c.size()), unix.MADV_NOHUGEPAGE)
	i.cutParts(c)
	for _, h := range i.p.imageWithout(c.start, c.end, i.holes) {
		if e := i.mapImageRange(h, prot); e != 0 {
			return e
		}
	}
	return 0
}

// rewritePart writes zeros, and the program's image, over a range of a part.
func (i *Instance) rewritePart(c hole, prot int) linux.Errno {
	at, size := i.base+uintptr(c.start), uintptr(c.size())
	if prot&ProtWrite == 0 {
		if e := mprotect(at, size, ProtRead|ProtWrite); e != 0 {
			return e
		}
	}
	clear(bytesAt(at, size))
	first := uint64(i.p.Meta.Memory.ImageStart)
	for _, h := range i.p.imageWithout(c.start, c.end, i.holes) {
		copy(bytesAt(i.base+uintptr(h.start), uintptr(h.size())), i.p.memory[h.start-first:])
	}
	if prot&ProtWrite == 0 {
		return mprotect(at, size, prot)
	}
	return 0
}

func (i *Instance) mapImageRange(h hole, prot int) linux.Errno {
	m := &i.p.Meta.Memory
	const flags = unix.MAP_PRIVATE | unix.MAP_FIXED | unix.MAP_NORESERVE
	_, e := mmap(i.base+uintptr(h.start), uintptr(h.size()), prot, flags, int(i.p.code.file.Fd()),
		int64(m.ImageFile)+int64(h.start-uint64(m.ImageStart)))
	return e
}

// Lent is what of the resident memory stays in use by others when i ends: what it has of layers,
// and has not written to, counts in equal parts for all that map it.
func (i *Instance) Lent() (n uint64) {
	for _, p := range i.parts {
		unwritten := p.size()
		i.p.code.pagemap.private(i.base+uintptr(p.start), uintptr(p.size()), func(_, size uintptr) { unwritten -= uint64(size) })
		users := uint64(max(p.layer.users.Load(), 1))
		n += unwritten / users * (users - 1)
	}
	return n
}

// LayerBytes is the memory that layers hold, each counted once, whether or not an instance maps it.
func (c *Code) LayerBytes() uint64 { return uint64(c.layerPages.Load()) * pageSize }
