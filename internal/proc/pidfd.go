package proc

import (
	"context"
	"fmt"
	"sync/atomic"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/wait"
)

// PidFD is a pidfd: a process as a file, which stays that process's when its id is given away.
type PidFD struct {
	anon.File
	process atomic.Pointer[Process] // nil until clone(2) has made it
}

// NewPidFD makes one for p; nil for a process that is still to be made.
func NewPidFD(p *Process) *PidFD {
	f := new(PidFD)
	f.process.Store(p)
	return f
}

// Process is the process: ESRCH before it is there and once it has been waited for.
func (f *PidFD) Process() (*Process, linux.Errno) {
	p := f.process.Load()
	if p == nil || p.State() == Dead {
		return nil, linux.ESRCH
	}
	return p, 0
}

// Poll gives In once the process has ended, Hup when it has been waited for as well.
func (f *PidFD) Poll() wait.Events {
	p := f.process.Load()
	if p == nil {
		return 0
	}
	switch p.State() {
	case Zombie:
		return wait.In
	case Dead:
		return wait.In | wait.Hup
	}
	return 0
}

// Queue is told of its end.
func (f *PidFD) Queue() *wait.Queue {
	if p := f.process.Load(); p != nil {
		return &p.ended
	}
	return &wait.Queue{}
}

// Info is for /proc/PID/fdinfo.
func (f *PidFD) Info() []byte {
	pid := -1
	if p, e := f.Process(); e == 0 {
		pid = p.pid
	}
	return fmt.Appendf(nil, "Pid:\t%d\nNSpid:\t%d\n", pid, pid)
}

// MayInspect reports whether p may take what belongs to to, as Linux's rules for ptrace(2) say of
// the ids. Beyond them both have to run under the same policy, since what one program may hold is
// not for all.
func (p *Process) MayInspect(to *Process) bool {
	if p == to {
		return true
	}
	a, b := p.Cred(), to.Cred()
	same := a.UID == b.UID && a.UID == b.EUID && a.UID == b.SUID && a.GID == b.GID && a.GID == b.EGID && a.GID == b.SGID
	return (a.Super() || same && to.dumpable.Load() == 1) && p.Held() == to.Held()
}

// Take gives the description that another process has under the number n, with a reference.
func (p *Process) Take(n int32) (*fd.Description, linux.Errno) {
	if p.State() >= Zombie {
		return nil, linux.ESRCH
	}
	return p.files.GetAny(n)
}

// Await returns when the process has ended, or ctx is done: then its error. It is for who is no thread of the container.
func (p *Process) Await(ctx context.Context) error {
	w := wait.New()
	var entry wait.Entry
	p.ended.Add(&entry, w, wait.In)
	defer entry.Remove()
	defer context.AfterFunc(ctx, w.Wake)()
	for p.State() < Zombie {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.Sleep(-1)
	}
	return nil
}
