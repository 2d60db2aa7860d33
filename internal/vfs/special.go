package vfs

import (
	"sync"

	"vkernel/internal/linux"
)

// Opener makes the File for a special node. at is where it was found.
type Opener func(c *Context, at Path, n Special, flags uint32) (File, linux.Errno)

// AnyMinor registers an opener for all minor numbers.
const AnyMinor = ^uint32(0)

// openers is the registry of a namespace.
type openers struct {
	mu sync.RWMutex

	// guarded by mu
	byDev map[deviceKey]Opener
}

type deviceKey struct{ typ, major, minor uint32 }

// Register sets the opener of a kind of special node: typ is S_IFCHR, S_IFBLK, S_IFIFO or
// S_IFSOCK; the numbers are those of a device, else 0. Without an opener, open(2) is ENXIO.
func (ns *Namespace) Register(typ, major, minor uint32, open Opener) {
	ns.openers.mu.Lock()
	defer ns.openers.mu.Unlock()
	if ns.openers.byDev == nil {
		ns.openers.byDev = map[deviceKey]Opener{}
	}
	ns.openers.byDev[deviceKey{typ, major, minor}] = open
}

func (ns *Namespace) opener(typ uint32, rdev uint64) Opener {
	ns.openers.mu.RLock()
	defer ns.openers.mu.RUnlock()
	k := deviceKey{typ: typ}
	if typ == linux.S_IFCHR || typ == linux.S_IFBLK {
		k.major, k.minor = linux.Major(rdev), linux.Minor(rdev)
	}
	if open := ns.openers.byDev[k]; open != nil {
		return open
	}
	k.minor = AnyMinor
	return ns.openers.byDev[k]
}

// openSpecial opens the special node at p.
func (c *Context) openSpecial(p Path, n Special, flags uint32) (File, linux.Errno) {
	typ := n.Perm().Type()
	if p.Mount.Flags&NoDev != 0 && (typ == linux.S_IFCHR || typ == linux.S_IFBLK) {
		return nil, linux.EACCES
	}
	open := c.ns.opener(typ, n.Rdev())
	if open == nil {
		return nil, linux.ENXIO
	}
	return open(c, p, n, flags)
}
