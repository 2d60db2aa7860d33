package wasi

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
)

// Calls on descriptors: reading, writing, positions.

// putSize stores how much was transferred. After an error nothing is stored.
func putSize(t *proc.Thread, at guest.Addr, n int64, e linux.Errno) (int64, linux.Errno) {
	if e != 0 {
		return n, e
	}
	size := uint32(n)
	return n, guest.Put(t.Mem(), at, &size)
}

func fdRead(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, g, e := open(t, a.Int(0), rightRead)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	n, e := syscalls.ReadVector(t, d, a.Addr(1), a.Int(2), g.nonblock || d.Nonblocking())
	return putSize(t, a.Addr(3), n, e)
}

func fdWrite(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, g, e := open(t, a.Int(0), rightWrite)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	n, e := syscalls.WriteVector(t, d, a.Addr(1), a.Int(2), g.nonblock || d.Nonblocking())
	return putSize(t, a.Addr(3), n, e)
}

func fdPread(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if e := may(t, a.Int(0), rightRead|rightSeek); e != 0 {
		return 0, e
	}
	n, e := preadv(t, a)
	return putSize(t, a.Addr(4), n, e)
}

func fdPwrite(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if e := may(t, a.Int(0), rightWrite|rightSeek); e != 0 {
		return 0, e
	}
	n, e := pwritev(t, a)
	return putSize(t, a.Addr(4), n, e)
}

// fdSeek has Linux's numbers for the first three origins, and no others.
func fdSeek(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if a.Uint(2) > linux.SEEK_END {
		return 0, linux.EINVAL
	}
	return seek(t, a.Int(0), a.Long(1), a[2], rightSeek, a.Addr(3))
}

func fdTell(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return seek(t, a.Int(0), 0, linux.SEEK_CUR, rightTell, a.Addr(1))
}

func seek(t *proc.Thread, n int32, off int64, whence uint64, need uint64, to guest.Addr) (int64, linux.Errno) {
	if e := may(t, n, need); e != 0 {
		return 0, e
	}
	at, e := lseek(t, proc.Args{uint64(uint32(n)), uint64(off), whence})
	if e != 0 {
		return 0, e
	}
	return at, guest.Put(t.Mem(), to, &at)
}

func fdClose(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, e := t.Files().GetAny(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	e = t.Files().Close(a.Int(0))
	dropGrant(t, a.Int(0), d)
	return 0, e
}

// fdRenumber moves a description to a number that is open, whose own is closed.
func fdRenumber(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	from, to := a.Int(0), a.Int(1)
	d, e := t.Files().GetAny(from)
	if e != 0 {
		return 0, e
	}
	old, e := t.Files().GetAny(to)
	if e != 0 {
		d.Unref()
		return 0, e
	}
	old.Unref()
	if from == to {
		d.Unref()
		return 0, 0
	}
	g := grantOf(t, from, d)
	if e := t.Files().Replace(d, to, g.preopen != "", t.Limit(linux.RLIMIT_NOFILE)); e != 0 {
		return 0, e
	}
	if g != &ungranted {
		setGrant(t, to, g)
	}
	t.Files().Close(from)
	dropGrant(t, from, d)
	return int64(to), 0
}

func fdAllocate(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if e := may(t, a.Int(0), rightAllocate); e != 0 {
		return 0, e
	}
	return fallocate(t, proc.Args{a[0], 0, a[1], a[2]})
}

// advice is Linux's by the numbers of WASI.
var advice = [...]uint64{0, 2, 1, 3, 4, 5}

func fdAdvise(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if a.Uint(3) >= uint32(len(advice)) || a.Long(1) < 0 {
		return 0, linux.EINVAL
	}
	if e := may(t, a.Int(0), rightAdvise); e != 0 {
		return 0, e
	}
	return fadvise(t, proc.Args{a[0], a[1], a[2], advice[a.Uint(3)]})
}

func fdSync(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if e := may(t, a.Int(0), rightSync); e != 0 {
		return 0, e
	}
	return fsync(t, a)
}

func fdDatasync(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if e := may(t, a.Int(0), rightDatasync); e != 0 {
		return 0, e
	}
	return fdatasync(t, a)
}
