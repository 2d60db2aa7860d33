package wasi

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// Attributes of files.

// filestat is the structure of the same name.
type filestat struct {
	Dev, Ino         uint64
	Type             uint8
	_                [7]uint8
	Nlink, Size      uint64
	Atim, Mtim, Ctim uint64
}

func toFilestat(st *linux.Stat) filestat {
	return filestat{
		Dev: st.Dev, Ino: st.Ino, Type: fileType(st.Mode), Nlink: st.Nlink, Size: uint64(st.Size),
		Atim: nanoseconds(st.Atim), Mtim: nanoseconds(st.Mtim), Ctim: nanoseconds(st.Ctim),
	}
}

// nanoseconds is a timestamp; what lies before 1970 is 0, there are none.
func nanoseconds(ts linux.Timespec) uint64 {
	if ts.Sec < 0 {
		return 0
	}
	return uint64(ts.Sec)*1e9 + uint64(ts.Nsec)
}

func fdFilestatGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, _, e := get(t, a.Int(0), rightFilestat)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	st, e := d.File().Stat()
	if e != 0 {
		return 0, e
	}
	fs := toFilestat(&st)
	return 0, guest.Put(t.Mem(), a.Addr(1), &fs)
}

func fdFilestatSetSize(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if e := may(t, a.Int(0), rightSetSize); e != 0 {
		return 0, e
	}
	return ftruncate(t, a)
}

// Flags that say which times are set, and to what.
const (
	setAtim = 1 << iota
	setAtimNow
	setMtim
	setMtimNow

	setTimesAll = 1<<4 - 1
)

// timesToSet gives the times for utimensat(2).
func timesToSet(atim, mtim uint64, flags uint32) (times [2]linux.Timespec, e linux.Errno) {
	if flags&^setTimesAll != 0 || flags&(setAtim|setAtimNow) == setAtim|setAtimNow || flags&(setMtim|setMtimNow) == setMtim|setMtimNow {
		return times, linux.EINVAL
	}
	for i, ns := range [2]uint64{atim, mtim} {
		switch flags >> (2 * i) & 3 {
		case 0:
			times[i].Nsec = linux.UTIME_OMIT
		case setAtim:
			times[i] = linux.Timespec{Sec: int64(ns / 1e9), Nsec: int64(ns % 1e9)}
		case setAtimNow:
			times[i].Nsec = linux.UTIME_NOW
		}
	}
	return times, 0
}

func fdFilestatSetTimes(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	times, e := timesToSet(a[1], a[2], a.Uint(3))
	if e != 0 {
		return 0, e
	}
	d, _, e := open(t, a.Int(0), rightSetTimes)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return 0, t.FS().Utimens(d.Path(), "", &times, linux.AT_EMPTY_PATH)
}
