// Package rootfs is the root file system of a bundle: the read-only tree under a
// container's memory layer.
//
// # Model
//
// Names, modes, links and sizes are those of the signed list (manifest.Root). Contents are
// opened by the bundle, which compares them with the list's digests; a file that differs
// is EIO, and Options.Refused is told why. What else lies in the bundle's directory on the
// host does not exist here.
//
// Everything belongs to user and group 0 and has one time, Time, so that the same bundle
// looks the same everywhere. The list is walked when a directory is first looked at.
package rootfs

import (
	"fmt"
	"os"
	"path"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// Time is the time of every file, in seconds: 1980-01-02. Not 0, which some programs take for "unknown";
// and in no time zone before 1980, where the times of zip and FAT begin.
const Time = 10*365*86400 + 3*86400

const blockSize = 4096

// Options say where a tree comes from.
type Options struct {
	List *manifest.Root
	// Digest is the list's in the manifest: how a container that was saved finds the tree again.
	Digest [32]byte
	// Content opens the verified content of a regular file (bundle.Bundle.Content).
	Content func(n *manifest.Node) (*os.File, error)
	// Refused is told why a content could not be opened; nil for nobody.
	Refused func(n *manifest.Node, err error)
}

// Tree is the tree of a list. It is a memfs.Base.
type Tree struct {
	Options
	children map[string][]int32 // directory -> its nodes
	links    map[string]links   // by the first name of a file that has several
}

// links is what the names of one file share.
type links struct{ ino, names uint64 }

// New makes the tree of a list.
func New(o Options) *Tree {
	t := &Tree{Options: o, children: map[string][]int32{}, links: map[string]links{}}
	for i := range o.List.Files {
		n := &o.List.Files[i]
		dir := path.Dir(n.Path)
		t.children[dir] = append(t.children[dir], int32(i))
		if n.Hardlink != "" { // numbered after all places in the list
			l, ok := t.links[n.Hardlink]
			if !ok {
				l = links{uint64(len(o.List.Files)+len(t.links)) + 2, 1}
			}
			l.names++
			t.links[n.Hardlink] = l
		}
	}
	return t
}

// Root describes the root directory.
func (t *Tree) Root() (memfs.BaseNode, linux.Errno) {
	return t.directory("/", stat(1, linux.S_IFDIR|0o755)), 0
}

// Layer makes the container's root: a writable layer in memory over the tree. opts.Base is
// set here.
func (t *Tree) Layer(opts memfs.Options) (*memfs.FS, linux.Errno) {
	opts.Base = t
	if opts.Type == "" {
		opts.Type, opts.Magic = "overlay", linux.OVERLAYFS_SUPER_MAGIC
	}
	return memfs.New(opts)
}

// stat is what all nodes have alike.
func stat(ino uint64, mode uint32) linux.Stat {
	at := linux.Timespec{Sec: Time}
	return linux.Stat{Ino: ino, Nlink: 1, Mode: mode, Blksize: blockSize, Atim: at, Mtim: at, Ctim: at}
}

// Find gives the node of a path in the list.
func (t *Tree) Find(p string) (memfs.BaseNode, linux.Errno) {
	if p == "/" {
		return t.Root()
	}
	for _, i := range t.children[path.Dir(p)] {
		if t.List.Files[i].Path == p {
			return t.node(int(i)), 0
		}
	}
	return memfs.BaseNode{}, linux.ENOENT
}

// Externals names the tree by what its list says: a container that was saved over it is loaded over the same.
func (t *Tree) Externals(give func(name string, o any)) {
	give(fmt.Sprintf("files of the bundle %x", t.Digest), t)
}

func (t *Tree) directory(p string, st linux.Stat) memfs.BaseNode {
	return memfs.BaseNode{Path: p, Stat: st, List: func() ([]memfs.BaseEntry, linux.Errno) {
		list := make([]memfs.BaseEntry, 0, len(t.children[p]))
		for _, i := range t.children[p] {
			list = append(list, memfs.BaseEntry{Name: path.Base(t.List.Files[i].Path), Node: t.node(int(i))})
		}
		return list, 0
	}}
}

func (t *Tree) node(i int) memfs.BaseNode {
	n := &t.List.Files[i]
	ino := uint64(i) + 2
	switch n.Type {
	case manifest.TypeDir:
		return t.directory(n.Path, stat(ino, linux.S_IFDIR|uint32(n.Mode)))
	case manifest.TypeLink:
		st := stat(ino, linux.S_IFLNK|uint32(n.Mode))
		st.Size = int64(len(n.Target))
		return memfs.BaseNode{Path: n.Path, Stat: st, Link: n.Target}
	}
	st := stat(ino, linux.S_IFREG|uint32(n.Mode))
	st.Size = int64(n.Size)
	st.Blocks = (st.Size + blockSize - 1) / blockSize * (blockSize / 512)
	first := n.Path
	if n.Hardlink != "" {
		first = n.Hardlink
	}
	if l, ok := t.links[first]; ok {
		st.Ino, st.Nlink = l.ino, l.names
	}
	return memfs.BaseNode{Path: n.Path, Stat: st, Open: func() (vfs.File, linux.Errno) { return t.open(n, st) }}
}

func (t *Tree) open(n *manifest.Node, st linux.Stat) (vfs.File, linux.Errno) {
	f, err := t.Content(n)
	if err == nil {
		return &file{host: f, stat: st, sum: *n.SHA256}, 0
	}
	if t.Refused != nil {
		t.Refused(n, err)
	}
	return nil, linux.EIO
}

// file is an open content.
type file struct {
	vfs.BaseFile
	host *os.File
	stat linux.Stat
	sum  [32]byte
}

// SHA256 is the list's digest. What is mapped is compared with it once more (memfs): a mapping lasts.
func (f *file) SHA256() [32]byte { return f.sum }

// Stat is the list's.
func (f *file) Stat() (linux.Stat, linux.Errno) { return f.stat, 0 }

// Read reads at off; p may be guest memory, for which pread(2) says EFAULT where it has
// to.
func (f *file) Read(p []byte, off int64) (int, linux.Errno) {
	n, err := f.host.ReadAt(p, off)
	if n > 0 || len(p) == 0 || off >= f.stat.Size {
		return n, 0
	}
	if err != nil {
		return 0, linux.From(err)
	}
	return n, 0
}

// Write refuses.
func (f *file) Write([]byte, int64) (int, linux.Errno) { return 0, linux.EROFS }

// HostFD is the host's descriptor.
func (f *file) HostFD() int { return int(f.host.Fd()) }

// Close closes it.
func (f *file) Close() { f.host.Close() }
