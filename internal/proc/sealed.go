package proc

import (
	"path"
	"slices"
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/vfs"
)

// What was hashed is what runs. A script is read by its interpreter, which opens it by name after execve
// has returned; whoever can rename or write meanwhile would have other bytes run than those that were
// hashed. So execve keeps the bytes, and the interpreter's first open of the name gives them.

// maxPending is how many scripts may wait for their interpreters: those of one chain, and of one
// that led to it (#!/usr/bin/env sh).
const maxPending = 2 * (maxScripts + 1)

// script is a script that was hashed and that nobody has opened yet.
type script struct {
	sum  [32]byte
	name string // that the interpreter was given
	perm vfs.Perm
	at   vfs.Path
	file *vfs.Sealed
}

// await has the process's interpreter find the scripts that it was started for. Those of earlier
// programs that did not open theirs are still due: env(1) passes a script's name on.
func (p *Process) await(scripts []script) {
	if len(scripts) == 0 {
		return
	}
	all := slices.Clone(scripts)
	if old := p.scripts.Load(); old != nil {
		for _, s := range *old {
			if len(all) < maxPending && !named(all, s.name) {
				all = append(all, s)
			}
		}
	}
	p.scripts.Store(&all)
}

// via gives the digests of the scripts that a program reads which these have led to: they, and those that are still due.
func (p *Process) via(scripts []script) (sums [][32]byte) {
	add := func(list []script) {
		for k := range list {
			if !slices.Contains(sums, list[k].sum) {
				sums = append(sums, list[k].sum)
			}
		}
	}
	add(scripts)
	if due := p.scripts.Load(); due != nil {
		add(*due)
	}
	return sums
}

func named(list []script, name string) bool {
	return slices.ContainsFunc(list, func(s script) bool { return s.name == name })
}

// scriptName is a name without what shells and awk put before it.
func scriptName(name string) string {
	for strings.HasPrefix(name, "./") {
		name = strings.TrimLeft(name[2:], "/")
	}
	return name
}

// TakeScript opens a script that the process was started for: the first open of its name for reading
// gives what was hashed, whatever lies there by now. ok is false for every other name. The name
// starts at at, as in openat(2).
func (p *Process) TakeScript(at vfs.Path, name string, flags uint32) (f vfs.File, _ vfs.Path, e linux.Errno, ok bool) {
	const others = linux.O_ACCMODE | linux.O_PATH | linux.O_DIRECTORY | linux.O_TRUNC | linux.O_EXCL
	if p.scripts.Load() == nil || flags&others != linux.O_RDONLY || mutant.Off("exec.sealed-script") {
		return nil, at, 0, false
	}
	if at.IsZero() || at == p.fs.Cwd() {
		if f, place, e, ok := p.take(scriptName(name)); ok {
			return f, place, e, ok
		}
	}
	if !at.IsZero() {
		name = path.Join(p.fs.PathString(at), name)
	}
	return p.take(scriptName(name))
}

// take takes the script of a name off the list.
func (p *Process) take(name string) (f vfs.File, at vfs.Path, e linux.Errno, ok bool) {
	for old := p.scripts.Load(); old != nil; old = p.scripts.Load() {
		i := slices.IndexFunc(*old, func(s script) bool { return s.name == name })
		if i < 0 {
			break
		}
		s := (*old)[i]
		if !p.fs.Cred().Allowed(s.perm, linux.R_OK) {
			return nil, at, linux.EACCES, true
		}
		if p.scripts.CompareAndSwap(old, without(*old, i)) {
			return s.file, s.at, 0, true
		}
	}
	return nil, at, 0, false
}

// without is a list without one script; nil if that leaves none.
func without(list []script, i int) *[]script {
	if len(list) == 1 {
		return nil
	}
	rest := slices.Delete(slices.Clone(list), i, i+1)
	return &rest
}
