package vfstest

import (
	"bytes"
	"fmt"

	"vkernel/internal/linux"
)

// plainKinds are the operations, with their weights, that every writable file system has.
var plainKinds = []op{
	{20, (*ops).open},
	{4, (*ops).close},
	{8, (*ops).read},
	{10, (*ops).write},
	{3, (*ops).ftruncate},
	{2, (*ops).allocate},
	{3, (*ops).seek},
	{2, (*ops).list},
	{6, (*ops).stat},
	{3, (*ops).access},
	{12, (*ops).mkdir},
	{6, (*ops).unlink},
	{5, (*ops).rmdir},
	{14, (*ops).rename},
	{6, (*ops).link},
	{7, (*ops).symlink},
	{3, (*ops).readlink},
	{4, (*ops).chmod},
	{3, (*ops).chown},
	{2, (*ops).utimens},
	{2, (*ops).truncate},
	{2, (*ops).getcwd},
	{1, (*ops).umask},
}

// kinds are all operations.
var kinds = append([]op{{2, (*ops).mknod}, {4, (*ops).chdir}, {2, (*ops).user}}, plainKinds...)

func (o *ops) open() (string, func(world) result) {
	slot, dir, name, mode := o.slot(), o.dir(), o.path(), o.mode()
	flags := pick[uint32](o, linux.O_RDONLY, linux.O_WRONLY, linux.O_RDWR, linux.O_RDWR)
	if o.n(2) == 0 {
		flags |= linux.O_CREAT
	}
	switch o.n(12) {
	case 0:
		flags |= linux.O_EXCL
	case 1:
		flags |= linux.O_TRUNC
	case 2:
		flags |= linux.O_NOFOLLOW
	case 3:
		flags |= linux.O_DIRECTORY
	case 4:
		flags |= linux.O_PATH
	case 5:
		flags |= linux.O_PATH | linux.O_NOFOLLOW
	case 6:
		if !o.plain {
			flags |= linux.O_TMPFILE
		}
	case 7:
		flags |= linux.O_NOATIME
	case 8:
		flags = linux.O_RDONLY | linux.O_DIRECTORY
	}
	return fmt.Sprintf("open(%d, %d, %s, %#o, %#o)", slot, dir, quote(name), flags, mode),
		func(w world) result { return w.open(slot, dir, name, flags, mode) }
}

func (o *ops) close() (string, func(world) result) {
	slot := o.slot()
	return fmt.Sprintf("close(%d)", slot), func(w world) result { return w.close(slot) }
}

func (o *ops) read() (string, func(world) result) {
	slot, off, n := o.slot(), o.offset(), o.n(10_000)
	return fmt.Sprintf("read(%d, %d, %d)", slot, off, n), func(w world) result { return w.read(slot, off, n) }
}

func (o *ops) write() (string, func(world) result) {
	slot, off, n := o.slot(), o.offset(), pick(o, 0, 1, 10, 4096, o.n(10_000))
	if o.n(4) == 0 {
		off = -1
	}
	p := bytes.Repeat([]byte{byte('A' + o.n(26))}, n)
	return fmt.Sprintf("write(%d, %d, %d bytes)", slot, off, n), func(w world) result { return w.write(slot, off, p) }
}

func (o *ops) ftruncate() (string, func(world) result) {
	slot, size := o.slot(), o.offset()
	return fmt.Sprintf("ftruncate(%d, %d)", slot, size), func(w world) result { return w.ftruncate(slot, size) }
}

func (o *ops) allocate() (string, func(world) result) {
	slot, off, n := o.slot(), int64(o.n(20_000)), int64(o.n(20_000))
	mode := pick[uint32](o, 0, linux.FALLOC_FL_KEEP_SIZE, linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_KEEP_SIZE)
	if !o.unwritten {
		mode = linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_KEEP_SIZE
	}
	return fmt.Sprintf("fallocate(%d, %d, %d, %d)", slot, mode, off, n),
		func(w world) result { return w.allocate(slot, mode, off, n) }
}

func (o *ops) seek() (string, func(world) result) {
	slot, off, whence := o.slot(), o.offset(), pick(o, linux.SEEK_DATA, linux.SEEK_HOLE)
	if o.unwritten {
		return o.stat()
	}
	return fmt.Sprintf("lseek(%d, %d, %d)", slot, off, whence), func(w world) result { return w.seek(slot, off, whence) }
}

func (o *ops) list() (string, func(world) result) {
	slot := o.slot()
	return fmt.Sprintf("list(%d)", slot), func(w world) result { return w.list(slot) }
}

func (o *ops) stat() (string, func(world) result) {
	dir, name, flags := o.dir(), o.path(), pick[uint32](o, 0, linux.AT_SYMLINK_NOFOLLOW)
	if o.n(5) == 0 && !o.plain {
		name, flags = "", linux.AT_EMPTY_PATH
	}
	return fmt.Sprintf("stat(%d, %s, %#x)", dir, quote(name), flags), func(w world) result { return w.stat(dir, name, flags) }
}

func (o *ops) access() (string, func(world) result) {
	dir, name, mode := o.dir(), o.path(), uint32(o.n(8))
	flags := pick[uint32](o, linux.AT_EACCESS, linux.AT_EACCESS|linux.AT_SYMLINK_NOFOLLOW)
	return fmt.Sprintf("access(%d, %s, %d, %#x)", dir, quote(name), mode, flags),
		func(w world) result { return w.access(dir, name, mode, flags) }
}

func (o *ops) mkdir() (string, func(world) result) {
	dir, name, mode := o.dir(), o.path(), o.mode()
	return fmt.Sprintf("mkdir(%d, %s, %#o)", dir, quote(name), mode), func(w world) result { return w.mkdir(dir, name, mode) }
}

func (o *ops) mknod() (string, func(world) result) {
	dir, name := o.dir(), o.path()
	mode := o.mode() | pick[uint32](o, 0, linux.S_IFREG, linux.S_IFSOCK, linux.S_IFSOCK, linux.S_IFDIR)
	return fmt.Sprintf("mknod(%d, %s, %#o)", dir, quote(name), mode), func(w world) result { return w.mknod(dir, name, mode) }
}

func (o *ops) unlink() (string, func(world) result) {
	dir, name := o.dir(), o.path()
	return fmt.Sprintf("unlink(%d, %s)", dir, quote(name)), func(w world) result { return w.unlink(dir, name, 0) }
}

func (o *ops) rmdir() (string, func(world) result) {
	dir, name := o.dir(), o.path()
	return fmt.Sprintf("rmdir(%d, %s)", dir, quote(name)),
		func(w world) result { return w.unlink(dir, name, linux.AT_REMOVEDIR) }
}

func (o *ops) rename() (string, func(world) result) {
	dir, name, toDir, to := o.dir(), o.path(), o.dir(), o.path()
	flags := pick[uint32](o, 0, 0, 0, 0, linux.RENAME_NOREPLACE, linux.RENAME_EXCHANGE, 3)
	return fmt.Sprintf("rename(%d, %s, %d, %s, %d)", dir, quote(name), toDir, quote(to), flags),
		func(w world) result { return w.rename(dir, name, toDir, to, flags) }
}

func (o *ops) link() (string, func(world) result) {
	dir, name, toDir, to := o.dir(), o.path(), o.dir(), o.path()
	flags := pick[uint32](o, 0, 0, linux.AT_SYMLINK_FOLLOW)
	if o.n(5) == 0 && !o.plain {
		dir, name, flags = o.slot(), "", linux.AT_EMPTY_PATH
	}
	return fmt.Sprintf("link(%d, %s, %d, %s, %#x)", dir, quote(name), toDir, quote(to), flags),
		func(w world) result { return w.link(dir, name, toDir, to, flags) }
}

func (o *ops) symlink() (string, func(world) result) {
	target, dir, name := o.path(), o.dir(), o.path()
	return fmt.Sprintf("symlink(%s, %d, %s)", quote(target), dir, quote(name)),
		func(w world) result { return w.symlink(target, dir, name) }
}

func (o *ops) readlink() (string, func(world) result) {
	dir, name := o.dir(), o.path()
	if o.n(5) == 0 && !o.plain {
		dir, name = o.slot(), ""
	}
	return fmt.Sprintf("readlink(%d, %s)", dir, quote(name)), func(w world) result { return w.readlink(dir, name) }
}

func (o *ops) chmod() (string, func(world) result) {
	dir, name, mode := o.dir(), o.path(), o.mode()
	return fmt.Sprintf("chmod(%d, %s, %#o)", dir, quote(name), mode), func(w world) result { return w.chmod(dir, name, mode) }
}

func (o *ops) chown() (string, func(world) result) {
	dir, name, uid, gid, flags := o.dir(), o.path(), o.id(), o.id(), pick[uint32](o, 0, linux.AT_SYMLINK_NOFOLLOW)
	return fmt.Sprintf("chown(%d, %s, %d, %d, %#x)", dir, quote(name), uid, gid, flags),
		func(w world) result { return w.chown(dir, name, uid, gid, flags) }
}

func (o *ops) utimens() (string, func(world) result) {
	dir, name, flags := o.dir(), o.path(), pick[uint32](o, 0, linux.AT_SYMLINK_NOFOLLOW)
	var times [2]linux.Timespec
	for i := range times {
		times[i] = linux.Timespec{
			Sec:  pick(o, int64(o.n(setBefore)), -5),
			Nsec: pick(o, int64(o.n(1e9)), linux.UTIME_NOW, linux.UTIME_OMIT, 1e9),
		}
	}
	return fmt.Sprintf("utimens(%d, %s, %v, %#x)", dir, quote(name), times, flags),
		func(w world) result { return w.utimens(dir, name, times, flags) }
}

func (o *ops) truncate() (string, func(world) result) {
	name, size := o.path(), pick(o, o.offset(), -1)
	return fmt.Sprintf("truncate(%s, %d)", quote(name), size), func(w world) result { return w.truncate(name, size) }
}

func (o *ops) chdir() (string, func(world) result) {
	dir, name := o.dir(), o.path()
	if dir >= 0 {
		name = ""
	}
	return fmt.Sprintf("chdir(%d, %s)", dir, quote(name)), func(w world) result { return w.chdir(dir, name) }
}

func (o *ops) getcwd() (string, func(world) result) {
	return "getcwd()", func(w world) result { return w.getcwd() }
}

func (o *ops) umask() (string, func(world) result) {
	mask := pick[uint32](o, 0, 0o022, 0o077, 0o027)
	return fmt.Sprintf("umask(%#o)", mask), func(w world) result { return w.umask(mask) }
}

func (o *ops) user() (string, func(world) result) {
	uid := pick[uint32](o, 0, 0, 1000)
	return fmt.Sprintf("user(%d)", uid), func(w world) result { return w.user(uid) }
}
