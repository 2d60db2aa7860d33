package syscalls

import (
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// What package wasi uses of this one beside the handlers in Table: calls whose arguments it
// has in another form.

// ReadVector is readv(2) on an open description; nonblock stands for O_NONBLOCK.
func ReadVector(t *proc.Thread, d *fd.Description, addr guest.Addr, count int32, nonblock bool) (int64, linux.Errno) {
	v, _, e := vectors(t.Mem(), addr, count)
	if e != 0 {
		return 0, e
	}
	return readVector(t, d, v, nonblock)
}

// WriteVector is writev(2) in the same way.
func WriteVector(t *proc.Thread, d *fd.Description, addr guest.Addr, count int32, nonblock bool) (int64, linux.Errno) {
	v, total, e := vectors(t.Mem(), addr, count)
	if e != 0 {
		return 0, e
	}
	return writeVector(t, d, v, total, nonblock)
}

// Open opens a name and gives the description with the caller's reference.
func Open(t *proc.Thread, c *vfs.Context, at vfs.Path, name string, how vfs.OpenHow) (*fd.Description, linux.Errno) {
	file, p, e := openNamed(t, c, at, name, how)
	if e != 0 {
		return nil, e
	}
	if e := completeOpen(t, file, how.Flags); e != 0 {
		file.Close()
		return nil, e
	}
	return fd.New(file, p, how.Flags), 0
}

// PollFD is struct pollfd.
type PollFD = pollfd

// Poll is poll(2) on an array of the kernel's own. The zero deadline is none.
func Poll(t *proc.Thread, fds []PollFD, sleeps bool, deadline time.Time) (int64, linux.Errno) {
	if uint64(len(fds)) > t.Limit(linux.RLIMIT_NOFILE) {
		return 0, linux.EINVAL
	}
	return pollList(t, fds, sleeps, deadline)
}

// Clock reads a clock.
func Clock(t *proc.Thread, clock int32) (time.Duration, linux.Errno) { return now(t, clock) }

// Stat is fstat(2) on a description.
func Stat(d *fd.Description) (linux.Stat, linux.Errno) { return d.File().Stat() }
