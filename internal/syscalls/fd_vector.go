package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
)

// Readv, writev and their relatives.

// maxVectors is IOV_MAX.
const maxVectors = 1024

// atomic is the size up to which a vector of writes to a stream is gathered first: what
// pipe(7) promises to do whole.
const atomic = 4096

// iovec is struct iovec.
type iovec struct{ Base, Len uint32 }

// vectors reads an iovec array, without its empty members, cut to maxTransfer bytes.
func vectors(m guest.Memory, addr guest.Addr, count int32) (v []iovec, total int, e linux.Errno) {
	if count < 0 || count > maxVectors {
		return nil, 0, linux.EINVAL
	}
	all, e := guest.GetSlice[iovec](m, addr, int(count))
	if e != 0 {
		return nil, 0, e
	}
	v = all[:0]
	for _, x := range all {
		if int32(x.Len) < 0 {
			return nil, 0, linux.EINVAL
		}
		x.Len = min(x.Len, uint32(maxTransfer-total))
		if x.Len > 0 {
			v = append(v, x)
			total += int(x.Len)
		}
	}
	return v, total, 0
}

// each does f for the members in turn and adds up, until one is cut short or fails.
func each(v []iovec, f func(x iovec, done int64) (int64, linux.Errno)) (done int64, e linux.Errno) {
	for _, x := range v {
		n, e := f(x, done)
		done += n
		if e != 0 && done == 0 {
			return 0, e
		}
		if e != 0 || n < int64(x.Len) {
			break
		}
	}
	return done, 0
}

func readv(t *proc.Thread, a Args) (int64, linux.Errno) {
	t.AtInput(a.Int(0))
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	v, _, e := vectors(t.Mem(), a.Addr(1), a.Int(2))
	if e != 0 {
		return 0, e
	}
	return readVector(t, d, v, d.Nonblocking())
}

func readVector(t *proc.Thread, d *fd.Description, v []iovec, nonblock bool) (int64, linux.Errno) {
	if s, ok := d.File().(*sock.Socket); ok {
		return recvVector(t, d, s, v, nonblock)
	}
	if len(v) == 0 {
		return readFile(t, d, 0, 0, nonblock)
	}
	return each(v, func(x iovec, done int64) (int64, linux.Errno) {
		if done > 0 && d.Stream() {
			return readOnce(t.Mem(), d, x.Base, int(x.Len)) // only the first part waits
		}
		return readFile(t, d, x.Base, x.Len, nonblock)
	})
}

func writev(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	v, total, e := vectors(t.Mem(), a.Addr(1), a.Int(2))
	if e != 0 {
		return 0, e
	}
	return writeVector(t, d, v, total, d.Nonblocking())
}

func writeVector(t *proc.Thread, d *fd.Description, v []iovec, total int, nonblock bool) (int64, linux.Errno) {
	if s, ok := d.File().(*sock.Socket); ok {
		return sendVector(t, d, s, v, total, nonblock)
	}
	switch {
	case len(v) == 0:
		return writeFile(t, d, 0, 0, nonblock)
	case len(v) > 1 && total <= atomic:
		p, e := gather(t.Mem(), v, total)
		if e != 0 {
			return 0, e
		}
		return writeBytes(t, d, p, nonblock)
	}
	return each(v, func(x iovec, _ int64) (int64, linux.Errno) {
		return writeFile(t, d, x.Base, x.Len, nonblock)
	})
}

// gather copies the members into one buffer.
func gather(m guest.Memory, v []iovec, total int) ([]byte, linux.Errno) {
	p := make([]byte, total)
	n := 0
	for _, x := range v {
		if e := m.Read(x.Base, p[n:n+int(x.Len)]); e != 0 {
			return nil, e
		}
		n += int(x.Len)
	}
	return p, 0
}

// writeBytes is writeFile for bytes of the kernel.
func writeBytes(t *proc.Thread, d *fd.Description, p []byte, nonblock bool) (int64, linux.Errno) {
	n := len(p)
	if e := mayWrite(t, d, &n); e != 0 {
		return 0, e
	}
	return writeAll(t, d, n, nonblock, func(done int) (int64, linux.Errno) {
		k, e := d.Write(p[done:n])
		return int64(k), e
	})
}

func preadv(t *proc.Thread, a Args) (int64, linux.Errno) {
	return positionedVector(t, a, func(d *fd.Description, x iovec, off int64) (int64, linux.Errno) {
		return readAt(t.Mem(), d, x.Base, x.Len, off)
	})
}

func pwritev(t *proc.Thread, a Args) (int64, linux.Errno) {
	return positionedVector(t, a, func(d *fd.Description, x iovec, off int64) (int64, linux.Errno) {
		return writeAt(t, d, x.Base, x.Len, off)
	})
}

func positionedVector(t *proc.Thread, a Args, f func(*fd.Description, iovec, int64) (int64, linux.Errno)) (int64, linux.Errno) {
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	v, _, e := vectors(t.Mem(), a.Addr(1), a.Int(2))
	if e != 0 {
		return 0, e
	}
	off := a.Long(3)
	if len(v) == 0 {
		return f(d, iovec{}, off)
	}
	return each(v, func(x iovec, done int64) (int64, linux.Errno) { return f(d, x, off+done) })
}

// Flags of preadv2 and pwritev2.
const (
	rwfHipri  = 0x01
	rwfDsync  = 0x02
	rwfSync   = 0x04
	rwfNowait = 0x08
)

func preadv2(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Uint(5)&^(rwfHipri|rwfNowait) != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if a.Long(3) == -1 {
		return readv(t, a)
	}
	return preadv(t, a)
}

func pwritev2(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Uint(5)&^(rwfHipri|rwfDsync|rwfSync) != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if a.Long(3) == -1 {
		return writev(t, a)
	}
	return pwritev(t, a)
}
