// Package lock keeps the advisory locks on files: those of fcntl(2), owned by a process's
// descriptor table (POSIX) or by an open file description (OFD), and those of flock(2).
//
// # Model
//
// A Registry holds the locks of one kernel by inode. A lock that conflicts is EAGAIN, and
// Queue is notified whenever a lock is given up. There is one queue for all inodes: locks
// that are waited for are rare, and a waiter tries again at little cost.
//
// # Lock order
//
// Registry.mu is a leaf above wait.Queue.
package lock

import (
	"math"
	"slices"
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// maxLocks bounds the locks of a kernel; beyond it is ENOLCK.
const maxLocks = 1 << 16

// EOF is the End of a lock that reaches to the end of the file, however far it grows.
const EOF = math.MaxInt64

// Key names an inode.
type Key struct{ Dev, Ino uint64 }

// Lock is a lock on the bytes Start to End, both included. Owners are compared by ==.
type Lock struct {
	Start, End int64
	Write      bool
	Owner      any
	PID        int32 // shown by F_GETLK; -1 for an OFD lock
}

// Registry is the locks of one kernel. The zero value is empty.
type Registry struct {
	queue wait.Queue

	mu sync.Mutex

	// guarded by mu
	ranges  map[Key][]Lock // fcntl, sorted by Start within an owner
	whole   map[Key][]Lock // flock
	count   int
	waiting map[any]any // owner that waits -> owner it waits for
}

// Queue is notified when a lock has been given up.
func (r *Registry) Queue() *wait.Queue { return &r.queue }

// conflict finds a lock of another owner that excludes l.
func conflict(locks []Lock, l *Lock) *Lock {
	for i := range locks {
		o := &locks[i]
		if o.Owner != l.Owner && (o.Write || l.Write) && o.Start <= l.End && l.Start <= o.End {
			return o
		}
	}
	return nil
}

// Test gives a lock that would keep l from being set (F_GETLK).
func (r *Registry) Test(k Key, l Lock) (Lock, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := conflict(r.ranges[k], &l); c != nil {
		return *c, true
	}
	return Lock{}, false
}

// Set sets l, replacing what its owner had on those bytes. EAGAIN: another owner excludes
// it. If the caller is going to wait, a circle of waiting owners is EDEADLK; the caller
// that gives up waiting calls Forget.
func (r *Registry) Set(k Key, l Lock, waits bool) linux.Errno {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := conflict(r.ranges[k], &l); c != nil {
		if !waits {
			return linux.EAGAIN
		}
		return r.waitLocked(l.Owner, c.Owner)
	}
	delete(r.waiting, l.Owner)
	if r.count >= maxLocks {
		return linux.ENOLCK
	}
	r.carveLocked(k, l)
	r.storeLocked(k, append(r.ranges[k], l))
	return 0
}

// waitLocked notes that one owner waits for another: EAGAIN, or EDEADLK in a circle.
func (r *Registry) waitLocked(owner, blocker any) linux.Errno {
	for next, ok := blocker, true; ok; next, ok = r.waiting[next] {
		if next == owner {
			return linux.EDEADLK
		}
	}
	if r.waiting == nil {
		r.waiting = map[any]any{}
	}
	r.waiting[owner] = blocker
	return linux.EAGAIN
}

// Forget tells that owner no longer waits.
func (r *Registry) Forget(owner any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, owner)
}

// Unset gives up the owner's locks on the bytes start to end.
func (r *Registry) Unset(k Key, owner any, start, end int64) linux.Errno {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count >= maxLocks && end != EOF {
		return linux.ENOLCK // it may split a lock in two
	}
	r.carveLocked(k, Lock{Start: start, End: end, Owner: owner})
	r.queue.Notify(wait.In)
	return 0
}

// carveLocked removes the bytes of l from the locks of its owner, which may split them.
func (r *Registry) carveLocked(k Key, l Lock) {
	overlaps := func(o Lock) bool { return o.Owner == l.Owner && o.Start <= l.End && l.Start <= o.End }
	if !slices.ContainsFunc(r.ranges[k], overlaps) {
		return
	}
	var kept []Lock
	for _, o := range r.ranges[k] {
		if o.Owner != l.Owner || o.End < l.Start || o.Start > l.End {
			kept = append(kept, o)
			continue
		}
		if o.Start < l.Start {
			left := o
			left.End = l.Start - 1
			kept = append(kept, left)
		}
		if o.End > l.End {
			right := o
			right.Start = l.End + 1
			kept = append(kept, right)
		}
	}
	r.storeLocked(k, kept)
	// A lock that shrank from writing to reading lets others in.
	r.queue.Notify(wait.In)
}

// storeLocked replaces the range locks of an inode.
func (r *Registry) storeLocked(k Key, locks []Lock) {
	r.count += len(locks) - len(r.ranges[k])
	if len(locks) == 0 {
		delete(r.ranges, k)
		return
	}
	if r.ranges == nil {
		r.ranges = map[Key][]Lock{}
	}
	r.ranges[k] = locks
}

// Flock sets a lock of flock(2) on the whole file. A change of kind gives the old one up
// first, as on Linux. EAGAIN: another owner excludes it.
func (r *Registry) Flock(k Key, owner any, write bool) linux.Errno {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := Lock{End: EOF, Write: write, Owner: owner}
	if slices.Contains(r.whole[k], l) {
		return 0
	}
	r.funlockLocked(k, owner)
	if conflict(r.whole[k], &l) != nil {
		return linux.EAGAIN
	}
	if r.count >= maxLocks {
		return linux.ENOLCK
	}
	if r.whole == nil {
		r.whole = map[Key][]Lock{}
	}
	r.whole[k] = append(r.whole[k], l)
	r.count++
	return 0
}

// Funlock gives up the owner's lock of flock(2).
func (r *Registry) Funlock(k Key, owner any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.funlockLocked(k, owner)
}

func (r *Registry) funlockLocked(k Key, owner any) {
	old := r.whole[k]
	kept := slices.DeleteFunc(old, func(l Lock) bool { return l.Owner == owner })
	if len(kept) == len(old) {
		return
	}
	r.count -= len(old) - len(kept)
	r.whole[k] = kept
	if len(kept) == 0 {
		delete(r.whole, k)
	}
	r.queue.Notify(wait.In)
}

// Drop gives up everything that owner holds on an inode.
func (r *Registry) Drop(k Key, owner any) {
	r.Unset(k, owner, 0, EOF)
	r.Funlock(k, owner)
}
