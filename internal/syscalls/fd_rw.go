package syscalls

import (
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
	"vkernel/internal/vfs/signalfd"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wait"
)

// maxTransfer is MAX_RW_COUNT: no transfer is larger.
const maxTransfer = 0x7ffff000

// never is the deadline of a wait without one.
var never time.Time

func read(t *proc.Thread, a Args) (int64, linux.Errno) {
	t.AtInput(a.Int(0))
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return readFile(t, d, a.Addr(1), a.Size(2), d.Nonblocking())
}

// readFile reads at the offset into guest memory, and waits where the file lets it, unless
// nonblock says not to.
func readFile(t *proc.Thread, d *fd.Description, addr guest.Addr, size uint32, nonblock bool) (int64, linux.Errno) {
	n := int(min(size, maxTransfer))
	if f, ok := d.File().(*signalfd.File); ok {
		return readSignals(t, d, f, addr, n, nonblock)
	}
	if term, ok := d.File().(*tty.File); ok {
		return readTerminal(t, d, term, addr, n, nonblock)
	}
	if s, ok := d.File().(*sock.Socket); ok {
		return recvFile(t, d, s, addr, size, nonblock)
	}
	got, e := readOnce(t.Mem(), d, addr, n)
	if e != linux.EAGAIN || nonblock {
		return got, e
	}
	return t.Block(d.File().Queue(), wait.In, never, func() (int64, linux.Errno) {
		return readOnce(t.Mem(), d, addr, n)
	})
}

// readOnce reads straight into guest memory and does not wait.
func readOnce(m guest.Memory, d *fd.Description, addr guest.Addr, n int) (got int64, e linux.Errno) {
	e = m.View(addr, n, func(p []byte) linux.Errno {
		k, e := d.Read(p)
		got = int64(k)
		return e
	})
	return got, e
}

// readTerminal is readFile for a terminal: only the foreground may read, and VMIN and
// VTIME bound the wait (package tty).
func readTerminal(t *proc.Thread, d *fd.Description, term *tty.File, addr guest.Addr, n int, partial bool) (int64, linux.Errno) {
	if !d.Readable() {
		return 0, linux.EBADF
	}
	try := func() (got int64, e linux.Errno) {
		if e := background(term.CheckRead(t.Process())); e != 0 {
			return 0, e
		}
		e = t.Mem().View(addr, n, func(p []byte) linux.Errno {
			var k int
			var e linux.Errno
			if partial {
				k, e = term.ReadPartial(p)
			} else {
				k, e = term.Read(p, 0)
			}
			got = int64(k)
			return e
		})
		return got, e
	}
	if partial {
		return try()
	}
	deadline := never
	if limit, ok := term.ReadTimeout(); ok {
		deadline = t.Deadline(limit)
	}
	got, e := t.Block(term.Queue(), wait.In, deadline, try)
	if e == linux.ETIMEDOUT {
		return 0, 0
	}
	return got, e
}

// background turns the answer of a terminal's check into a system call's: once SIGTTIN or
// SIGTTOU has been sent, the call is done again after it.
func background(e linux.Errno) linux.Errno {
	if e == linux.EINTR {
		return proc.ERESTARTSYS
	}
	return e
}

func write(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return writeFile(t, d, a.Addr(1), a.Size(2), d.Nonblocking())
}

// writeFile writes guest memory at the offset. It waits where the file lets it until all
// is written; what a signal or an error cuts short counts as far as it got.
func writeFile(t *proc.Thread, d *fd.Description, addr guest.Addr, size uint32, nonblock bool) (int64, linux.Errno) {
	if s, ok := d.File().(*sock.Socket); ok {
		return sendFile(t, d, s, addr, size, nonblock)
	}
	n := int(min(size, maxTransfer))
	if e := mayWrite(t, d, &n); e != 0 {
		return 0, e
	}
	m := t.Mem()
	before := int(t.TakeProgress())
	put, e := writeAll(t, d, n-before, nonblock, func(done int) (int64, linux.Errno) {
		done += before
		return writeOnce(m, d, addr+uint32(done), n-done)
	})
	return resumable(t, int64(before), put, int64(n), nonblock, e)
}

// resumable is the result of a write of total bytes that has written some before a cut of the container, and
// n now: a cut does not show, so it goes on after the next one.
func resumable(t *proc.Thread, before, n, total int64, nonblock bool, e linux.Errno) (int64, linux.Errno) {
	switch n += before; {
	case !nonblock && (e == 0 || e == proc.ERESTARTSYS) && n < total && t.OnlyFrozen():
		t.KeepProgress(n)
		return 0, proc.ERESTARTNOINTR
	case n > 0:
		return n, 0
	}
	return n, e
}

// writeOnce writes straight from guest memory and does not wait.
func writeOnce(m guest.Memory, d *fd.Description, addr guest.Addr, n int) (put int64, e linux.Errno) {
	e = m.View(addr, n, func(p []byte) linux.Errno {
		k, e := d.Write(p)
		put = int64(k)
		return e
	})
	return put, e
}

// writeAll calls once with the number of bytes done so far, until all n are, and waits
// between calls where the file lets it.
func writeAll(t *proc.Thread, d *fd.Description, n int, nonblock bool, once func(done int) (int64, linux.Errno)) (int64, linux.Errno) {
	done := 0
	for {
		put, e := once(done)
		if e == linux.EAGAIN && !nonblock {
			put, e = t.Block(d.File().Queue(), wait.Out, never, func() (int64, linux.Errno) { return once(done) })
		}
		if e == linux.EPIPE {
			t.Raise(linux.SIGPIPE)
		}
		done += int(put)
		switch {
		case e != 0 && done > 0:
			return int64(done), 0
		case e != 0 || done >= n || put == 0 || nonblock && d.Stream():
			return int64(done), e
		}
	}
}

// mayWrite checks what comes before a write: a terminal may stop the background, and
// RLIMIT_FSIZE may shorten or refuse it.
func mayWrite(t *proc.Thread, d *fd.Description, n *int) linux.Errno {
	if term, ok := d.File().(*tty.File); ok {
		return background(term.CheckWrite(t.Process()))
	}
	if d.Stream() {
		return 0
	}
	if limit := t.Limit(linux.RLIMIT_FSIZE); limit != linux.RLIM_INFINITY {
		return sizeLimit(t, d, d.Offset(), limit, n)
	}
	return 0
}

// sizeLimit applies RLIMIT_FSIZE to a write at off.
func sizeLimit(t *proc.Thread, d *fd.Description, off int64, limit uint64, n *int) linux.Errno {
	st, e := d.File().Stat()
	if e != 0 || st.Mode&linux.S_IFMT != linux.S_IFREG || *n == 0 {
		return e
	}
	if d.Flags()&linux.O_APPEND != 0 {
		off = st.Size
	}
	if uint64(off) >= limit {
		t.Raise(linux.SIGXFSZ)
		return linux.EFBIG
	}
	*n = int(min(uint64(*n), limit-uint64(off)))
	return 0
}

func pread64(t *proc.Thread, a Args) (got int64, e linux.Errno) {
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return readAt(t.Mem(), d, a.Addr(1), a.Size(2), a.Long(3))
}

// readAt reads at off into guest memory.
func readAt(m guest.Memory, d *fd.Description, addr guest.Addr, size uint32, off int64) (got int64, e linux.Errno) {
	e = m.View(addr, int(min(size, maxTransfer)), func(p []byte) linux.Errno {
		k, e := d.ReadAt(p, off)
		got = int64(k)
		return e
	})
	return got, e
}

func pwrite64(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return writeAt(t, d, a.Addr(1), a.Size(2), a.Long(3))
}

// writeAt writes guest memory at off.
func writeAt(t *proc.Thread, d *fd.Description, addr guest.Addr, size uint32, off int64) (put int64, e linux.Errno) {
	n := int(min(size, maxTransfer))
	if limit := t.Limit(linux.RLIMIT_FSIZE); limit != linux.RLIM_INFINITY && off >= 0 && !d.Stream() {
		if e := sizeLimit(t, d, off, limit, &n); e != 0 {
			return 0, e
		}
	}
	e = t.Mem().View(addr, n, func(p []byte) linux.Errno {
		k, e := d.WriteAt(p, off)
		put = int64(k)
		return e
	})
	return put, e
}
