package vfs

import "sync/atomic"

// Entry is a name in a directory and the node it leads to. Its node never changes. Where
// it lies changes only through the file system that made it, under that system's locks.
type Entry struct {
	node    Node
	place   atomic.Pointer[place]
	mounted atomic.Bool // some mount lies on it: look in the mount table
	opens   atomic.Int32
}

// place is where an entry lies. It is immutable: one load sees a consistent pair.
type place struct {
	parent *Entry // nil: the root of a file system, or an object outside every tree
	name   string
	kind   placeKind
}

type placeKind uint8

const (
	placed    placeKind = iota
	removed             // a bit: was there, under that name
	anonymous           // never was in a tree: pipe:[12]
)

// NewRoot makes the root entry of a file system.
func NewRoot(n Node) *Entry { return newEntry(n, place{name: "/"}) }

// NewEntry makes an entry in the directory parent.
func NewEntry(parent *Entry, name string, n Node) *Entry {
	return newEntry(n, place{parent: parent, name: name})
}

func newEntry(n Node, p place) *Entry {
	e := &Entry{node: n}
	e.place.Store(&p)
	return e
}

// Node is what lies there.
func (e *Entry) Node() Node { return e.node }

// Parent is the directory in which the entry lies, or lay before it was removed; nil for a
// root and for anonymous entries.
func (e *Entry) Parent() *Entry { return e.place.Load().parent }

// Name is its name there.
func (e *Entry) Name() string { return e.place.Load().name }

// Removed reports whether the name was removed (or never was, for a temporary file).
func (e *Entry) Removed() bool { return e.place.Load().kind&removed != 0 }

// Mounted reports whether a mount lies on the entry, which may then be neither removed nor
// renamed.
func (e *Entry) Mounted() bool { return e.mounted.Load() }

// Move records a rename. Only the file system calls it.
func (e *Entry) Move(parent *Entry, name string) {
	e.place.Store(&place{parent: parent, name: name})
}

// Remove records that the name is gone. Only the file system calls it.
func (e *Entry) Remove() {
	p := e.place.Load()
	e.place.Store(&place{parent: p.parent, name: p.name, kind: removed})
}

// Below reports whether e is dir or lies somewhere below it. It is stable only under the
// rename lock of the file system.
func (e *Entry) Below(dir *Entry) bool {
	for ; e != nil; e = e.Parent() {
		if e == dir {
			return true
		}
	}
	return false
}
