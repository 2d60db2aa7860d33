package trace

import (
	"strconv"

	"vkernel/internal/linux"
	"vkernel/internal/wasi"
)

// pathN shows a path that is given by address and length.
func pathN(v *view, i int) string {
	p := make([]byte, min(uint32(v.t.Arg(i+1)), linux.PATH_MAX))
	if v.t.Mem().Read(v.a.Addr(i), p) != 0 {
		return pointer(v.a.Addr(i))
	}
	return strconv.Quote(string(p))
}

// lookup shows lookup flags of WASI as Linux's.
func lookup(v *view, i int) string {
	if v.a.Uint(i)&1 == 0 {
		return "AT_SYMLINK_NOFOLLOW"
	}
	return "0"
}

// wasiOpen shows the flags of path_open as those of open(2).
func wasiOpen(v *view, oflags uint32, rights uint64, fdflags uint32) string {
	o, e := wasi.OpenFlags(1, oflags, rights, fdflags)
	if e != 0 {
		return hex(uint64(oflags))
	}
	return openFlags(o &^ linux.O_NOCTTY)
}
