package wasi

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
	"vkernel/internal/vfs"
)

// Flags of path_open.
const (
	openCreate = 1 << iota
	openDirectory
	openExcl
	openTrunc

	openAll = 1<<4 - 1
)

// OpenFlags gives the flags of open(2) for those of path_open. The access mode follows from
// the rights to read and to write that are asked for, and from no other: Go asks for the
// right to set sizes for what it only reads.
func OpenFlags(lookup, oflags uint32, rights uint64, fdflags uint32) (uint32, linux.Errno) {
	if lookup&^lookupFollow != 0 || oflags&^openAll != 0 || fdflags&^flagsAll != 0 {
		return 0, linux.EINVAL
	}
	o := openFlags(fdflags) | linux.O_NOCTTY
	if oflags&openCreate != 0 {
		o |= linux.O_CREAT
	}
	if oflags&openDirectory != 0 {
		o |= linux.O_DIRECTORY
	}
	if oflags&openExcl != 0 {
		o |= linux.O_EXCL
	}
	if oflags&openTrunc != 0 {
		o |= linux.O_TRUNC
	}
	if lookup&lookupFollow == 0 {
		o |= linux.O_NOFOLLOW
	}
	writes := rights&rightWrite != 0 && oflags&openDirectory == 0
	switch reads := rights&(rightRead|rightReaddir) != 0; {
	case writes && reads:
		o |= linux.O_RDWR
	case writes:
		o |= linux.O_WRONLY
	}
	return o, 0
}

// pathOpen opens a file. The new descriptor gets the rights that are asked for, which its
// directory must let it have. To truncate needs no right of its own: Go opens directories
// without it and truncates files there.
func pathOpen(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	oflags := a.Uint(4)
	base, inheriting := a[5]&rightsAll, t.Arg(6)&rightsAll
	flags, e := OpenFlags(a.Uint(1), oflags, base, uint32(t.Arg(7)))
	if e != 0 {
		return 0, e
	}
	need := uint64(rightOpen)
	if oflags&openCreate != 0 {
		need |= rightCreateFile
	}
	p, e := pathAt(t, a.Int(0), a.Addr(2), a.Size(3), need)
	if e != 0 {
		return 0, e
	}
	defer p.done()
	if (base|inheriting)&^p.g.inheriting != 0 {
		return 0, notCapable
	}
	d, e := syscalls.Open(t, p.c, p.at, p.name, vfs.OpenHow{Flags: flags, Mode: 0o666})
	if e != 0 {
		return 0, e
	}
	n, e := t.Files().Install(d, 0, false, t.Limit(linux.RLIMIT_NOFILE))
	if e != 0 {
		return 0, e
	}
	setGrant(t, n, &grant{d: d, base: base, inheriting: inheriting})
	if e := guest.Put(t.Mem(), guest.Addr(t.Arg(8)), &n); e != 0 {
		t.Files().Close(n)
		dropGrant(t, n, d)
		return 0, e
	}
	return int64(n), 0
}
