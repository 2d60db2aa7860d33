// Package devfs is /dev: its file system and what stands behind its devices.
//
// # Model
//
// /dev is a memory file system that New fills with device nodes, and that a container's
// programs may add to (/dev/shm is a place to mount one of their own on). The nodes are only numbers; Register tells a
// namespace what to open for them. Pseudo terminals have a file system of their own (PTS),
// to be mounted on /dev/pts.
//
// Standard input, output and error of a container without a terminal are pipes whose other
// end the kernel serves (package hostio); /dev/stdin and its like are links to /proc/self/fd.
package devfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/tty"
)

// size bounds what programs may store in /dev.
const size = 64 << 20

// device is a node of /dev.
type device struct {
	name         string
	mode         uint32
	major, minor uint32
}

var devices = []device{
	{"null", 0o666, 1, 3},
	{"zero", 0o666, 1, 5},
	{"full", 0o666, 1, 7},
	{"random", 0o666, 1, 8},
	{"urandom", 0o666, 1, 9},
	{"tty", 0o666, 5, 0},
	{"generation", 0o444, 10, generationMinor},
}

// links of /dev.
var links = [][2]string{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
}

// New makes the file system of /dev. dev is its st_dev; console says whether there is a
// /dev/console. It has the directory "pts" for a PTS.
func New(dev uint64, console bool) (vfs.FS, linux.Errno) {
	fs, e := memfs.New(memfs.Options{Dev: dev, Bytes: size, Inodes: 1 << 14, Type: "devtmpfs", Magic: linux.TMPFS_MAGIC})
	if e != 0 {
		return nil, e
	}
	c := vfs.NewContext(vfs.NewNamespace(fs, "devtmpfs", 0), vfs.Root(), nil)
	c.SetUmask(0)
	all := devices
	if console {
		all = append(all[:len(all):len(all)], device{"console", 0o620, 5, 1})
	}
	for _, d := range all {
		if e := c.MakeDevice(vfs.Path{}, d.name, linux.S_IFCHR|d.mode, linux.Makedev(d.major, d.minor)); e != 0 {
			return nil, e
		}
	}
	for _, l := range links {
		if e := c.Symlink(l[1], vfs.Path{}, l[0]); e != 0 {
			return nil, e
		}
	}
	if e := c.Mkdir(vfs.Path{}, "pts", 0o755); e != 0 {
		return nil, e
	}
	return fs, c.Mkdir(vfs.Path{}, "shm", 0o1777)
}

// Register tells ns what the devices are. console may be nil.
func Register(ns *vfs.Namespace, console *tty.TTY, pts *PTS) {
	files := map[uint32]func(n vfs.Special) vfs.File{
		3: func(n vfs.Special) vfs.File { return &null{base{node: n}} },
		5: func(n vfs.Special) vfs.File { return &zero{base{node: n}} },
		7: func(n vfs.Special) vfs.File { return &full{zero{base{node: n}}} },
		8: func(n vfs.Special) vfs.File { return &random{base{node: n}} },
		9: func(n vfs.Special) vfs.File { return &random{base{node: n}} },
	}
	for minor, open := range files {
		ns.Register(linux.S_IFCHR, 1, minor, func(_ *vfs.Context, _ vfs.Path, n vfs.Special, _ uint32) (vfs.File, linux.Errno) {
			return open(n), 0
		})
	}
	ns.Register(linux.S_IFCHR, 5, 0, func(c *vfs.Context, _ vfs.Path, n vfs.Special, _ uint32) (vfs.File, linux.Errno) {
		return openTTY(tty.JobOf(c).Terminal(), n)
	})
	ns.Register(linux.S_IFCHR, 5, 1, func(_ *vfs.Context, _ vfs.Path, n vfs.Special, _ uint32) (vfs.File, linux.Errno) {
		return openTTY(console, n)
	})
	pts.register(ns)
}

// openTTY opens a terminal, which may be none, under a device node.
func openTTY(t *tty.TTY, n vfs.Special) (vfs.File, linux.Errno) {
	if t == nil {
		return nil, linux.ENXIO
	}
	f, e := t.Open(n)
	if e != 0 {
		return nil, e
	}
	return f, 0
}
