package tty

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Job is the process that acts on a terminal, as job control sees it. Its thread
// implements it; a call to it may take the process table's locks, so none is made under
// TTY.mu.
type Job interface {
	Session() int32 // session id
	Group() int32   // process group id
	Leader() bool   // leads its session
	Terminal() *TTY // its controlling terminal, or nil

	// SetTerminal gives the whole session a controlling terminal. SetTerminal(nil) takes
	// it from the whole session if the process leads it, else from the process.
	SetTerminal(t *TTY)

	Orphaned() bool                     // its process group is orphaned
	Refuses(sig linux.Signal) bool      // blocks or ignores sig
	SessionOf(pgrp int32) (int32, bool) // session of a process group, false if there is none
	Privileged() bool                   // CAP_SYS_ADMIN
}

// CheckRead is called before a read of the slave: EIO, or EINTR after SIGTTIN was sent to
// the caller's group, which is in the background. The caller restarts the read as after
// any signal.
func (f *File) CheckRead(job Job) linux.Errno { return f.tty.check(job, linux.SIGTTIN) }

// CheckWrite is the same for a write, if TOSTOP is set (SIGTTOU).
func (f *File) CheckWrite(job Job) linux.Errno {
	f.tty.mu.Lock()
	stop := f.tty.lflag(linux.TOSTOP)
	f.tty.mu.Unlock()
	if !stop {
		return 0
	}
	return f.tty.check(job, linux.SIGTTOU)
}

// check lets the foreground pass and stops the background with sig.
func (t *TTY) check(job Job, sig linux.Signal) linux.Errno {
	foreground := t.Foreground()
	if foreground == 0 || job.Terminal() != t {
		return 0
	}
	group := job.Group()
	if group == foreground {
		return 0
	}
	if job.Refuses(sig) {
		if sig == linux.SIGTTIN {
			return linux.EIO
		}
		return 0
	}
	if job.Orphaned() {
		return linux.EIO
	}
	t.jobs.SignalGroup(group, sig)
	return linux.EINTR
}

// Acquire makes t the controlling terminal of a session leader that has none, when it
// opens t without O_NOCTTY. Otherwise it does nothing.
func (t *TTY) Acquire(job Job) {
	if job.Leader() && job.Terminal() == nil && t.claim(job.Session(), job.Group(), false) {
		job.SetTerminal(t)
	}
}

// claim sets the session if there is none, or by force, and reports whether it did.
func (t *TTY) claim(session, group int32, force bool) bool {
	t.mu.Lock()
	defer t.unlock()
	if t.hungUp || t.session != 0 && t.session != session && !force {
		return false
	}
	t.session, t.foreground = session, group
	return true
}

// Control makes t the controlling terminal of a session from the outside: the kernel does
// it for the first process.
func (t *TTY) Control(session, group int32) { t.claim(session, group, true) }

// Release takes the terminal from a session whose leader exits or gave it up: the
// foreground group gets SIGHUP and SIGCONT.
func (t *TTY) Release(session int32) {
	t.mu.Lock()
	defer t.unlock()
	if session == 0 || t.session != session {
		return
	}
	t.signalLocked(linux.SIGHUP)
	t.signalLocked(linux.SIGCONT)
	t.session, t.foreground = 0, 0
}

// setControlling is TIOCSCTTY.
func (t *TTY) setControlling(job Job, steal bool) linux.Errno {
	if job.Leader() && job.Terminal() == t {
		return 0
	}
	if !job.Leader() || job.Terminal() != nil {
		return linux.EPERM
	}
	t.mu.Lock()
	robbed, group := t.session, t.foreground
	t.mu.Unlock()
	if robbed != 0 && robbed != job.Session() {
		if !steal || !job.Privileged() {
			return linux.EPERM
		}
		t.jobs.Hangup(t, robbed, group)
	}
	if !t.claim(job.Session(), job.Group(), true) {
		return linux.EIO
	}
	job.SetTerminal(t)
	return 0
}

// giveUp is TIOCNOTTY.
func (t *TTY) giveUp(job Job) linux.Errno {
	if job.Terminal() != t {
		return linux.ENOTTY
	}
	if job.Leader() {
		t.Release(job.Session())
	}
	job.SetTerminal(nil)
	return 0
}

// setForeground is TIOCSPGRP.
func (t *TTY) setForeground(job Job, group int32) linux.Errno {
	switch e := t.check(job, linux.SIGTTOU); e {
	case 0:
	case linux.EIO:
		return linux.ENOTTY
	default:
		return e
	}
	if job.Terminal() != t {
		return linux.ENOTTY
	}
	if group < 0 {
		return linux.EINVAL
	}
	session, ok := job.SessionOf(group)
	if !ok {
		return linux.ESRCH
	}
	if session != job.Session() {
		return linux.EPERM
	}
	t.mu.Lock()
	defer t.unlock()
	if t.session != session {
		return linux.ENOTTY
	}
	t.foreground = group
	return 0
}

// getForeground is TIOCGPGRP.
func (t *TTY) getForeground(job Job, master bool) (int32, linux.Errno) {
	if !master && job.Terminal() != t {
		return 0, linux.ENOTTY
	}
	return t.Foreground(), 0
}

// getSession is TIOCGSID.
func (t *TTY) getSession(job Job, master bool) (int32, linux.Errno) {
	if !master && job.Terminal() != t {
		return 0, linux.ENOTTY
	}
	t.mu.Lock()
	defer t.unlock()
	if t.session == 0 {
		return 0, linux.ENOTTY
	}
	return t.session, 0
}

// flush is TCFLSH.
func (t *TTY) flush(which uint32) linux.Errno {
	if which > linux.TCIOFLUSH {
		return linux.EINVAL
	}
	t.mu.Lock()
	defer t.unlock()
	if which != linux.TCOFLUSH {
		t.in.reset()
		t.in.full = false
		t.masterQueue.Notify(wait.Out)
	}
	if which != linux.TCIFLUSH {
		t.out.buf = t.out.buf[:0]
		t.slaveQueue.Notify(wait.Out)
	}
	return 0
}
