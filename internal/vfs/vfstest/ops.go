package vfstest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"vkernel/internal/linux"
)

// ops makes random operations.
type ops struct {
	rnd *rand.Rand
	// unwritten is whether fallocate may make pages. Linux may take them for holes or for
	// data, so then nobody seeks.
	unwritten bool
	plain     bool // Config.Plain
}

func (o *ops) n(n int) int { return o.rnd.IntN(n) }

func pick[T any](o *ops, of ...T) T { return of[o.n(len(of))] }

// component is one name of a path. Few names, so that operations meet.
func (o *ops) component() string {
	switch k := o.n(100); {
	case k < 5:
		return "."
	case k < 14:
		return ".."
	case k < 15:
		return strings.Repeat("x", linux.NAME_MAX)
	case k < 16:
		return strings.Repeat("x", linux.NAME_MAX+1)
	}
	return pick(o, "a", "b", "c", "d")
}

// path is a path, rarely a strange one.
func (o *ops) path() string {
	if o.n(200) == 0 {
		return pick(o, "", "/", "//", strings.Repeat("./", 2047)+"a", strings.Repeat("./", 2050), "a//b///c")
	}
	parts := make([]string, pick(o, 1, 1, 1, 2, 2, 3))
	for i := range parts {
		parts[i] = o.component()
	}
	p := strings.Join(parts, pick(o, "/", "/", "/", "//"))
	if o.n(3) == 0 {
		p = "/" + p
	}
	if o.n(8) == 0 {
		p += "/"
	}
	return p
}

// dir is a directory argument: mostly the working directory.
func (o *ops) dir() int {
	if o.n(4) == 0 && !o.plain {
		return o.slot()
	}
	return -1
}

// slot is one of the slots that the comparison of trees leaves alone.
func (o *ops) slot() int { return o.n(slots - 1) }

func (o *ops) mode() uint32 {
	if o.plain {
		return pick[uint32](o, 0o644, 0o600, 0o755, 0o700, 0o777, 0, 0o444, uint32(o.n(0o1000)))
	}
	return pick[uint32](o, 0o644, 0o600, 0o755, 0o700, 0o777, 0, 0o444, 0o2755, 0o4755, 0o6711, 0o2644, 0o3777, 0o311, uint32(o.n(0o10000)))
}

func (o *ops) offset() int64 {
	return pick[int64](o, 0, 1, 100, 4095, 4096, 5000, 8192, 100_000, 1<<32+5, int64(o.n(20_000)))
}

func (o *ops) id() uint32 { return pick[uint32](o, 0, 1000, 1001, ^uint32(0)) }

// op is one kind of operation: it draws arguments and gives a text and a function that
// applies them to a world.
type op struct {
	weight int
	make   func(o *ops) (string, func(w world) result)
}

// next draws an operation.
func (o *ops) next() (string, func(w world) result) {
	total := 0
	list := kinds
	if o.plain {
		list = plainKinds
	}
	for _, k := range list {
		total += k.weight
	}
	at := o.n(total)
	for _, k := range list {
		if at -= k.weight; at < 0 {
			return k.make(o)
		}
	}
	panic("unreachable")
}

func quote(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%q...(%d)", s[:20], len(s))
	}
	return fmt.Sprintf("%q", s)
}
