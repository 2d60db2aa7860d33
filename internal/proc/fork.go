package proc

import (
	"slices"

	"vkernel/internal/engine"
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
)

// ForkOptions are what clone(2) adds to fork(2).
type ForkOptions struct {
	ExitSignal linux.Signal // what the parent gets at the child's end
	Vfork      bool         // memory is shared, and the parent waits, until the child execs or ends
	ChildTID   guest.Addr   // where the child's memory gets its id, or 0
	ClearTID   guest.Addr   // what is cleared at the child's end if memory is shared, or 0
	PidFD      *PidFD       // of the parent, to be the child's from its start, or nil
	PidNumber  int32        // the number of PidFD, which the child does not get
}

// Clone makes a child that goes on from the same point; its call returns 0.
func (t *Thread) Clone(o ForkOptions) (pid int, e linux.Errno) {
	child, e := t.child(o.ExitSignal)
	if e != 0 {
		return 0, e
	}
	child.Thread().clearTID = o.ClearTID
	if o.PidFD != nil {
		child.files.Close(o.PidNumber)
		o.PidFD.process.Store(child)
	}
	if o.Vfork {
		return t.vforkInto(child, o)
	}
	m, e := t.copyMemory(child)
	if e != 0 {
		child.discard()
		return 0, t.refusedMemory(t.program, e)
	}
	if e := t.admit(child, m, m.Instance, o); e != 0 {
		m.release()
		return 0, e
	}
	t.Table().crew.start(child.Thread(), 0)
	return child.pid, 0
}

// Fork is fork(2).
func (t *Thread) Fork() (pid int, e linux.Errno) {
	return t.Clone(ForkOptions{ExitSignal: linux.SIGCHLD})
}

// Vfork is vfork(2): the child runs in this very instance while its parent waits. What it
// does to the native stack and the globals is undone then.
func (t *Thread) Vfork() (pid int, e linux.Errno) {
	return t.Clone(ForkOptions{ExitSignal: linux.SIGCHLD, Vfork: true})
}

func (t *Thread) vforkInto(child *Process, o ForkOptions) (pid int, e linux.Errno) {
	l := &child.Thread().borrowed
	l.parent, l.outer = t, t.vfork
	child.Thread().vfork = l
	m := t.process.memory.now.use() // which cannot change while t runs in it
	if e := t.admit(child, m, t.inst, o); e != 0 {
		m.release()
		return 0, e
	}
	t.lent = lending{l, t.inst.SetAside(), child.pid}
	t.lending = &t.lent
	t.Table().crew.start(child.Thread(), 0)
	return t.reclaim()
}

// reclaim waits for the vfork child, and undoes what it did to the instance.
func (t *Thread) reclaim() (pid int, e linux.Errno) {
	l := t.lending
	defer func() { t.lending, t.lent = nil, lending{} }()
	if !l.loan.wait() {
		return 0, linux.EINTR
	}
	if e := l.aside.Restore(); e != 0 { // the host has no room for its stack
		t.process.Kill(linux.SIGKILL)
		return 0, linux.EINTR
	}
	return l.pid, 0
}

// admit gives the child its memory and makes it part of the tree.
func (t *Thread) admit(child *Process, m Memory, inst *engine.Instance, o ForkOptions) linux.Errno {
	child.memory.set(m)
	child.Thread().enterSpace(m.Space, inst, t.program)
	if o.ChildTID != 0 {
		tid := uint32(child.pid)
		guest.Put(inst.Memory(), o.ChildTID, &tid) // as Linux, without an error
	}
	e := child.join(t.process)
	if e != 0 {
		child.discard()
	} else {
		child.limitCPU()
	}
	return e
}

// copyMemory copies the address space for a child.
func (t *Thread) copyMemory(child *Process) (Memory, linux.Errno) {
	defer t.space.Settled()
	if e := t.space.Settle(); e != 0 {
		return Memory{}, e
	}
	inst, e := t.program.Code.Fork(t.inst)
	if e != 0 {
		return Memory{}, e
	}
	space, e := t.space.Fork(inst, child.spaceLimits())
	if e != 0 {
		inst.Free()
		return Memory{}, e
	}
	return newMemory(space, inst), 0
}

// wholeProcess is a process with what it consists of, in one piece: its parts live as long as it.
type wholeProcess struct {
	Process
	files  fd.Table
	sig    signal.State
	limits Limits
	fs     vfs.Forked
	thread wholeThread
}

// child makes a process and its thread, known to nobody yet.
func (t *Thread) child(exitSignal linux.Signal) (*Process, linux.Errno) {
	parent := t.process
	pid, e := parent.table.reserve(parent)
	if e != 0 {
		return nil, e
	}
	w := new(wholeProcess)
	p := &w.Process
	p.pid, p.table, p.exitSignal = pid, parent.table, exitSignal
	p.files, p.sig, p.limits, p.fs = &w.files, &w.sig, &w.limits, &w.fs.Context
	parent.files.ForkInto(p.files)
	parent.sig.ForkInto(p.sig)
	parent.limits.forkInto(p.limits)
	parent.fs.ForkInto(&w.fs, p)
	p.timers.owner = p
	p.inherited.from(&parent.inherited)
	p.cred.Store(parent.Cred())
	if image := parent.Image(); image != nil {
		image.users.Add(1)
		p.image.Store(image)
	}
	p.scripts.Store(parent.scripts.Load())
	p.parent.Store(parent)
	if f := parent.Foreign(); f != nil {
		p.SetForeign(f.Fork())
	}
	w.thread.begin(p, pid, t.sig.Mask(), t.sig.Stack())
	first := p.lead(&w.thread.Thread)
	first.cpu.Inherit(t.cpu)
	first.frames = slices.Clone(t.frames)
	first.entry = t.entry
	first.index = t.index
	first.spawned = t.spawned
	first.name.Store(t.name.Load())
	return p, 0
}

// join makes a child of parent part of the tree.
func (p *Process) join(parent *Process) linux.Errno {
	t := p.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return linux.EAGAIN
	}
	t.processes[p.pid] = p
	t.threads[p.pid] = p.Thread()
	t.born++
	t.living++
	parent.kids = append(parent.kids, p)
	t.joinLocked(p, parent.group.id, parent.group.session)
	t.startedLocked(p.Thread())
	return 0
}

// discard gives up a child that did not come to life.
func (p *Process) discard() {
	p.files.Release()
	p.Image().drop(&p.table.Arguments)
	p.table.cancel(p.pid)
}
