package syscalls

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs/inotify"
)

func inotifyInit(t *proc.Thread, _ Args) (int64, linux.Errno) { return newInotify(t, 0) }

func inotifyInit1(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(0)
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	return newInotify(t, flags)
}

func newInotify(t *proc.Thread, flags uint32) (int64, linux.Errno) {
	f, e := inotify.New(t.Table(), t.FS().Namespace())
	if e != 0 {
		return 0, e
	}
	return installAnon(t, f, "anon_inode:inotify", linux.O_RDONLY|flags)
}

// withInotify does f with an inotify instance: EINVAL if the descriptor is none.
func withInotify(t *proc.Thread, n int32, f func(*inotify.File) (int64, linux.Errno)) (int64, linux.Errno) {
	d, e := t.Files().Get(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	file, ok := d.File().(*inotify.File)
	if !ok {
		return 0, linux.EINVAL
	}
	return f(file)
}

func inotifyAddWatch(t *proc.Thread, a Args) (int64, linux.Errno) {
	mask := a.Uint(2)
	if mask&linux.IN_ALL_BITS == 0 {
		return 0, linux.EINVAL
	}
	const add, create = linux.IN_MASK_ADD, linux.IN_MASK_CREATE
	return withInotify(t, a.Int(0), func(f *inotify.File) (int64, linux.Errno) {
		if mask&add != 0 && mask&create != 0 {
			return 0, linux.EINVAL
		}
		name, e := t.Mem().String(a.Addr(1), linux.PATH_MAX, linux.ENAMETOOLONG)
		if e != 0 {
			return 0, e
		}
		var flags uint32
		if mask&linux.IN_DONT_FOLLOW != 0 {
			flags = linux.AT_SYMLINK_NOFOLLOW
		}
		p, e := t.FS().Watchable(name, flags, mask&linux.IN_ONLYDIR != 0)
		if e != 0 {
			return 0, e
		}
		wd, e := f.Watch(p.Node(), mask)
		return int64(wd), e
	})
}

func inotifyRmWatch(t *proc.Thread, a Args) (int64, linux.Errno) {
	return withInotify(t, a.Int(0), func(f *inotify.File) (int64, linux.Errno) { return 0, f.Unwatch(a.Int(1)) })
}
