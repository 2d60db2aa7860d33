package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

func ioctl(t *proc.Thread, a Args) (int64, linux.Errno) {
	n, cmd, arg := a.Int(0), a.Uint(1), a.Addr(2)
	d, e := t.Files().Get(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	switch cmd {
	case linux.FIOCLEX, linux.FIONCLEX:
		return 0, t.Files().SetCloexec(n, cmd == linux.FIOCLEX)
	case linux.FIONBIO:
		return 0, setNonblocking(t, d, arg)
	case linux.FIOASYNC:
		return 0, ioctlAsync(t, d, n, arg)
	}
	if f, ok := d.File().(vfs.Ioctler); ok {
		v, e := f.Ioctl(t.FS(), t.Mem(), cmd, arg)
		return v, background(e)
	}
	return regularIoctl(t, d, cmd, arg)
}

// setNonblocking is FIONBIO.
func setNonblocking(t *proc.Thread, d *fd.Description, arg guest.Addr) linux.Errno {
	on, e := guest.Get[int32](t.Mem(), arg)
	if e != 0 {
		return e
	}
	flags := d.Flags() &^ linux.O_NONBLOCK
	if on != 0 {
		flags |= linux.O_NONBLOCK
	}
	return d.SetFlags(flags)
}

// regularIoctl serves what Linux knows for every regular file.
func regularIoctl(t *proc.Thread, d *fd.Description, cmd, arg uint32) (int64, linux.Errno) {
	st, e := d.File().Stat()
	if e != 0 || st.Mode&linux.S_IFMT != linux.S_IFREG {
		return 0, linux.ENOTTY
	}
	switch cmd {
	case linux.FIONREAD:
		left := int32(st.Size - d.Offset())
		return 0, guest.Put(t.Mem(), arg, &left)
	case linux.FIOQSIZE:
		return 0, guest.Put(t.Mem(), arg, &st.Size)
	}
	return 0, linux.ENOTTY
}
