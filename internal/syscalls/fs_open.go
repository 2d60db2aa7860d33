package syscalls

import (
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wait"
)

// Files of *at calls on descriptors, and open(2) in its forms.

func open(t *proc.Thread, a Args) (int64, linux.Errno) {
	return openFile(t, linux.AT_FDCWD, a.Addr(0), vfs.OpenHow{Flags: a.Uint(1), Mode: a.Uint(2)})
}

func openat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return openFile(t, a.Int(0), a.Addr(1), vfs.OpenHow{Flags: a.Uint(2), Mode: a.Uint(3)})
}

func creat(t *proc.Thread, a Args) (int64, linux.Errno) {
	const flags = linux.O_CREAT | linux.O_WRONLY | linux.O_TRUNC
	return openFile(t, linux.AT_FDCWD, a.Addr(0), vfs.OpenHow{Flags: flags, Mode: a.Uint(1)})
}

// resolveFlags are the bits of open_how.resolve that exist.
const resolveFlags = linux.RESOLVE_NO_XDEV | linux.RESOLVE_NO_MAGICLINKS | linux.RESOLVE_NO_SYMLINKS |
	linux.RESOLVE_BENEATH | linux.RESOLVE_IN_ROOT | linux.RESOLVE_CACHED

func openat2(t *proc.Thread, a Args) (int64, linux.Errno) {
	const known = 24
	switch size := a.Size(3); {
	case size < known:
		return 0, linux.EINVAL
	case size > 4096:
		return 0, linux.E2BIG
	case size > known:
		if e := zeroTail(t.Mem(), a.Addr(2)+known, int(size-known)); e != 0 {
			return 0, e
		}
	}
	how, e := guest.Get[linux.OpenHow](t.Mem(), a.Addr(2))
	if e != 0 {
		return 0, e
	}
	switch {
	case how.Flags>>32 != 0, how.Resolve&^resolveFlags != 0, how.Mode&^linux.S_IALLUGO != 0:
		return 0, linux.EINVAL
	case how.Mode != 0 && how.Flags&(linux.O_CREAT|linux.O_TMPFILE&^linux.O_DIRECTORY) == 0:
		return 0, linux.EINVAL
	case how.Resolve&linux.RESOLVE_CACHED != 0:
		return 0, linux.EAGAIN // as a file system without a cache of names answers
	}
	return openFile(t, a.Int(0), a.Addr(1), vfs.OpenHow{
		Flags: uint32(how.Flags), Mode: uint32(how.Mode), Resolve: how.Resolve,
	})
}

// zeroTail checks that what a structure has beyond the known fields is zero.
func zeroTail(m guest.Memory, addr guest.Addr, n int) linux.Errno {
	return m.View(addr, n, func(p []byte) linux.Errno {
		for _, b := range p {
			if b != 0 {
				return linux.E2BIG
			}
		}
		return 0
	})
}

// openFile opens a file and gives it the lowest free number.
func openFile(t *proc.Thread, dirfd int32, addr guest.Addr, how vfs.OpenHow) (int64, linux.Errno) {
	p, e := pathAt(t, dirfd, addr, 0)
	if e != 0 {
		return 0, e
	}
	defer p.done()
	if p.dir == nil && how.Resolve&(linux.RESOLVE_IN_ROOT|linux.RESOLVE_BENEATH) != 0 {
		if e := p.from(t, dirfd); e != 0 { // an absolute name starts there, too
			return 0, e
		}
	}
	file, at, e := openNamed(t, t.FS(), p.at, p.name, how)
	if e != 0 {
		return 0, e
	}
	if e := completeOpen(t, file, how.Flags); e != 0 {
		file.Close()
		return 0, e
	}
	n, e := t.Files().Install(fd.New(file, at, how.Flags), 0, how.Flags&linux.O_CLOEXEC != 0, t.Limit(linux.RLIMIT_NOFILE))
	return int64(n), e
}

// openNamed opens a name, or the script of that name that the process was started to interpret.
func openNamed(t *proc.Thread, c *vfs.Context, at vfs.Path, name string, how vfs.OpenHow) (vfs.File, vfs.Path, linux.Errno) {
	if file, at, e, ok := t.Process().TakeScript(at, name, how.Flags); ok {
		return file, at, e
	}
	return c.Open(at, name, how)
}

// completeOpen does what an open has to do beyond finding the file: wait for the other
// side of a FIFO, and take a terminal as the controlling one.
func completeOpen(t *proc.Thread, file vfs.File, flags uint32) linux.Errno {
	switch f := file.(type) {
	case *tty.File:
		if flags&linux.O_NOCTTY == 0 {
			f.TTY().Acquire(t.Process())
		}
	case vfs.PendingOpen:
		_, e := t.Block(f.Queue(), wait.In|wait.Out, time.Time{}, func() (int64, linux.Errno) {
			return 0, f.Opened()
		})
		return e
	}
	return 0
}
