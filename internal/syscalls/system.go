package syscalls

import (
	"crypto/rand"
	"math"
	"time"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// Names that uname(2) gives. The release is that of the newest Linux whose calls are here.
const (
	Sysname = "Linux"
	Release = "6.12.0-vkernel"
	Version = "#1 SMP vkernel"
	Machine = "x86_64"
)

func uname(t *proc.Thread, a Args) (int64, linux.Errno) {
	var u linux.Utsname
	node, domain := t.Table().UTS().Names()
	copy(u.Sysname[:64], Sysname)
	copy(u.Nodename[:64], node)
	copy(u.Release[:64], Release)
	copy(u.Version[:64], Version)
	copy(u.Machine[:64], Machine)
	copy(u.Domainname[:64], domain)
	return 0, guest.Put(t.Mem(), a.Addr(0), &u)
}

// nameArg reads the argument of sethostname and setdomainname.
func nameArg(t *proc.Thread, a Args) (string, linux.Errno) {
	if !t.Cred().Super() {
		return "", linux.EPERM
	}
	if a.Size(1) > 64 {
		return "", linux.EINVAL
	}
	name := make([]byte, a.Size(1))
	e := t.Mem().Read(a.Addr(0), name)
	return string(name), e
}

func sethostname(t *proc.Thread, a Args) (int64, linux.Errno) {
	name, e := nameArg(t, a)
	if e == 0 {
		t.Table().UTS().SetNode(name)
	}
	return 0, e
}

func setdomainname(t *proc.Thread, a Args) (int64, linux.Errno) {
	name, e := nameArg(t, a)
	if e == 0 {
		t.Table().UTS().SetDomain(name)
	}
	return 0, e
}

func sysinfo(t *proc.Thread, a Args) (int64, linux.Errno) {
	total, free := t.Table().Memory()
	s := linux.Sysinfo{
		Uptime:   int64((uptime(t) + time.Second - 1) / time.Second),
		Totalram: total, Freeram: free,
		Procs:   uint16(min(len(t.Table().All()), math.MaxUint16)),
		MemUnit: 1,
	}
	for i, load := range t.Table().Scheduler().Load() {
		s.Loads[i] = uint64(load * (1 << 16)) // SI_LOAD_SHIFT
	}
	return 0, guest.Put(t.Mem(), a.Addr(0), &s)
}

// getrandom copies: the host must not write into guest memory, where it might fail.
func getrandom(t *proc.Thread, a Args) (int64, linux.Errno) {
	const nonblock, random, insecure = 1, 2, 4
	if f := a.Uint(2); f&^uint32(nonblock|random|insecure) != 0 || f&(random|insecure) == random|insecure {
		return 0, linux.EINVAL
	}
	size := int64(min(a.Size(1), math.MaxInt32))
	buf := make([]byte, min(size, 4096))
	for done := int64(0); done < size; done += int64(len(buf)) {
		buf = buf[:min(size-done, int64(len(buf)))]
		rand.Read(buf)
		if e := t.Mem().Write(a.Addr(0)+uint32(done), buf); e != 0 {
			if done > 0 {
				return done, 0
			}
			return 0, e
		}
		if t.Interrupted() && done+int64(len(buf)) >= 256 {
			return done + int64(len(buf)), 0
		}
	}
	return size, 0
}
