package hostfs

import (
	"errors"
	"fmt"
	"math"
	"path"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
)

// Types are what this package saves.
var Types = []state.Type{
	state.Of[FS](1), state.Of[dir](1), state.Of[file](1), state.Of[link](1), state.Of[other](1),
	state.Of[handle](1), state.Of[dirHandle](1), state.Of[mapping](1),
}

// Place is the host's directory that a file system shows: given anew when a container is restored. If it is the
// directory that it was, by device and inode, what is open in it has to be the same files; else it was moved, and
// what is open has to have the same names and types, and regular files the same size and time of change.
type Place struct {
	fd       int
	dev, ino uint64
	readOnly bool
}

// loading is what is known of a file system while it is loaded.
type loading struct {
	moved bool
	found map[*node]bool // they were looked at
}

// Externals names the directory.
func (fs *FS) Externals(give func(name string, o any)) { give("host directory", fs.place) }

// StateType names the type.
func (*FS) StateType() string { return "hostfs.FS" }

// SaveState writes which directory it is. Descriptors of directories are opened again.
func (fs *FS) SaveState(e *state.Encoder) {
	state.Ref(e, fs.place)
	e.Uint(fs.place.dev)
	e.Uint(fs.place.ino)
	fs.opts.SaveState(e)
	state.Ref(e, fs.root)
}

// LoadState reads it.
func (fs *FS) LoadState(d *state.Decoder) {
	fs.place = state.Need[*Place](d)
	dev, ino := d.Uint(math.MaxUint64), d.Uint(math.MaxUint64)
	fs.opts.LoadState(d)
	fs.root = state.Need[*vfs.Entry](d)
	if d.Failed() {
		return
	}
	fs.dev = fs.place.dev
	fs.opts.ReadOnly = fs.opts.ReadOnly || fs.place.readOnly
	fs.loading = &loading{moved: dev != fs.place.dev || ino != fs.place.ino, found: map[*node]bool{}}
	d.Complete(fs.loadRoot)
	d.After(func() error {
		fs.loading = nil
		return nil
	})
}

// loadRoot says that the root is the directory that was given. It may be called again.
func (fs *FS) loadRoot() error {
	r, ok := fs.root.Node().(*dir)
	if !ok || r.fs != fs || fs.loading == nil || fs.place == nil {
		return errors.New("a host directory without a root")
	}
	r.ino = fs.place.ino
	return nil
}

// SaveState writes the options.
func (o *Options) SaveState(e *state.Encoder) {
	e.Uint(o.Dev)
	e.Bool(o.ReadOnly)
	e.Bool(o.Owner != nil)
	if o.Owner != nil {
		e.Uint(uint64(o.Owner.UID))
		e.Uint(uint64(o.Owner.GID))
	}
}

// LoadState reads them.
func (o *Options) LoadState(d *state.Decoder) {
	o.Dev, o.ReadOnly = d.Uint(math.MaxUint64), d.Bool()
	if d.Bool() {
		o.Owner = &Owner{UID: uint32(d.Uint(math.MaxUint32)), GID: uint32(d.Uint(math.MaxUint32))}
	}
}

// saveNode writes what all nodes have.
func (n *node) saveNode(e *state.Encoder) {
	state.Ref(e, n.fs)
	state.Ref(e, n.entry)
	e.Uint(n.ino)
	p := n.Perm()
	for _, v := range []uint32{p.Mode, p.UID, p.GID} {
		e.Uint(uint64(v))
	}
}

// loadNode reads it, and has the node looked for on the host.
func (n *node) loadNode(d *state.Decoder, typ func(uint32) bool) {
	n.fs = state.Need[*FS](d)
	n.entry = state.Need[*vfs.Entry](d)
	n.ino = d.Uint(math.MaxUint64)
	p := &vfs.Perm{Mode: uint32(d.Uint(math.MaxUint32)), UID: uint32(d.Uint(math.MaxUint32)), GID: uint32(d.Uint(math.MaxUint32))}
	n.perm.Store(p)
	if n.typ = p.Mode & linux.S_IFMT; !typ(n.typ) {
		d.Failf("inode %d of the host has mode %o", n.ino, p.Mode)
	}
	d.Complete(n.find)
}

// find looks for the node on the host, after the directories above it: it has to be there still, and to be what it
// was. What has no name any more is not looked for.
func (n *node) find() error { return n.findAt(0) }

func (n *node) findAt(depth int) error {
	if n.fs.loading == nil {
		return errors.New("a node of a host directory that was not saved")
	}
	if n.fs.loading.found[n] {
		return nil
	}
	n.fs.loading.found[n] = true
	if n.entry == n.fs.root {
		return n.fs.loadRoot()
	}
	if n.entry.Removed() {
		return nil
	}
	var parent *dir
	if p := n.entry.Parent(); p != nil {
		parent, _ = p.Node().(*dir)
	}
	if parent == nil || parent.fs != n.fs || depth == maxDepth {
		return fmt.Errorf("%s lies in no directory of the host", n.place())
	}
	if err := parent.findAt(depth + 1); err != nil {
		return err
	}
	if parent.entry.Removed() {
		return fmt.Errorf("%s lies in a directory that was removed", n.place())
	}
	dfd, e := parent.acquire()
	if e != 0 {
		return fmt.Errorf("%s: %w", n.place(), e)
	}
	defer parent.release()
	var s unix.Stat_t
	if err := unix.Fstatat(dfd, n.entry.Name(), &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("%s: %w", n.place(), err)
	}
	if n.fs.loading.moved && s.Dev == n.fs.dev {
		n.ino = s.Ino
	}
	if !n.is(&s) {
		return fmt.Errorf("%s: it is another file than it was", n.place())
	}
	n.see(&s)
	parent.mu.Lock()
	defer parent.mu.Unlock()
	parent.rememberLocked(n.entry.Name(), n.entry)
	return nil
}

// place names the node for an error: its path in the directory.
func (n *node) place() string {
	name := ""
	for e := n.entry; e.Parent() != nil && len(name) < linux.PATH_MAX; e = e.Parent() {
		name = path.Join(e.Name(), name)
	}
	return fmt.Sprintf("host file %.200q", name)
}

// StateType names the type.
func (*dir) StateType() string { return "hostfs.dir" }

// SaveState writes the directory. What is known of its names is said by these.
func (x *dir) SaveState(e *state.Encoder) { x.node.saveNode(e) }

// LoadState reads it.
func (x *dir) LoadState(d *state.Decoder) {
	x.fd = -1
	x.node.loadNode(d, func(typ uint32) bool { return typ == linux.S_IFDIR })
}

// StateType names the type.
func (*link) StateType() string { return "hostfs.link" }

// SaveState writes the link.
func (l *link) SaveState(e *state.Encoder) { l.node.saveNode(e) }

// LoadState reads it.
func (l *link) LoadState(d *state.Decoder) {
	l.node.loadNode(d, func(typ uint32) bool { return typ == linux.S_IFLNK })
}

// StateType names the type.
func (*other) StateType() string { return "hostfs.other" }

// SaveState writes the node.
func (o *other) SaveState(e *state.Encoder) { o.node.saveNode(e) }

// LoadState reads it.
func (o *other) LoadState(d *state.Decoder) {
	o.node.loadNode(d, func(typ uint32) bool {
		return typ != linux.S_IFDIR && typ != linux.S_IFREG && typ != linux.S_IFLNK
	})
}

// StateType names the type.
func (*dirHandle) StateType() string { return "hostfs.dirHandle" }

// SaveState writes the open directory.
func (h *dirHandle) SaveState(e *state.Encoder) { state.Ref(e, h.d) }

// LoadState reads it, and opens the directory again. One that was removed has nothing in it.
func (h *dirHandle) LoadState(d *state.Decoder) {
	h.fd = -1
	h.d = state.Need[*dir](d)
	d.Complete(func() error {
		if err := h.d.find(); err != nil || h.d.entry.Removed() {
			return err
		}
		dfd, e := h.d.acquire()
		if e != 0 {
			return fmt.Errorf("%s: %w", h.d.place(), e)
		}
		defer h.d.release()
		fd, err := openAt(dfd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", h.d.place(), err)
		}
		h.fd = fd
		d.Undo(func() { unix.Close(fd) })
		return nil
	})
}
