package syscalls

import (
	"strconv"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// Limits of what execve passes on, as Linux computes them.
const (
	maxArg      = 128 << 10 // MAX_ARG_STRLEN: one string
	leastArgs   = 128 << 10 // ARG_MAX: what is always allowed
	mostArgs    = 6 << 20   // three quarters of the default stack limit
	pointerSize = 4
)

// argSpace is how many bytes arguments and environment may have together: a quarter of
// the stack limit.
func argSpace(t *proc.Thread) int {
	return int(max(leastArgs, min(mostArgs, t.Limit(linux.RLIMIT_STACK)/4)))
}

// stringArray reads a null-terminated array of strings, takes what they need from space and
// counts what they cost here. ENOMEM: the container has too many.
func stringArray(t *proc.Thread, at guest.Addr, space *int, cost *int64) (all []string, e linux.Errno) {
	if at == 0 {
		return nil, 0
	}
	for ; ; at += pointerSize {
		p, e := guest.Get[uint32](t.Mem(), at)
		if e != 0 || p == 0 {
			return all, e
		}
		if *space -= pointerSize; *space <= 0 {
			return nil, linux.E2BIG
		}
		s, e := t.Mem().String(p, min(maxArg, *space), linux.E2BIG)
		if e != 0 {
			return nil, e
		}
		*space -= len(s) + 1
		if !t.Table().Arguments.Take(proc.StringSize(s)) {
			return nil, linux.ENOMEM
		}
		*cost += proc.StringSize(s)
		all = append(all, s)
	}
}

func execve(t *proc.Thread, a Args) (int64, linux.Errno) {
	name, e := t.Mem().String(a.Addr(0), linux.PATH_MAX, linux.ENAMETOOLONG)
	if e != 0 {
		return 0, e
	}
	return exec(t, vfs.Path{}, name, name, 0, a.Addr(1), a.Addr(2))
}

func execveat(t *proc.Thread, a Args) (int64, linux.Errno) {
	const known = linux.AT_EMPTY_PATH | linux.AT_SYMLINK_NOFOLLOW
	dir, flags := a.Int(0), a.Uint(4)
	if flags&^known != 0 {
		return 0, linux.EINVAL
	}
	name, e := t.Mem().String(a.Addr(1), linux.PATH_MAX, linux.ENAMETOOLONG)
	if e != 0 {
		return 0, e
	}
	at, shown := vfs.Path{}, name
	if dir != linux.AT_FDCWD && (name == "" || name[0] != '/') {
		d, e := t.Files().GetAny(dir)
		if e != 0 {
			return 0, e
		}
		defer d.Unref()
		at, shown = d.Path(), "/dev/fd/"+strconv.Itoa(int(dir))
		if name != "" {
			shown += "/" + name
		}
	}
	return exec(t, at, name, shown, flags, a.Addr(2), a.Addr(3))
}

func exec(t *proc.Thread, at vfs.Path, name, shown string, flags uint32, argv, envp guest.Addr) (int64, linux.Errno) {
	space := argSpace(t) - len(shown)
	var cost int64 // while they are read: the image has a count of its own
	defer func() { t.Table().Arguments.Give(cost) }()
	args, e := stringArray(t, argv, &space, &cost)
	if e != 0 {
		return 0, e
	}
	env, e := stringArray(t, envp, &space, &cost)
	if e != 0 {
		return 0, e
	}
	if len(args) == 0 {
		args = []string{""} // as Linux since 5.18: programs count on argv[0]
	}
	return 0, t.Exec(at, name, shown, flags, args, env)
}
