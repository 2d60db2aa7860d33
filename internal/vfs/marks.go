package vfs

import (
	"slices"
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// Mark is the interest of a Listener in the events of a node (package inotify). Only Marks
// changes it.
type Mark struct {
	Node     Node
	Listener Listener
	ID       int32
	mask     uint32 // guarded by Marks.mu: events, IN_ONESHOT, IN_EXCL_UNLINK
}

// Listener is told of events, with Marks.mu held.
type Listener interface {
	// Heard is an event at the marked node or, with its name, of an entry in it.
	Heard(m *Mark, mask, cookie uint32, name string)
	// Ignored is the end of a mark that Remove has not ended.
	Ignored(m *Mark)
}

// Marks are those of a namespace. Who does something to a file tells them; as long as there is
// none, that costs one look at a counter. Marks.mu is below the locks of this package and
// above those of listeners; no file system is called with it.
type Marks struct {
	active atomic.Int32 // how many there are
	cookie atomic.Uint32

	mu sync.RWMutex

	// guarded by mu
	of map[Node][]*Mark
}

// Marks are the namespace's.
func (ns *Namespace) Marks() *Marks { return &ns.marks }

// Add marks a node.
func (m *Marks) Add(k *Mark, mask uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[Node][]*Mark{}
	}
	k.mask = mask
	m.of[k.Node] = append(m.of[k.Node], k)
	m.active.Add(1)
}

// Find gives the listener's mark on a node, nil if there is none.
func (m *Marks) Find(n Node, l Listener) *Mark {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, k := range m.of[n] {
		if k.Listener == l {
			return k
		}
	}
	return nil
}

// Change replaces the mask of a mark, or adds to it.
func (m *Marks) Change(k *Mark, mask uint32, add bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if add {
		mask |= k.mask
	}
	k.mask = mask
}

// Mask gives the mask of a mark.
func (m *Marks) Mask(k *Mark) uint32 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return k.mask
}

// Remove ends a mark, and reports whether it was there still.
func (m *Marks) Remove(k *Mark) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.removeLocked(k)
}

func (m *Marks) removeLocked(k *Mark) bool {
	old := m.of[k.Node]
	i := slices.Index(old, k)
	if i < 0 {
		return false
	}
	if len(old) == 1 {
		delete(m.of, k.Node)
	} else {
		m.of[k.Node] = slices.Delete(slices.Clone(old), i, i+1)
	}
	m.active.Add(-1)
	return true
}

// send tells the marks of a node. removed: of an entry that has no name any more.
func (m *Marks) send(n Node, mask, cookie uint32, name string, removed bool) {
	var once []*Mark
	m.mu.RLock()
	for _, k := range m.of[n] {
		if k.mask&mask&linux.IN_ALL_EVENTS == 0 || removed && k.mask&linux.IN_EXCL_UNLINK != 0 {
			continue
		}
		k.Listener.Heard(k, mask, cookie, name)
		if k.mask&linux.IN_ONESHOT != 0 {
			once = append(once, k)
		}
	}
	m.mu.RUnlock()
	m.end(once)
}

// end ends marks that have had their last event.
func (m *Marks) end(marks []*Mark) {
	if len(marks) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range marks {
		if m.removeLocked(k) {
			k.Listener.Ignored(k)
		}
	}
}

// gone tells that a node has neither names nor open files any more.
func (m *Marks) gone(n Node) {
	m.send(n, linux.IN_DELETE_SELF, 0, "", false)
	m.mu.RLock()
	last := slices.Clone(m.of[n])
	m.mu.RUnlock()
	m.end(last)
}

func isDir(n Node) uint32 {
	if n.Perm().Type() == linux.S_IFDIR {
		return linux.IN_ISDIR
	}
	return 0
}

// listening gives the marks that events at p are told to, nil if there is none at all.
func (p Path) listening() *Marks {
	if p.Mount == nil || p.Mount.marks == nil || p.Mount.marks.active.Load() == 0 {
		return nil
	}
	return p.Mount.marks
}

// Marks are those of the namespace in which p is.
func (p Path) Marks() *Marks { return p.Mount.marks }

// Tell tells of an event at p: its directory first, then itself.
func (p Path) Tell(mask uint32) {
	if m := p.listening(); m != nil {
		m.tell(p.Entry, mask)
	}
}

func (m *Marks) tell(e *Entry, mask uint32) {
	mask |= isDir(e.node)
	if pl := e.place.Load(); pl.parent != nil {
		m.send(pl.parent.node, mask, 0, pl.name, pl.kind == removed)
	}
	m.send(e.node, mask, 0, "", false)
}

// tellName tells the directory dir of an event of the entry called name.
func (p Path) tellName(dir *Entry, mask uint32, name string, n Node) {
	if m := p.listening(); m != nil {
		m.send(dir.node, mask|isDir(n), 0, name, false)
	}
}

// tellRemoved tells that child, in the directory at p, was removed.
func (p Path) tellRemoved(child *Entry, name string, dir bool) {
	m := p.listening()
	if m == nil {
		return
	}
	if !dir {
		m.send(child.node, linux.IN_ATTRIB, 0, "", false)
	}
	m.forget(child)
	m.send(p.Entry.node, linux.IN_DELETE|isDir(child.node), 0, name, false)
}

// forget tells that the node of a removed entry is gone, if it is.
func (m *Marks) forget(e *Entry) {
	if e.opens.Load() > 0 {
		return
	}
	if st, errno := e.node.Stat(); errno != 0 || st.Nlink == 0 || isDir(e.node) != 0 {
		m.gone(e.node)
	}
}

// tellMoved tells of a rename; replaced is what was at the new name, if anything.
func (p Path) tellMoved(from, to *Entry, name, newName string, child, replaced *Entry) {
	m := p.listening()
	if m == nil {
		return
	}
	cookie := m.cookie.Add(1)
	m.send(from.node, linux.IN_MOVED_FROM|isDir(child.node), cookie, name, false)
	m.send(to.node, linux.IN_MOVED_TO|isDir(child.node), cookie, newName, false)
	if replaced != nil {
		m.send(replaced.node, linux.IN_ATTRIB|isDir(replaced.node), 0, "", false)
	}
	m.send(child.node, linux.IN_MOVE_SELF, 0, "", false)
	if replaced != nil {
		m.forget(replaced)
	}
}

// attrEvents are the events of a change of attributes.
func attrEvents(set AttrSet) (mask uint32) {
	switch set & (SetAtime | SetMtime) {
	case SetAtime | SetMtime:
		mask = linux.IN_ATTRIB
	case SetAtime:
		mask = linux.IN_ACCESS
	case SetMtime:
		mask = linux.IN_MODIFY
	}
	if set&SetSize != 0 {
		mask |= linux.IN_MODIFY
	}
	if set&(SetMode|SetUID|SetGID) != 0 {
		mask |= linux.IN_ATTRIB
	}
	return mask
}

// Opened counts an open description of what lies at p, Closed its end.
func (p Path) Opened() {
	if p.Entry != nil {
		p.Entry.opens.Add(1)
	}
}

// Closed ends an Opened.
func (p Path) Closed() {
	if p.Entry == nil || p.Entry.opens.Add(-1) > 0 || !p.Entry.Removed() {
		return
	}
	if m := p.listening(); m != nil {
		m.forget(p.Entry)
	}
}

// Watchable resolves name to what inotify_add_watch(2) marks: the caller may read it. flags are
// AT_SYMLINK_NOFOLLOW or 0.
func (c *Context) Watchable(name string, flags uint32, dir bool) (Path, linux.Errno) {
	p, e := c.reach(Path{}, name, flags, c.Cred(), policy.Look)
	if e != 0 {
		return p, e
	}
	perm := p.Node().Perm()
	if dir && perm.Type() != linux.S_IFDIR {
		return p, linux.ENOTDIR
	}
	if e := c.mayOpen(p, linux.O_RDONLY); e != 0 {
		return p, e
	}
	if !c.Cred().allowed(perm, linux.R_OK) {
		return p, linux.EACCES
	}
	return p, 0
}
