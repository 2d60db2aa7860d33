package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// Calls on the content of open files, other than reading and writing.

func lseek(t *proc.Thread, a Args) (n int64, e linux.Errno) {
	_, e = onFile(t, a.Int(0), func(_ *vfs.Context, d *fd.Description) (e linux.Errno) {
		n, e = d.Lseek(a.Long(1), int(a.Int(2)))
		return e
	})
	return n, e
}

func ftruncate(t *proc.Thread, a Args) (int64, linux.Errno) {
	size := a.Long(1)
	return onFile(t, a.Int(0), func(_ *vfs.Context, d *fd.Description) linux.Errno {
		f, ok := d.File().(vfs.Truncater)
		if size < 0 || !ok || !d.Writable() {
			return linux.EINVAL
		}
		if e := mayGrow(t, size); e != 0 {
			return e
		}
		return told(d, f.Truncate(size))
	})
}

// modesOfAllocate are the forms of fallocate(2) that exist here.
const modesOfAllocate = linux.FALLOC_FL_KEEP_SIZE | linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_ZERO_RANGE

func fallocate(t *proc.Thread, a Args) (int64, linux.Errno) {
	mode, off, n := a.Uint(1), a.Long(2), a.Long(3)
	return onFile(t, a.Int(0), func(_ *vfs.Context, d *fd.Description) linux.Errno {
		hole := mode&linux.FALLOC_FL_PUNCH_HOLE != 0
		switch {
		case off < 0 || n <= 0:
			return linux.EINVAL
		case mode&^modesOfAllocate != 0,
			hole && mode != linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE:
			return linux.EOPNOTSUPP
		case !d.Writable():
			return linux.EBADF
		case d.Stream():
			return linux.ESPIPE
		case off+n < 0:
			return linux.EFBIG
		}
		f, ok := d.File().(vfs.Allocater)
		if !ok {
			return linux.ENODEV
		}
		if mode&linux.FALLOC_FL_KEEP_SIZE == 0 {
			if e := mayGrow(t, off+n); e != 0 {
				return e
			}
		}
		return told(d, f.Allocate(mode, off, n))
	})
}

// told tells inotify(7) of a change of content, if there was one.
func told(d *fd.Description, e linux.Errno) linux.Errno {
	if e == 0 {
		d.Path().Tell(linux.IN_MODIFY)
	}
	return e
}

// fsync is fdatasync too.
func fsync(t *proc.Thread, a Args) (int64, linux.Errno) {
	return onFile(t, a.Int(0), func(_ *vfs.Context, d *fd.Description) linux.Errno {
		if f, ok := d.File().(vfs.Syncer); ok {
			return f.Sync()
		}
		if d.Stream() {
			return linux.EINVAL
		}
		return 0
	})
}

// syncAll is sync(2): what files keep outside of memory, the host has already.
func syncAll(*proc.Thread, Args) (int64, linux.Errno) { return 0, 0 }

func syncfs(t *proc.Thread, a Args) (int64, linux.Errno) {
	return onFile(t, a.Int(0), func(*vfs.Context, *fd.Description) linux.Errno { return 0 })
}

func syncFileRange(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Long(1) < 0 || a.Long(2) < 0 || a.Uint(3)&^7 != 0 {
		return 0, linux.EINVAL
	}
	return seekable(t, a.Int(0))
}

// seekable answers success for a file with positions: the advice is not needed.
func seekable(t *proc.Thread, n int32) (int64, linux.Errno) {
	return onFile(t, n, func(_ *vfs.Context, d *fd.Description) linux.Errno {
		if d.Stream() {
			return linux.ESPIPE
		}
		return 0
	})
}

func fadvise(t *proc.Thread, a Args) (int64, linux.Errno) {
	if advice := a.Int(3); advice < 0 || advice > 5 || a.Long(2) < 0 {
		return 0, linux.EINVAL
	}
	return seekable(t, a.Int(0))
}

func readahead(t *proc.Thread, a Args) (int64, linux.Errno) {
	return onFile(t, a.Int(0), func(_ *vfs.Context, d *fd.Description) linux.Errno {
		if !d.Readable() {
			return linux.EBADF
		}
		if d.Stream() {
			return linux.EINVAL
		}
		return 0
	})
}
