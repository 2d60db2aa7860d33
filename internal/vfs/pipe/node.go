package pipe

import (
	"fmt"
	"sync"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// node is the inode of an anonymous pipe.
type node struct {
	pipe *Pipe

	mu sync.Mutex

	// guarded by mu
	stat linux.Stat
}

func (n *node) Perm() vfs.Perm {
	n.mu.Lock()
	defer n.mu.Unlock()
	return vfs.Perm{Mode: n.stat.Mode, UID: n.stat.UID, GID: n.stat.GID}
}

func (n *node) Stat() (linux.Stat, linux.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stat, 0
}

func (n *node) SetAttr(a *vfs.Attr) linux.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.Set&vfs.SetMode != 0 {
		n.stat.Mode = linux.S_IFIFO | a.Mode&linux.S_IALLUGO
	}
	if a.Set&vfs.SetUID != 0 {
		n.stat.UID = a.UID
	}
	if a.Set&vfs.SetGID != 0 {
		n.stat.GID = a.GID
	}
	return 0
}

// Open is not used: pipes are opened by Opener.
func (n *node) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ENXIO }

func (n *node) Rdev() uint64 { return 0 }

func (n *node) Attached(func() any) any { return n.pipe }

// fixed is what is the same in the stat of all pipes.
var fixed = linux.Stat{Nlink: 1, Blksize: PageSize}

// New makes an anonymous pipe and opens both of its ends. st holds its owner and times;
// inode number, type and mode are filled in. path is the place of both ends.
func New(pool *Pool, st linux.Stat) (r, w *End, path vfs.Path) {
	st.Ino = pool.inode.Add(1)
	st.Mode = linux.S_IFIFO | 0o600
	st.Nlink, st.Blksize = fixed.Nlink, fixed.Blksize
	n := &node{stat: st}
	p := NewFIFO(pool, n)
	n.pipe, p.anonymous = p, true
	p.readers, p.writers, p.readersEver, p.writersEver = 1, 1, 1, 1
	path = vfs.Anonymous(fmt.Sprintf("pipe:[%d]", st.Ino), n)
	return &End{pipe: p, reads: true}, &End{pipe: p, writes: true}, path
}

// Opener opens FIFOs, with pipes of the pool. The namespace registers it for S_IFIFO.
func Opener(pool *Pool) vfs.Opener {
	return func(_ *vfs.Context, _ vfs.Path, n vfs.Special, flags uint32) (vfs.File, linux.Errno) {
		p, ok := n.Attached(func() any { return NewFIFO(pool, n) }).(*Pipe)
		if !ok {
			return nil, linux.ENXIO
		}
		e, errno := p.Open(flags)
		if errno != 0 {
			return nil, errno
		}
		return e, 0
	}
}

// Stream says that a pipe has no positions.
func (e *End) Stream() {}

// Ioctl serves FIONREAD.
func (e *End) Ioctl(_ *vfs.Context, mem guest.Memory, cmd, arg uint32) (int64, linux.Errno) {
	if cmd != linux.FIONREAD {
		return 0, linux.ENOTTY
	}
	n := int32(e.pipe.Buffered())
	return 0, guest.Put(mem, arg, &n)
}
