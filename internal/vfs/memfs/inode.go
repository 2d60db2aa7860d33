package memfs

import (
	"math"
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// inode is what all nodes have.
type inode struct {
	fs   *FS
	ino  uint64
	born int64

	// Changed under attr, read without a lock.
	mode  atomic.Uint32
	owner atomic.Uint64 // uid<<32 | gid
	nlink atomic.Int32

	// Realtime in ns. Timestamps that do not fit are clamped, as Linux does for file
	// systems with a range: to the years 1677 to 2262.
	atime, mtime, ctime atomic.Int64

	// For vfs.Witness: edits counts changes of anything but atime, once it is watched.
	watched atomic.Bool
	edits   atomic.Uint64

	attr sync.Mutex

	// guarded by attr
	free int32 // names that came from the base and are not charged
}

// init sets up a new inode.
func (n *inode) init(fs *FS, v *vfs.NewNode) {
	n.fs, n.ino, n.born = fs, fs.lastIno.Add(1), fs.opts.Clock()
	n.mode.Store(v.Mode)
	n.setOwner(v.UID, v.GID)
	n.nlink.Store(1)
	n.atime.Store(n.born)
	n.mtime.Store(n.born)
	n.ctime.Store(n.born)
}

func (n *inode) setOwner(uid, gid uint32) { n.owner.Store(uint64(uid)<<32 | uint64(gid)) }

// Perm gives mode and owner.
func (n *inode) Perm() vfs.Perm {
	o := n.owner.Load()
	return vfs.Perm{Mode: n.mode.Load(), UID: uint32(o >> 32), GID: uint32(o)}
}

// BirthTime is when the inode was made.
func (n *inode) BirthTime() linux.Timespec { return timespec(n.born) }

// stat gives what all nodes have.
func (n *inode) stat() linux.Stat {
	p := n.Perm()
	return linux.Stat{
		Dev: n.fs.opts.Dev, Ino: n.ino, Nlink: uint64(max(n.nlink.Load(), 0)),
		Mode: p.Mode, UID: p.UID, GID: p.GID, Blksize: pageSize,
		Atim: timespec(n.atime.Load()), Mtim: timespec(n.mtime.Load()), Ctim: timespec(n.ctime.Load()),
	}
}

// touch sets times of modification to now.
func (n *inode) touch() {
	now := n.fs.opts.Clock()
	n.mtime.Store(now)
	n.ctime.Store(now)
	n.noted()
}

// changed sets the ctime, after a change.
func (n *inode) changed() {
	n.ctime.Store(n.fs.opts.Clock())
	n.noted()
}

// noted counts a change, if somebody watches. It comes after the change, or under the lock that
// readers of what changes take.
func (n *inode) noted() {
	if n.watched.Load() {
		n.edits.Add(1)
		n.fs.edits.Add(1)
	}
}

// Watch counts the changes from now on.
func (n *inode) Watch() (changes uint64, all bool, fs *atomic.Uint64) {
	n.watched.Store(true)
	return n.edits.Load(), true, &n.fs.edits
}

// accessed records a read by the rule of relatime: at most once a day, unless the node
// has changed since.
func (n *inode) accessed() {
	const day = 24 * 60 * 60 * 1_000_000_000
	now, a := n.fs.opts.Clock(), n.atime.Load()
	if a <= n.mtime.Load() || a <= n.ctime.Load() || now-a >= day {
		n.atime.Store(now)
	}
}

// setAttr applies all but the size.
func (n *inode) setAttr(a *vfs.Attr) {
	n.attr.Lock()
	defer n.attr.Unlock()
	p := n.Perm()
	mode := p.Mode
	if a.Set&vfs.KillPriv != 0 {
		mode = withoutPriv(mode)
	}
	if a.Set&vfs.KillGroup != 0 {
		mode &^= linux.S_ISGID
	}
	if a.Set&vfs.SetMode != 0 {
		mode = mode&linux.S_IFMT | a.Mode
	}
	// The mode first: at no time is the file setuid of the new owner.
	n.mode.Store(mode)
	if a.Set&vfs.SetUID != 0 {
		p.UID = a.UID
	}
	if a.Set&vfs.SetGID != 0 {
		p.GID = a.GID
	}
	n.setOwner(p.UID, p.GID)
	now := n.fs.opts.Clock()
	if a.Set&vfs.SetAtime != 0 {
		n.atime.Store(nanos(a.Atime, now))
	}
	if a.Set&vfs.SetMtime != 0 {
		n.mtime.Store(nanos(a.Mtime, now))
	}
	n.ctime.Store(now)
	n.noted()
}

// withoutPriv drops S_ISUID, and S_ISGID of a file that its group may execute.
func withoutPriv(mode uint32) uint32 {
	mode &^= linux.S_ISUID
	if mode&linux.S_IXGRP != 0 {
		mode &^= linux.S_ISGID
	}
	return mode
}

// giveNameLocked gives back the charge for one name. Precondition: attr is held.
func (n *inode) giveNameLocked() {
	if n.free > 0 {
		n.free--
		return
	}
	n.fs.inodes.give(1)
}

// unlinked records that a name is gone, and reports whether it was the last.
func (n *inode) unlinked() bool {
	n.attr.Lock()
	defer n.attr.Unlock()
	defer n.changed()
	n.giveNameLocked()
	return n.nlink.Add(-1) == 0
}

// timespec and nanos convert between the two forms of time.
func timespec(ns int64) linux.Timespec {
	sec, nsec := ns/1e9, ns%1e9
	if nsec < 0 {
		sec, nsec = sec-1, nsec+1e9
	}
	return linux.Timespec{Sec: sec, Nsec: nsec}
}

func nanos(t linux.Timespec, now int64) int64 {
	const limit = math.MaxInt64/1_000_000_000 - 1 // seconds
	switch {
	case t.Nsec == linux.UTIME_NOW:
		return now
	case t.Sec > limit:
		return limit * 1e9
	case t.Sec < -limit:
		return -limit * 1e9
	}
	return t.Sec*1e9 + t.Nsec
}
