package wasi

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// Calls on descriptors: flags, rights, preopened directories.

// Flags of a descriptor.
const (
	flagAppend = 1 << iota
	flagDsync
	flagNonblock
	flagRsync
	flagSync

	flagsAll = 1<<5 - 1
)

// fdstat is the structure of the same name.
type fdstat struct {
	Type             uint8
	_                uint8
	Flags            uint16
	_                uint32
	Base, Inheriting uint64
}

// openFlags gives the O_ flags that stand for flags of a descriptor.
func openFlags(flags uint32) uint32 {
	o := uint32(0)
	if flags&flagAppend != 0 {
		o |= linux.O_APPEND
	}
	if flags&flagDsync != 0 {
		o |= linux.O_DSYNC
	}
	if flags&flagNonblock != 0 {
		o |= linux.O_NONBLOCK
	}
	if flags&(flagRsync|flagSync) != 0 {
		o |= linux.O_SYNC
	}
	return o
}

// descriptorFlags is the reverse.
func descriptorFlags(o uint32) uint16 {
	flags := uint16(0)
	if o&linux.O_APPEND != 0 {
		flags |= flagAppend
	}
	if o&linux.O_NONBLOCK != 0 {
		flags |= flagNonblock
	}
	switch {
	case o&linux.O_SYNC == linux.O_SYNC:
		flags |= flagSync
	case o&linux.O_DSYNC != 0:
		flags |= flagDsync
	}
	return flags
}

func fdFdstatGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, g, e := get(t, a.Int(0), 0)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	st, e := d.File().Stat()
	if e != 0 {
		return 0, e
	}
	can := rightsOf(d, st.Mode)
	s := fdstat{Type: fileType(st.Mode), Flags: descriptorFlags(d.Flags()), Base: g.base & can}
	if g.nonblock {
		s.Flags |= flagNonblock
	}
	if s.Type == typeDirectory {
		s.Inheriting = g.inheriting
	}
	return int64(d.Flags()), guest.Put(t.Mem(), a.Addr(1), &s)
}

// fdFdstatSetFlags changes O_APPEND for all who share the description, as F_SETFL, and
// O_NONBLOCK for this process.
func fdFdstatSetFlags(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	flags := a.Uint(1)
	if flags&^flagsAll != 0 {
		return 0, linux.EINVAL
	}
	d, g, e := open(t, a.Int(0), rightSetFlags)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	changed := *g
	changed.d, changed.nonblock = d, flags&flagNonblock != 0
	if now := d.Flags()&^linux.O_APPEND | openFlags(flags)&linux.O_APPEND; now != d.Flags() {
		if e := d.SetFlags(now); e != 0 {
			return 0, e
		}
	}
	if changed.nonblock != g.nonblock {
		setGrant(t, a.Int(0), &changed)
	}
	return 0, 0
}

// fdFdstatSetRights takes rights away.
func fdFdstatSetRights(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, g, e := get(t, a.Int(0), 0)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	st, e := d.File().Stat()
	if e != 0 {
		return 0, e
	}
	if a[1]&^(g.base&rightsOf(d, st.Mode)) != 0 || a[2]&^g.inheriting != 0 {
		return 0, notCapable
	}
	less := *g
	less.d, less.base, less.inheriting = d, a[1], a[2]
	setGrant(t, a.Int(0), &less)
	return 0, 0
}

// prestat is the structure of the same name, for a directory.
type prestat struct{ Tag, NameLen uint32 }

// preopened gives the name of a preopened directory. EBADF, which ends a program's search,
// if the number is not one.
func preopened(t *proc.Thread, n int32) (string, linux.Errno) {
	d, g, e := get(t, n, 0)
	if e != 0 {
		return "", e
	}
	d.Unref()
	if g.preopen == "" {
		return "", linux.EBADF
	}
	return g.preopen, 0
}

func fdPrestatGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	name, e := preopened(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	return 0, guest.Put(t.Mem(), a.Addr(1), &prestat{NameLen: uint32(len(name))})
}

func fdPrestatDirName(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	name, e := preopened(t, a.Int(0))
	switch {
	case e != 0:
		return 0, e
	case int(a.Size(2)) < len(name):
		return 0, linux.ENAMETOOLONG
	}
	return 0, t.Mem().Write(a.Addr(1), []byte(name))
}
