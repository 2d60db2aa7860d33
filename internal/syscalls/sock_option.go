package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// maxOption bounds the value of a socket option.
const maxOption = 4096

func setsockopt(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	size := a.Int(4)
	if size < 0 {
		return 0, linux.EINVAL
	}
	p := make([]byte, min(size, maxOption))
	if e := t.Mem().Read(a.Addr(3), p); e != 0 {
		return 0, e
	}
	return 0, s.SetOption(int(a.Int(1)), int(a.Int(2)), p)
}

func getsockopt(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, s, e := socketOf(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	size, e := guest.Get[int32](t.Mem(), a.Addr(4))
	if e != 0 {
		return 0, e
	}
	if size < 0 {
		return 0, linux.EINVAL
	}
	p, e := s.Option(int(a.Int(1)), int(a.Int(2)))
	if e != 0 {
		return 0, e
	}
	p = p[:min(int(size), len(p))]
	if e := t.Mem().Write(a.Addr(3), p); e != 0 {
		return 0, e
	}
	size = int32(len(p))
	return 0, guest.Put(t.Mem(), a.Addr(4), &size)
}
