package vfs

// Path is a place in the tree of mounts. Paths are compared by ==. The zero Path stands
// for the working directory where a method takes one to start from.
type Path struct {
	Mount *Mount
	Entry *Entry
}

// IsZero reports whether p is no place.
func (p Path) IsZero() bool { return p.Entry == nil }

// Node is the node at p.
func (p Path) Node() Node { return p.Entry.node }

// Anonymous is the path of an object outside every tree, for the description of a pipe or
// socket: name is what readlink of /proc/PID/fd/N shows ("pipe:[12]"), n what fchmod and
// an open through that link act on.
func Anonymous(name string, n Node) Path {
	return Path{Entry: newEntry(n, place{name: name, kind: anonymous}), Mount: nowhere}
}

// nowhere is the mount of anonymous paths. It is immutable.
var nowhere = &Mount{}
