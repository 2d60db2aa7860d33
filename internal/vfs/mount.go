package vfs

import (
	"slices"
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
)

// MountFlags restrict what can be done through a mount.
type MountFlags uint32

// Flags of a mount.
const (
	ReadOnly MountFlags = 1 << iota
	NoSUID
	NoDev
	NoExec
)

// Mount is a file system in the tree. It is immutable.
type Mount struct {
	ID     int
	FS     FS
	Source string
	Flags  MountFlags

	root   *Entry
	parent *Mount // nil for the first mount
	at     *Entry // in parent
	marks  *Marks // of the namespace
}

// Root is the path of the mount's root.
func (m *Mount) Root() Path { return Path{m, m.root} }

// Parent is the mount that m lies on, nil for the first one.
func (m *Mount) Parent() *Mount { return m.parent }

// Namespace is the tree of mounts of one container, and what opens its devices.
type Namespace struct {
	mu      sync.Mutex // serialises changes of table
	table   atomic.Pointer[mountTable]
	openers openers
	marks   Marks
	witness *Witness // set before anybody looks; nil: nobody wants to know
}

// mountTable is immutable.
type mountTable struct {
	all []*Mount        // in the order of mounting
	at  map[Path]*Mount // what lies on a path
}

// NewNamespace makes a tree whose root is the root of fs.
func NewNamespace(fs FS, source string, flags MountFlags) *Namespace {
	ns := new(Namespace)
	m := &Mount{ID: 1, FS: fs, Source: source, Flags: flags, root: fs.Root(), marks: &ns.marks}
	ns.table.Store(&mountTable{all: []*Mount{m}})
	return ns
}

// Root is the root of the tree.
func (ns *Namespace) Root() Path { return ns.top(ns.table.Load().all[0].Root()) }

// Mounts lists the mounts, in the order in which they were made.
func (ns *Namespace) Mounts() []*Mount { return ns.table.Load().all }

// Mount puts fs on the directory (or, if its root is not a directory, on the file) at p.
func (ns *Namespace) Mount(p Path, fs FS, source string, flags MountFlags) (*Mount, linux.Errno) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	p = ns.top(p)
	_, dirBelow := p.Node().(Dir)
	if _, dir := fs.Root().Node().(Dir); dir != dirBelow {
		return nil, linux.ENOTDIR
	}
	if p.Entry.Removed() {
		return nil, linux.ENOENT
	}
	old := ns.table.Load()
	m := &Mount{ID: len(old.all) + 1, FS: fs, Source: source, Flags: flags, root: fs.Root(), parent: p.Mount, at: p.Entry, marks: &ns.marks}
	t := &mountTable{all: append(slices.Clip(old.all), m), at: make(map[Path]*Mount, len(old.at)+1)}
	for k, v := range old.at {
		t.at[k] = v
	}
	t.at[p] = m
	p.Entry.mounted.Store(true)
	ns.table.Store(t)
	return m, 0
}

// top goes from p to the root of what is mounted on it, if anything is.
func (ns *Namespace) top(p Path) Path {
	for p.Entry.mounted.Load() {
		m := ns.table.Load().at[p]
		if m == nil {
			break // mounted there in another namespace, or seen through another mount
		}
		p = m.Root()
	}
	return p
}

// up is the parent directory of p: through a mount's root, and never above root.
func (ns *Namespace) up(p, root Path) Path {
	for p != root {
		if parent := p.Entry.Parent(); parent != nil {
			return ns.top(Path{p.Mount, parent})
		}
		if p.Mount.parent == nil {
			break
		}
		p = Path{p.Mount.parent, p.Mount.at}
	}
	return p
}

// within reports whether p is dir or lies somewhere below it, through mounts too.
func (ns *Namespace) within(p, dir Path) bool {
	for p != dir {
		switch parent := p.Entry.Parent(); {
		case parent != nil:
			p = ns.top(Path{p.Mount, parent})
		case p.Mount.parent == nil:
			return false
		default:
			p = Path{p.Mount.parent, p.Mount.at}
		}
	}
	return true
}
