package syscalls

import (
	"strconv"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
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
// counts what they cost here. ENOMEM: the container has too many. All of them are parts of one: a small
// environment costs two allocations, not one for each variable.
func stringArray(t *proc.Thread, at guest.Addr, space *int, cost *int64) (all []string, e linux.Errno) {
	if at == 0 {
		return nil, 0
	}
	var room struct {
		text [1 << 10]byte
		ends [48]int
	}
	text, ends := room.text[:0], room.ends[:0]
	for ; ; at += pointerSize {
		p, e := guest.Get[uint32](t.Mem(), at)
		if e != 0 {
			return nil, e
		}
		if p == 0 {
			return split(string(text), ends), 0
		}
		if *space -= pointerSize; *space <= 0 {
			return nil, linux.E2BIG
		}
		start := len(text)
		if text, e = t.Mem().AppendString(text, p, min(maxArg, *space), linux.E2BIG); e != 0 {
			return nil, e
		}
		n := len(text) - start
		*space -= n + 1
		if !t.Table().Arguments.Take(proc.StringSize(n)) {
			return nil, linux.ENOMEM
		}
		*cost += proc.StringSize(n)
		ends = append(ends, len(text))
	}
}

// split cuts a text at ends.
func split(text string, ends []int) []string {
	if len(ends) == 0 {
		return nil
	}
	all, start := make([]string, len(ends)), 0
	for i, end := range ends {
		all[i] = text[start:end]
		start = end
	}
	return all
}

func execve(t *proc.Thread, a Args) (int64, linux.Errno) {
	name, e := t.Mem().String(a.Addr(0), linux.PATH_MAX, linux.ENAMETOOLONG)
	if e != 0 {
		return 0, e
	}
	return exec(t, proc.ExecFile{Name: name, Shown: name}, a.Addr(1), a.Addr(2), (*proc.Thread).Exec)
}

func execveat(t *proc.Thread, a Args) (int64, linux.Errno) {
	const known = linux.AT_EMPTY_PATH | linux.AT_SYMLINK_NOFOLLOW | linux.AT_EXECVE_CHECK
	dir, flags := a.Int(0), a.Uint(4)
	if flags&^known != 0 {
		return 0, linux.EINVAL
	}
	name, e := t.Mem().String(a.Addr(1), linux.PATH_MAX, linux.ENAMETOOLONG)
	if e != 0 {
		return 0, e
	}
	f := proc.ExecFile{Name: name, Flags: flags &^ linux.AT_EXECVE_CHECK, Shown: name}
	var d *fd.Description // that an empty name means
	if dir != linux.AT_FDCWD && (name == "" || name[0] != '/') {
		if d, e = t.Files().GetAny(dir); e != 0 {
			return 0, e
		}
		defer d.Unref()
		f.At, f.Shown = d.Path(), "/dev/fd/"+strconv.Itoa(int(dir))
		f.Gone, _ = t.Files().Cloexec(dir)
		if name != "" {
			f.Shown += "/" + name
			d = nil
		}
	}
	if flags&linux.AT_EXECVE_CHECK != 0 {
		return exec(t, f, a.Addr(2), a.Addr(3), func(t *proc.Thread, f proc.ExecFile, _, _ []string) linux.Errno { return t.CheckExec(f, d) })
	}
	return exec(t, f, a.Addr(2), a.Addr(3), (*proc.Thread).Exec)
}

// exec reads the arguments and the environment, and does with them.
func exec(t *proc.Thread, f proc.ExecFile, argv, envp guest.Addr, do func(t *proc.Thread, f proc.ExecFile, argv, env []string) linux.Errno) (int64, linux.Errno) {
	space := argSpace(t) - len(f.Shown)
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
	return 0, do(t, f, args, env)
}
