package trace

import (
	"fmt"
	"strconv"
	"strings"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
)

// view is a call as the formatters see it; n and e are set after it.
type view struct {
	t *proc.Thread
	a proc.Args
	n int64
	e linux.Errno
}

// formatter shows argument i of a call.
type formatter func(v *view, i int) string

// maxShown is how many bytes of a string or buffer are shown.
const maxShown = 32

// before holds the kinds that are read before the call.
var before = map[string]formatter{
	"int":   func(v *view, i int) string { return fmt.Sprint(v.a.Int(i)) },
	"fd":    func(v *view, i int) string { return fmt.Sprint(v.a.Int(i)) },
	"uint":  func(v *view, i int) string { return fmt.Sprint(v.a.Uint(i)) },
	"size":  func(v *view, i int) string { return fmt.Sprint(v.a.Size(i)) },
	"long":  func(v *view, i int) string { return fmt.Sprint(v.a.Long(i)) },
	"hex":   func(v *view, i int) string { return hex(v.a[i]) },
	"ptr":   func(v *view, i int) string { return pointer(v.a.Addr(i)) },
	"mode":  func(v *view, i int) string { return fmt.Sprintf("%#04o", v.a.Uint(i)) },
	"atfd":  atfd,
	"path":  path,
	"str":   path,
	"wbuf":  func(v *view, i int) string { return buffer(v, i, int64(v.a.Size(i+1))) },
	"wiov":  func(v *view, i int) string { return vector(v, i, int64(v.a.Size(i+1))<<16) },
	"argv":  argv,
	"envp":  envp,
	"sig":   func(v *view, i int) string { return sigName(v.a.Signal(i)) },
	"clock": func(v *view, i int) string { return name(clocks, v.a.Int(i)) },

	"sigset":     func(v *view, i int) string { return sigset(v, i) },
	"sigaction":  action,
	"timespec":   timespec,
	"timeval":    timeval,
	"itimerval":  itimer,
	"itimerspec": itimer,
	"pollfds":    pollfds,

	"oflags":     func(v *view, i int) string { return openFlags(v.a.Uint(i)) },
	"atflags":    flagged(atFlags),
	"amode":      flagged(accessModes),
	"prot":       flagged(protections),
	"mapflags":   flagged(mapFlags),
	"waitopts":   flagged(waitOptions),
	"cloneflags": cloneFlags,
	"whence":     named(whences),
	"sighow":     named(sigHows),
	"rlimit":     named(rlimits),
	"fcntl":      named(fcntls),
	"ioctl":      func(v *view, i int) string { return name(ioctls, int32(v.a.Uint(i))) },
	"prctl":      named(prctls),
	"futex":      futexOp,

	"pathn":    pathN,
	"lookup":   lookup,
	"fdflags":  func(v *view, i int) string { return wasiOpen(v, 0, 0, v.a.Uint(i)) },
	"wasiopen": func(v *view, i int) string { return wasiOpen(v, v.a.Uint(i), v.a[i+1], uint32(v.t.Arg(i+3))) },
}

// after holds the kinds that the call fills in.
var after = map[string]formatter{
	"rbuf": func(v *view, i int) string { return output(v, i, buffer) },
	"riov": func(v *view, i int) string { return output(v, i, vector) },
	"rstr": func(v *view, i int) string {
		return output(v, i, func(v *view, i int, _ int64) string { return path(v, i) })
	},
	"fdpair": func(v *view, i int) string { return output(v, i, fdPair) },
	"stat":   func(v *view, i int) string { return output(v, i, stat) },
	"status": func(v *view, i int) string { return output(v, i, status) },
	"osigset": func(v *view, i int) string {
		return output(v, i, func(v *view, i int, _ int64) string { return sigset(v, i) })
	},
	"osigaction": func(v *view, i int) string {
		return output(v, i, func(v *view, i int, _ int64) string { return action(v, i) })
	},
	"otimespec": func(v *view, i int) string {
		return output(v, i, func(v *view, i int, _ int64) string { return timespec(v, i) })
	},
}

// output shows what a call filled in; after an error, only where it would have been.
func output(v *view, i int, f func(v *view, i int, n int64) string) string {
	if v.e != 0 || v.a.Addr(i) == 0 {
		return pointer(v.a.Addr(i))
	}
	return f(v, i, v.n)
}

func hex(v uint64) string {
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", v)
}

func pointer(a guest.Addr) string {
	if a == 0 {
		return "NULL"
	}
	return fmt.Sprintf("%#x", a)
}

func atfd(v *view, i int) string {
	if v.a.Int(i) == linux.AT_FDCWD {
		return "AT_FDCWD"
	}
	return fmt.Sprint(v.a.Int(i))
}

func path(v *view, i int) string {
	s, e := v.t.Mem().String(v.a.Addr(i), linux.PATH_MAX, linux.ENAMETOOLONG)
	if e != 0 {
		return pointer(v.a.Addr(i))
	}
	return strconv.Quote(s)
}

// buffer shows the first of n bytes.
func buffer(v *view, i int, n int64) string {
	p := make([]byte, min(n, maxShown))
	if n < 0 || v.t.Mem().Read(v.a.Addr(i), p) != 0 {
		return pointer(v.a.Addr(i))
	}
	return quote(p, n > maxShown)
}

// vector shows the first of the bytes of an iovec, n in all at most.
func vector(v *view, i int, n int64) string {
	count := min(v.a.Size(i+1), 16)
	vec, e := guest.GetSlice[[2]uint32](v.t.Mem(), v.a.Addr(i), int(count))
	if e != 0 {
		return pointer(v.a.Addr(i))
	}
	var shown []string
	for _, part := range vec {
		p := make([]byte, min(n, int64(part[1]), maxShown))
		if v.t.Mem().Read(part[0], p) != 0 {
			return pointer(v.a.Addr(i))
		}
		shown = append(shown, fmt.Sprintf("{%s, %d}", quote(p, int64(part[1]) > maxShown), part[1]))
		n -= int64(len(p))
	}
	return "[" + strings.Join(shown, ", ") + "]"
}

func quote(p []byte, more bool) string {
	s := strconv.QuoteToASCII(string(p))
	if more {
		s += "..."
	}
	return s
}

// argv shows the first strings of an array.
func argv(v *view, i int) string {
	var all []string
	for at := v.a.Addr(i); at != 0; at += 4 {
		p, e := guest.Get[uint32](v.t.Mem(), at)
		if e != 0 || p == 0 {
			break
		}
		if len(all) == maxShown {
			all = append(all, "...")
			break
		}
		s, e := v.t.Mem().String(p, 4096, linux.E2BIG)
		if e != 0 {
			all = append(all, pointer(p))
			continue
		}
		all = append(all, strconv.Quote(s))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// envp shows how many strings there are.
func envp(v *view, i int) string {
	n := 0
	for at := v.a.Addr(i); at != 0 && n < 1<<16; at += 4 {
		if p, e := guest.Get[uint32](v.t.Mem(), at); e != 0 || p == 0 {
			break
		}
		n++
	}
	return fmt.Sprintf("%s /* %d vars */", pointer(v.a.Addr(i)), n)
}

func sigset(v *view, i int) string {
	if v.a.Addr(i) == 0 {
		return "NULL"
	}
	s, e := guest.Get[signal.Set](v.t.Mem(), v.a.Addr(i))
	if e != 0 {
		return pointer(v.a.Addr(i))
	}
	return setText(s)
}

// setText lists the signals of a set, without SIG; a set that is nearly full by what is
// missing.
func setText(s signal.Set) string {
	not := ""
	if s>>63 != 0 && s>>32&0xffff == 0xffff {
		s, not = ^s, "~"
	}
	var all []string
	for sig := linux.Signal(1); sig <= linux.NSIG; sig++ {
		if s.Has(sig) {
			all = append(all, strings.TrimPrefix(sig.String(), "SIG"))
		}
	}
	return not + "[" + strings.Join(all, " ") + "]"
}

func action(v *view, i int) string {
	if v.a.Addr(i) == 0 {
		return "NULL"
	}
	a, e := guest.Get[linux.SigAction](v.t.Mem(), v.a.Addr(i))
	if e != 0 {
		return pointer(v.a.Addr(i))
	}
	handler := fmt.Sprint(a.Handler)
	switch a.Handler {
	case linux.SIG_DFL:
		handler = "SIG_DFL"
	case linux.SIG_IGN:
		handler = "SIG_IGN"
	}
	mask := setText(signal.Set(a.MaskHi)<<32 | signal.Set(a.MaskLo))
	return fmt.Sprintf("{sa_handler=%s, sa_mask=%s, sa_flags=%s}", handler, mask, flags(actionFlags, uint64(a.FlagsLo)))
}

func timespec(v *view, i int) string {
	ts, e := guest.Get[linux.Timespec](v.t.Mem(), v.a.Addr(i))
	if v.a.Addr(i) == 0 || e != 0 {
		return pointer(v.a.Addr(i))
	}
	return fmt.Sprintf("{tv_sec=%d, tv_nsec=%d}", ts.Sec, int32(ts.Nsec))
}

func timeval(v *view, i int) string {
	tv, e := guest.Get[linux.Timeval](v.t.Mem(), v.a.Addr(i))
	if v.a.Addr(i) == 0 || e != 0 {
		return pointer(v.a.Addr(i))
	}
	return fmt.Sprintf("{tv_sec=%d, tv_usec=%d}", tv.Sec, int32(tv.Usec))
}

// itimer shows interval and value; both kinds have the same shape.
func itimer(v *view, i int) string {
	t, e := guest.Get[[4]int64](v.t.Mem(), v.a.Addr(i))
	if v.a.Addr(i) == 0 || e != 0 {
		return pointer(v.a.Addr(i))
	}
	return fmt.Sprintf("{it_interval={%d, %d}, it_value={%d, %d}}", t[0], int32(t[1]), t[2], int32(t[3]))
}

func pollfds(v *view, i int) string {
	n := min(v.a[i+1], 8)
	all, e := guest.GetSlice[[2]uint32](v.t.Mem(), v.a.Addr(i), int(n))
	if e != 0 {
		return pointer(v.a.Addr(i))
	}
	var shown []string
	for _, p := range all {
		shown = append(shown, fmt.Sprintf("{fd=%d, events=%#x}", int32(p[0]), p[1]&0xffff))
	}
	return "[" + strings.Join(shown, ", ") + "]"
}

func fdPair(v *view, i int, _ int64) string {
	p, e := guest.Get[[2]int32](v.t.Mem(), v.a.Addr(i))
	if e != 0 {
		return pointer(v.a.Addr(i))
	}
	return fmt.Sprintf("[%d, %d]", p[0], p[1])
}

func stat(v *view, i int, _ int64) string {
	s, e := guest.Get[linux.Stat](v.t.Mem(), v.a.Addr(i))
	if e != 0 {
		return pointer(v.a.Addr(i))
	}
	return fmt.Sprintf("{st_mode=%#o, st_size=%d, ...}", s.Mode, s.Size)
}

func status(v *view, i int, n int64) string {
	s, e := guest.Get[uint32](v.t.Mem(), v.a.Addr(i))
	if e != 0 || n == 0 {
		return pointer(v.a.Addr(i))
	}
	switch sig := linux.Signal(s & 0x7f); {
	case s == 0xffff:
		return "[{WIFCONTINUED(s)}]"
	case s&0xff == 0x7f:
		return fmt.Sprintf("[{WIFSTOPPED(s) && WSTOPSIG(s) == %v}]", linux.Signal(s>>8))
	case sig != 0:
		return fmt.Sprintf("[{WIFSIGNALED(s) && WTERMSIG(s) == %v}]", sig)
	}
	return fmt.Sprintf("[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", s>>8&0xff)
}
