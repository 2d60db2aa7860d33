package tty

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// noJob stands for a caller that is no process with job control: it passes every check
// and owns nothing.
type noJob struct{}

func (noJob) Session() int32                { return 0 }
func (noJob) Group() int32                  { return 0 }
func (noJob) Leader() bool                  { return false }
func (noJob) Terminal() *TTY                { return nil }
func (noJob) SetTerminal(*TTY)              {}
func (noJob) Orphaned() bool                { return false }
func (noJob) Refuses(linux.Signal) bool     { return true }
func (noJob) SessionOf(int32) (int32, bool) { return 0, false }
func (noJob) Privileged() bool              { return false }

// JobOf gives the process that a context belongs to, if it takes part in job control.
func JobOf(c *vfs.Context) Job {
	if c != nil {
		if j, ok := c.Task().(Job); ok {
			return j
		}
	}
	return noJob{}
}

// Ioctl serves ioctl(2) on the slave.
func (f *File) Ioctl(c *vfs.Context, mem guest.Memory, cmd, arg uint32) (int64, linux.Errno) {
	return f.JobIoctl(JobOf(c), mem, cmd, arg)
}

// JobIoctl is Ioctl for a caller that is not the context's.
func (f *File) JobIoctl(job Job, mem guest.Memory, cmd, arg uint32) (int64, linux.Errno) {
	t := f.tty
	t.mu.Lock()
	dead := t.hungUp
	t.mu.Unlock()
	if dead {
		if cmd == linux.TIOCSPGRP {
			return 0, linux.ENOTTY
		}
		return 0, linux.EIO
	}
	switch cmd {
	case linux.TCSETS, linux.TCSETSW, linux.TCSETSF, linux.TCSETS2, linux.TCSETSW2, linux.TCSETSF2,
		linux.TCSBRK, linux.TCSBRKP, linux.TIOCSBRK, linux.TIOCCBRK, linux.TCXONC, linux.TCFLSH:
		if e := t.check(job, linux.SIGTTOU); e != 0 {
			return 0, e
		}
	}
	switch cmd {
	case linux.FIONREAD:
		return putInt(mem, arg, int32(t.inputSize()))
	case linux.TIOCOUTQ:
		return putInt(mem, arg, 0)
	}
	return t.ioctl(job, mem, cmd, arg, false)
}

// Ioctl serves ioctl(2) on the master of a pseudo terminal.
func (m *Master) Ioctl(c *vfs.Context, mem guest.Memory, cmd, arg uint32) (int64, linux.Errno) {
	t := m.tty
	switch cmd {
	case linux.TIOCGPTN:
		return putInt(mem, arg, int32(linux.Minor(t.device)))
	case linux.TIOCSPTLCK:
		v, e := guest.Get[int32](mem, arg)
		if e == 0 {
			t.mu.Lock()
			t.locked = v != 0
			t.mu.Unlock()
		}
		return 0, e
	case linux.TIOCGPTLCK:
		t.mu.Lock()
		locked := t.locked
		t.mu.Unlock()
		if locked {
			return putInt(mem, arg, 1)
		}
		return putInt(mem, arg, 0)
	case linux.FIONREAD:
		t.mu.Lock()
		n := len(t.out.buf)
		t.mu.Unlock()
		return putInt(mem, arg, int32(n))
	case linux.TIOCOUTQ:
		return putInt(mem, arg, 0)
	case linux.TIOCSCTTY, linux.TIOCNOTTY:
		return 0, linux.ENOTTY
	}
	return t.ioctl(JobOf(c), mem, cmd, arg, true)
}

// ioctl serves what both sides have in common.
func (t *TTY) ioctl(job Job, mem guest.Memory, cmd, arg uint32, master bool) (int64, linux.Errno) {
	switch cmd {
	case linux.TCGETS, linux.TCGETS2:
		return t.getAttr(mem, arg, cmd == linux.TCGETS2)
	case linux.TCSETS, linux.TCSETSW, linux.TCSETSF:
		return 0, t.setAttr(mem, arg, false, cmd == linux.TCSETSF)
	case linux.TCSETS2, linux.TCSETSW2, linux.TCSETSF2:
		return 0, t.setAttr(mem, arg, true, cmd == linux.TCSETSF2)
	case linux.TIOCGWINSZ:
		w := t.Winsize()
		return 0, guest.Put(mem, arg, &w)
	case linux.TIOCSWINSZ:
		w, e := guest.Get[linux.Winsize](mem, arg)
		if e == 0 {
			t.SetWinsize(w)
		}
		return 0, e
	case linux.TIOCSCTTY:
		return 0, t.setControlling(job, arg == 1)
	case linux.TIOCNOTTY:
		return 0, t.giveUp(job)
	case linux.TIOCGPGRP:
		return putResult(mem, arg)(t.getForeground(job, master))
	case linux.TIOCSPGRP:
		group, e := guest.Get[int32](mem, arg)
		if e != 0 {
			return 0, e
		}
		return 0, t.setForeground(job, group)
	case linux.TIOCGSID:
		return putResult(mem, arg)(t.getSession(job, master))
	case linux.TCFLSH:
		return 0, t.flush(arg)
	case linux.TCXONC:
		return 0, t.flowControl(arg)
	case linux.TCSBRK, linux.TCSBRKP, linux.TIOCSBRK, linux.TIOCCBRK:
		return 0, 0 // output is handed over at once, and there is no line to break
	case linux.TIOCEXCL, linux.TIOCNXCL:
		t.mu.Lock()
		t.exclusive = cmd == linux.TIOCEXCL
		t.mu.Unlock()
		return 0, 0
	case linux.TIOCGETD:
		return putInt(mem, arg, 0)
	case linux.TIOCSETD:
		return 0, setDiscipline(mem, arg)
	case linux.TIOCSTI, linux.TIOCLINUX:
		return 0, linux.EPERM
	}
	return 0, linux.ENOTTY
}

func putInt(mem guest.Memory, arg uint32, v int32) (int64, linux.Errno) {
	return 0, guest.Put(mem, arg, &v)
}

// putResult stores what the function it is applied to has given.
func putResult(mem guest.Memory, arg uint32) func(int32, linux.Errno) (int64, linux.Errno) {
	return func(v int32, e linux.Errno) (int64, linux.Errno) {
		if e != 0 {
			return 0, e
		}
		return putInt(mem, arg, v)
	}
}

// setDiscipline is TIOCSETD: there is only N_TTY.
func setDiscipline(mem guest.Memory, arg uint32) linux.Errno {
	n, e := guest.Get[int32](mem, arg)
	if e == 0 && n != 0 {
		e = linux.EINVAL
	}
	return e
}

// inputSize is FIONREAD of the slave: what a read could get.
func (t *TTY) inputSize() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.lflag(linux.ICANON) {
		return len(t.in.buf)
	}
	n := t.in.canon
	for _, e := range t.in.ends {
		if t.in.buf[e] == eofByte {
			n--
		}
	}
	return n
}

// getAttr is TCGETS and TCGETS2.
func (t *TTY) getAttr(mem guest.Memory, arg uint32, two bool) (int64, linux.Errno) {
	t.mu.Lock()
	a := t.termios
	t.mu.Unlock()
	if two {
		return 0, guest.Put(mem, arg, &a)
	}
	return 0, guest.Put(mem, arg, &a.Termios)
}

// setAttr is TCSETS and TCSETS2 with their W and F forms. Output counts as written once
// it is with the master, so that there is nothing to wait for.
func (t *TTY) setAttr(mem guest.Memory, arg uint32, two, flush bool) linux.Errno {
	var a linux.Termios2
	var e linux.Errno
	if two {
		a, e = guest.Get[linux.Termios2](mem, arg)
	} else {
		a.Termios, e = guest.Get[linux.Termios](mem, arg)
		a.Ispeed, a.Ospeed = 38400, 38400
	}
	if e == 0 {
		t.SetAttr(a, flush)
	}
	return e
}

// Attr gives the terminal's settings.
func (t *TTY) Attr() linux.Termios2 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.termios
}

// SetAttr changes the terminal's settings; flush drops unread input first.
func (t *TTY) SetAttr(a linux.Termios2, flush bool) {
	t.mu.Lock()
	defer t.unlock()
	if flush {
		t.in.reset()
	}
	old := t.termios
	a.Cflag = a.Cflag&^(linux.CSIZE|linux.PARENB) | linux.CS8 | linux.CREAD
	t.termios = a
	if (old.Lflag^a.Lflag)&linux.ICANON != 0 {
		t.switchModeLocked()
	}
	if old.Iflag&linux.IXON != 0 && !t.iflag(linux.IXON) {
		t.startLocked()
	}
	t.disarmLocked()
	t.slaveQueue.Notify(wait.In | wait.Out)
	t.masterQueue.Notify(wait.Out)
}

// switchModeLocked makes pending input fit a changed ICANON: what was typed in
// noncanonical mode becomes a line.
func (t *TTY) switchModeLocked() {
	t.in.ends, t.in.canon, t.in.next, t.in.erased = t.in.ends[:0], 0, false, false
	if n := len(t.in.buf); t.lflag(linux.ICANON) && n > 0 {
		t.in.ends = append(t.in.ends, n-1)
		t.in.canon = n
	}
}

// flowControl is TCXONC.
func (t *TTY) flowControl(action uint32) linux.Errno {
	t.mu.Lock()
	defer t.unlock()
	switch action {
	case linux.TCOOFF:
		t.out.manual = true
		t.stopLocked()
	case linux.TCOON:
		t.out.manual = false
		t.startLocked()
	case linux.TCIOFF:
		t.tellMasterLocked(t.termios.Cc[linux.VSTOP])
	case linux.TCION:
		t.tellMasterLocked(t.termios.Cc[linux.VSTART])
	default:
		return linux.EINVAL
	}
	return 0
}

// tellMasterLocked sends a flow control character to the other side.
func (t *TTY) tellMasterLocked(c byte) {
	if c != 0 && t.out.room() > 0 {
		t.out.buf = append(t.out.buf, c)
		t.masterQueue.Notify(wait.In)
	}
}
