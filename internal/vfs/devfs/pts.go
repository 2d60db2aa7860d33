package devfs

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/tty"
)

// maxPTYs bounds the pseudo terminals of a container; more are ENOSPC, as on Linux.
const maxPTYs = 256

// Device numbers of pseudo terminals.
const (
	ptmxMajor, ptmxMinor = 5, 2
	slaveMajor           = 136
)

// PTS is the pseudo terminals of a container, and the file system of /dev/pts in which
// their slaves appear.
type PTS struct {
	jobs tty.Jobs
	dev  uint64
	root *vfs.Entry
	ptmx *vfs.Entry

	mu sync.Mutex

	// guarded by mu
	slaves map[int]*slave
}

// slave is the node of a slave.
type slave struct {
	special
	tty   *tty.TTY
	entry *vfs.Entry
}

// NewPTS makes it without terminals. dev is its st_dev.
func NewPTS(dev uint64, jobs tty.Jobs) *PTS {
	p := &PTS{jobs: jobs, dev: dev, slaves: map[int]*slave{}}
	dir, ptmx := &ptsDir{pts: p}, new(special)
	dir.init(dev, 1, linux.S_IFDIR|0o755, 0)
	ptmx.init(dev, 2, linux.S_IFCHR|0o666, linux.Makedev(ptmxMajor, ptmxMinor))
	p.root = vfs.NewRoot(dir)
	p.ptmx = vfs.NewEntry(p.root, "ptmx", ptmx)
	return p
}

// Root is the directory of slaves.
func (p *PTS) Root() *vfs.Entry { return p.root }

// Type is the file system's type.
func (p *PTS) Type() string { return "devpts" }

// Statfs is statfs(2).
func (p *PTS) Statfs() (linux.Statfs, linux.Errno) {
	return linux.Statfs{Type: linux.DEVPTS_SUPER_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
}

// register tells ns how to open masters and slaves.
func (p *PTS) register(ns *vfs.Namespace) {
	ns.Register(linux.S_IFCHR, ptmxMajor, ptmxMinor, func(c *vfs.Context, _ vfs.Path, n vfs.Special, _ uint32) (vfs.File, linux.Errno) {
		return p.create(c.Cred(), n)
	})
	ns.Register(linux.S_IFCHR, slaveMajor, vfs.AnyMinor, func(_ *vfs.Context, _ vfs.Path, n vfs.Special, _ uint32) (vfs.File, linux.Errno) {
		p.mu.Lock()
		s := p.slaves[int(linux.Minor(n.Rdev()))]
		p.mu.Unlock()
		if s == nil {
			return nil, linux.EIO
		}
		return openTTY(s.tty, n)
	})
}

// create makes a pseudo terminal with the lowest free number and opens its master. The
// slave belongs to the caller and goes when the master is closed.
func (p *PTS) create(cred *vfs.Cred, ptmx vfs.Special) (vfs.File, linux.Errno) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for p.slaves[n] != nil {
		n++
	}
	if n >= maxPTYs {
		return nil, linux.ENOSPC
	}
	rdev := linux.Makedev(slaveMajor, uint32(n))
	s := new(slave)
	s.init(p.dev, uint64(n)+3, linux.S_IFCHR|0o620, rdev)
	s.stat.UID, s.stat.GID = cred.FSUID, cred.FSGID
	s.tty = tty.NewPTY(p.jobs, rdev, fmt.Sprintf("/dev/pts/%d", n))
	s.entry = vfs.NewEntry(p.root, strconv.Itoa(n), s)
	p.slaves[n] = s
	return s.tty.Master(ptmx, p), 0
}

// MasterClosed ends a slave's name.
func (p *PTS) MasterClosed(t *tty.TTY) {
	n := int(linux.Minor(t.Device()))
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.slaves[n]; s != nil && s.tty == t {
		s.entry.Remove()
		delete(p.slaves, n)
	}
}

// node is a node of the file system.
type node struct {
	mu sync.Mutex

	// guarded by mu
	stat linux.Stat
}

func (n *node) init(dev, ino uint64, mode uint32, rdev uint64) {
	now := time.Now()
	t := linux.Timespec{Sec: now.Unix(), Nsec: int64(now.Nanosecond())}
	links := uint64(1)
	if mode&linux.S_IFMT == linux.S_IFDIR {
		links = 2
	}
	n.stat = linux.Stat{
		Dev: dev, Ino: ino, Mode: mode, Nlink: links, Rdev: rdev, Blksize: 4096, Atim: t, Mtim: t, Ctim: t,
	}
}

func (n *node) Stat() (linux.Stat, linux.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stat, 0
}

func (n *node) Perm() vfs.Perm {
	s, _ := n.Stat()
	return vfs.Perm{Mode: s.Mode, UID: s.UID, GID: s.GID}
}

func (n *node) SetAttr(a *vfs.Attr) linux.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.Set&vfs.SetMode != 0 {
		n.stat.Mode = n.stat.Mode&linux.S_IFMT | a.Mode&linux.S_IALLUGO
	}
	if a.Set&vfs.SetUID != 0 {
		n.stat.UID = a.UID
	}
	if a.Set&vfs.SetGID != 0 {
		n.stat.GID = a.GID
	}
	return 0
}

// special is a node that the namespace's openers open.
type special struct{ node }

func (s *special) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ENXIO }

func (s *special) Rdev() uint64 { return s.stat.Rdev }

func (s *special) Attached(func() any) any { return nil }

// ptsDir is the root directory.
type ptsDir struct {
	node
	pts *PTS
}

// Lookup finds "ptmx" and the slaves.
func (d *ptsDir) Lookup(_ *vfs.Context, _ *vfs.Entry, name string) (*vfs.Entry, linux.Errno) {
	if name == "ptmx" {
		return d.pts.ptmx, 0
	}
	n, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(n) != name {
		return nil, linux.ENOENT
	}
	d.pts.mu.Lock()
	defer d.pts.mu.Unlock()
	s := d.pts.slaves[n]
	if s == nil {
		return nil, linux.ENOENT
	}
	return s.entry, 0
}

// Open opens the directory for reading.
func (d *ptsDir) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return &ptsList{d: d}, 0 }

// ptsList is the open directory. The cookie after a slave is its number plus three.
type ptsList struct {
	vfs.BaseFile
	d *ptsDir
}

func (l *ptsList) Stat() (linux.Stat, linux.Errno) { return l.d.Stat() }

func (l *ptsList) Read([]byte, int64) (int, linux.Errno) { return 0, linux.EISDIR }

func (l *ptsList) ReadDir(_ *vfs.Context, cookie int64, emit func(*linux.Dirent) bool) linux.Errno {
	l.d.pts.mu.Lock()
	numbers := make([]int, 0, len(l.d.pts.slaves))
	for n := range l.d.pts.slaves {
		numbers = append(numbers, n)
	}
	l.d.pts.mu.Unlock()
	slices.Sort(numbers)
	all := []linux.Dirent{
		{Ino: 1, Off: 1, Type: linux.DT_DIR, Name: "."},
		{Ino: 1, Off: 2, Type: linux.DT_DIR, Name: ".."},
		{Ino: 2, Off: 3, Type: linux.DT_CHR, Name: "ptmx"},
	}
	for _, n := range numbers {
		all = append(all, linux.Dirent{Ino: uint64(n) + 3, Off: int64(n) + 4, Type: linux.DT_CHR, Name: strconv.Itoa(n)})
	}
	for i := range all {
		if all[i].Off > cookie && !emit(&all[i]) {
			break
		}
	}
	return 0
}
