package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs/lock"
	"vkernel/internal/wait"
)

// Advisory locks: flock(2) and those of fcntl(2).

func flock(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	k, e := d.LockKey()
	if e != 0 {
		return 0, e
	}
	locks, op := t.Table().Locks(), a.Uint(1)
	if op&linux.LOCK_MAND != 0 {
		return 0, 0 // as Linux, which dropped it
	}
	switch op &^ linux.LOCK_NB {
	case linux.LOCK_UN:
		locks.Funlock(k, d)
		return 0, 0
	case linux.LOCK_SH, linux.LOCK_EX:
	default:
		return 0, linux.EINVAL
	}
	d.HoldsLocks(locks)
	exclusive := op&linux.LOCK_EX != 0
	if op&linux.LOCK_NB != 0 {
		return 0, locks.Flock(k, d, exclusive)
	}
	return t.Block(locks.Queue(), wait.In, never, func() (int64, linux.Errno) {
		return 0, locks.Flock(k, d, exclusive)
	})
}

// lockArg reads a struct flock and makes a lock of it, for the owner that the command means.
func lockArg(t *proc.Thread, d *fd.Description, addr guest.Addr, ofd bool) (f linux.Flock, l lock.Lock, e linux.Errno) {
	if f, e = guest.Get[linux.Flock](t.Mem(), addr); e != 0 {
		return f, l, e
	}
	base := int64(0)
	switch f.Whence {
	case linux.SEEK_SET:
	case linux.SEEK_CUR:
		base = d.Offset()
	case linux.SEEK_END:
		st, e := d.File().Stat()
		if e != 0 {
			return f, l, e
		}
		base = st.Size
	default:
		return f, l, linux.EINVAL
	}
	if l.Start, l.End, e = lockRange(base, f.Start, f.Len); e != 0 {
		return f, l, e
	}
	l.Write, l.Owner, l.PID = f.Type == linux.F_WRLCK, t.Files(), int32(t.Process().PID())
	if ofd {
		l.Owner, l.PID = d, -1
		if f.PID != 0 {
			return f, l, linux.EINVAL
		}
	}
	return f, l, 0
}

// lockRange gives the first and last byte of a lock. A negative length reaches backwards.
func lockRange(base, start, length int64) (first, last int64, e linux.Errno) {
	first = base + start
	if start > 0 && first < base {
		return 0, 0, linux.EOVERFLOW
	}
	switch {
	case length == 0:
		last = lock.EOF
	case length > 0:
		last = first + length - 1
		if last < first {
			return 0, 0, linux.EOVERFLOW
		}
	default:
		first, last = first+length, first-1
	}
	if first < 0 {
		return 0, 0, linux.EINVAL
	}
	return first, last, 0
}

func getLock(t *proc.Thread, d *fd.Description, addr guest.Addr, ofd bool) linux.Errno {
	f, l, e := lockArg(t, d, addr, ofd)
	if e != 0 {
		return e
	}
	if f.Type != linux.F_RDLCK && f.Type != linux.F_WRLCK {
		return linux.EINVAL
	}
	k, e := d.LockKey()
	if e != 0 {
		return e
	}
	other, found := t.Table().Locks().Test(k, l)
	if !found {
		f.Type = linux.F_UNLCK
		return guest.Put(t.Mem(), addr, &f)
	}
	f = linux.Flock{Type: linux.F_RDLCK, Start: other.Start, PID: other.PID}
	if other.Write {
		f.Type = linux.F_WRLCK
	}
	if other.End != lock.EOF {
		f.Len = other.End - other.Start + 1
	}
	return guest.Put(t.Mem(), addr, &f)
}

func setLock(t *proc.Thread, d *fd.Description, addr guest.Addr, ofd, waits bool) linux.Errno {
	f, l, e := lockArg(t, d, addr, ofd)
	if e != 0 {
		return e
	}
	k, e := d.LockKey()
	if e != 0 {
		return e
	}
	locks := t.Table().Locks()
	switch {
	case f.Type == linux.F_UNLCK:
		return locks.Unset(k, l.Owner, l.Start, l.End)
	case f.Type == linux.F_RDLCK && !d.Readable(), f.Type == linux.F_WRLCK && !d.Writable():
		return linux.EBADF
	case f.Type != linux.F_RDLCK && f.Type != linux.F_WRLCK:
		return linux.EINVAL
	}
	if ofd {
		d.HoldsLocks(locks)
	} else {
		t.Files().HoldsLocks(locks)
	}
	if !waits {
		return locks.Set(k, l, false)
	}
	defer locks.Forget(l.Owner)
	_, e = t.Block(locks.Queue(), wait.In, never, func() (int64, linux.Errno) {
		return 0, locks.Set(k, l, true)
	})
	return e
}
