package sock

import (
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// socketDevice is st_dev of sockets.
const socketDevice = 8

// node is the inode of a socket.
type node struct {
	socket *Socket
	ino    uint64

	mu sync.Mutex

	// guarded by mu
	stat linux.Stat
}

// Perm gives mode and owner.
func (n *node) Perm() vfs.Perm {
	n.mu.Lock()
	defer n.mu.Unlock()
	return vfs.Perm{Mode: n.stat.Mode, UID: n.stat.UID, GID: n.stat.GID}
}

// Stat is fstat(2).
func (n *node) Stat() (linux.Stat, linux.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stat, 0
}

// SetAttr is fchmod(2) and fchown(2).
func (n *node) SetAttr(a *vfs.Attr) linux.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.Set&vfs.SetMode != 0 {
		n.stat.Mode = linux.S_IFSOCK | a.Mode&linux.S_IALLUGO
	}
	if a.Set&vfs.SetUID != 0 {
		n.stat.UID = a.UID
	}
	if a.Set&vfs.SetGID != 0 {
		n.stat.GID = a.GID
	}
	return 0
}

// Open refuses: no socket is opened by a name.
func (n *node) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ENXIO }

// Rdev is none.
func (n *node) Rdev() uint64 { return 0 }

// Attached is the socket.
func (n *node) Attached(func() any) any { return n.socket }
