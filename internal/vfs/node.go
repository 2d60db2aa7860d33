package vfs

import "vkernel/internal/linux"

// Perm is what a permission check looks at.
type Perm struct {
	Mode     uint32 // with the type bits
	UID, GID uint32
}

// Type is the S_IFMT part of the mode.
func (p Perm) Type() uint32 { return p.Mode & linux.S_IFMT }

// Node is an inode. Nodes are compared by ==: a file system gives the same Node for the
// same file as long as anybody holds it.
type Node interface {
	// Perm is called for each component of each walk: it is fast and never fails.
	Perm() Perm
	Stat() (linux.Stat, linux.Errno)
	// SetAttr changes attributes. The caller has checked permissions.
	SetAttr(a *Attr) linux.Errno
	// Open makes a File for a regular file or directory; flags are those of open(2), of
	// which a file system needs the access mode, O_TRUNC and O_NOATIME only. O_TRUNC
	// truncates. It is not called for symbolic links and Special nodes.
	Open(c *Context, flags uint32) (File, linux.Errno)
}

// Attr is a change of attributes. Of the fields, those in Set are valid.
type Attr struct {
	Set          AttrSet
	Mode         uint32 // permission bits only
	UID, GID     uint32
	Size         int64
	Atime, Mtime linux.Timespec // Nsec may be UTIME_NOW
}

// AttrSet says which fields of an Attr are meant.
type AttrSet uint32

// Fields of Attr.
const (
	SetMode AttrSet = 1 << iota
	SetUID
	SetGID
	SetSize // of a regular file
	SetAtime
	SetMtime
	// KillPriv clears S_ISUID, and S_ISGID where the group may execute, under the same
	// lock as the rest of the change: chown, write and truncate by others than root.
	KillPriv
	// KillGroup clears S_ISGID whatever the group may do: the caller is not in it.
	KillGroup
)

// Dir is a node that holds names. at is always the directory's own entry, through which
// the walk came.
type Dir interface {
	Node
	// Lookup gives the entry called name: never "", "." or "..", at most NAME_MAX bytes.
	Lookup(c *Context, at *Entry, name string) (*Entry, linux.Errno)
}

// DirWriter is a directory whose names can be changed. Each method is atomic and checks,
// whatever its caller has seen before: EEXIST where the new name is taken, ENOENT where
// the directory is removed or child no longer lies there under its name.
type DirWriter interface {
	Dir
	// Create makes a new node called name.
	Create(at *Entry, name string, n *NewNode) (*Entry, linux.Errno)
	// Tmpfile makes a regular file without a name (link count 0), which lives as long as
	// it is pinned or open.
	Tmpfile(at *Entry, n *NewNode) (Node, linux.Errno)
	// Link gives target, a node of the same file system, one more name. A target whose link
	// count is 0 is ENOENT unless it came from Tmpfile.
	Link(at *Entry, name string, target Node) (*Entry, linux.Errno)
	// Remove removes child: a directory, which must be empty, if dir, else anything else.
	Remove(at *Entry, child *Entry, dir bool) linux.Errno
	// Rename moves child to the name to.Name in the directory to.Dir of the same file system.
	Rename(at *Entry, child *Entry, to *Target) linux.Errno
}

// NewNode describes a node to be made.
type NewNode struct {
	Mode     uint32 // with the type bits; umask and setgid rules are applied
	UID, GID uint32
	Rdev     uint64
	Link     string // target of a symbolic link
	Excl     bool   // Tmpfile: may not be linked later
	NoExec   bool   // Tmpfile: gets no x bit later
	Sealable bool   // Tmpfile: takes seals (memfd_create)
	Open     bool   // Create: the node's Open follows at once, whatever its mode allows
}

// Target is where a rename goes.
type Target struct {
	Dir      *Entry
	Name     string
	Entry    *Entry // what the caller found there, or nil; if that changed: EAGAIN
	Exchange bool   // RENAME_EXCHANGE: Entry takes the place of the child
}

// Symlink is a symbolic link.
type Symlink interface {
	Node
	// Readlink gives the target; c is who asks (/proc/self).
	Readlink(c *Context) (string, linux.Errno)
}

// MagicLink is a symbolic link that leads to an object rather than to a name, such as
// /proc/PID/fd/N, exe, cwd and root. Readlink still gives a text.
type MagicLink interface {
	Symlink
	// Jump gives where a walk goes on, and checks that c may.
	Jump(c *Context) (Path, linux.Errno)
}

// Special is a FIFO, socket or device, which is opened by the Opener that the namespace
// has for it.
type Special interface {
	Node
	Rdev() uint64
	// Attached gives the object behind this inode (a FIFO's pipe, a listening socket),
	// made by first if there is none yet. If first is nil, it may be nil.
	Attached(first func() any) any
}

// Pinner is a node whose content must be kept although no File is open: it is called
// around the life of an O_PATH descriptor. Pin reports whether the node still lives.
type Pinner interface {
	Pin() bool
	Unpin()
}

// FS is a file system. Its root lasts as long as it.
type FS interface {
	Root() *Entry
	Type() string // as in /proc/mounts
	Statfs() (linux.Statfs, linux.Errno)
}

// FixedNode can be embedded in a node whose attributes never change.
type FixedNode struct{}

// SetAttr refuses.
func (FixedNode) SetAttr(*Attr) linux.Errno { return linux.EPERM }
