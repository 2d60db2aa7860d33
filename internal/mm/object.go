package mm

import (
	"vkernel/internal/engine"
	"vkernel/internal/futex"
	"vkernel/internal/linux"
)

// Object is a file whose content is memory of the host, so that a mapping can show its pages. It
// is counted: who has it, holds it. A space holds it once while it has an area of it.
type Object interface {
	// FD is the host's descriptor, which stays open while the object is held.
	FD() int
	// Futexes are the waiters for words in the file, by offset.
	Futexes() *futex.Set
	// Sync writes changes to where the file lasts.
	Sync() linux.Errno
	// Users is by how many the file's objects are held.
	Users() int
	// Cached tells whether the pages are the host's cache of a file of its own.
	Cached() bool
	Hold()
	Release()
}

// Origin describes what a Source is.
type Origin struct {
	Path     string // in /proc/PID/maps
	Dev, Ino uint64
	Writable bool   // a shared mapping may become writable
	Object   Object // nil: the mapping is a copy, read from the Source
}

// mapFile maps the area's object.
func (s *Space) mapFile(a *area) linux.Errno {
	return s.inst.MapFile(a.start, a.size(), a.prot, engine.File{FD: a.object.FD(), Off: a.off, Shared: a.shared})
}

// refer counts the areas of an object in the list.
func (l *areas) refer(o Object, n int) {
	if o == nil {
		return
	}
	if l.objects == nil {
		l.objects = map[Object]int{}
	}
	was, known := l.objects[o]
	if !known {
		o.Hold()
	}
	l.objects[o] = was + n
	l.files += n
	l.idle = l.idle || was+n == 0
}

// settle releases the objects that have no area any more.
func (l *areas) settle() {
	if !l.idle {
		return
	}
	l.idle = false
	for o, n := range l.objects {
		if n == 0 {
			delete(l.objects, o)
			o.Release()
		}
	}
}

// clone gives the list of a fork.
func (l *areas) clone() areas {
	c := areas{list: append([]area(nil), l.list...), virtual: l.virtual, data: l.data}
	for k := range c.list {
		c.refer(c.list[k].object, 1)
	}
	return c
}

// clear empties the list.
func (l *areas) clear() {
	for o := range l.objects {
		o.Release()
	}
	*l = areas{}
}

// Sync is msync(2) with MS_SYNC: the files of shared mappings in the range are written to where they last.
func (s *Space) Sync(addr, length uint32) linux.Errno {
	start := uint64(addr)
	var failed linux.Errno
	for _, o := range s.sharedObjects(start, pageUp(start+uint64(length))) {
		if e := o.Sync(); failed == 0 {
			failed = e
		}
		o.Release()
	}
	return failed
}

// sharedObjects gives the objects that a range maps shared, held.
func (s *Space) sharedObjects(start, end uint64) (list []Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.areas.within(start, end) {
		if a.shared && a.object != nil && (len(list) == 0 || list[len(list)-1] != a.object) {
			a.object.Hold()
			list = append(list, a.object)
		}
	}
	return list
}
