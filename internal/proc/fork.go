package proc

import (
	"slices"

	"vkernel/internal/linux"
)

// vforkRelease tells a vfork parent that its child runs elsewhere or has ended.
type vforkRelease struct{ done chan struct{} }

// Fork is fork(2): a child that goes on from the same point with a copy of everything. The
// child's call returns 0. exitSignal is what its parent gets at its end.
func (t *Thread) Fork(exitSignal linux.Signal) (pid int, e linux.Errno) {
	child, e := t.child(exitSignal)
	if e != 0 {
		return 0, e
	}
	m, e := t.copyMemory(child)
	if e != 0 {
		child.discard()
		return 0, e
	}
	child.memory.now = m
	child.thread.enterSpace(m, t.program)
	if e := child.join(t.process); e != 0 {
		m.Instance.Free()
		child.discard()
		return 0, e
	}
	go child.thread.run(0)
	return child.pid, 0
}

// copyMemory copies the address space for a child.
func (t *Thread) copyMemory(child *Process) (Memory, linux.Errno) {
	inst, e := t.program.Code.Fork(t.inst)
	if e != 0 {
		return Memory{}, e
	}
	space, e := t.space.Fork(inst, child.spaceLimits())
	if e != 0 {
		inst.Free()
		return Memory{}, e
	}
	return Memory{space, inst}, 0
}

// Vfork is vfork(2): the child runs in this very instance while its parent waits, until it
// execs or ends. What it does to the stack and the globals is undone then.
func (t *Thread) Vfork(exitSignal linux.Signal) (pid int, e linux.Errno) {
	child, e := t.child(exitSignal)
	if e != 0 {
		return 0, e
	}
	m := Memory{t.space, t.inst}
	child.memory.now = m
	child.thread.enterSpace(m, t.program)
	release := &vforkRelease{make(chan struct{})}
	child.thread.vfork = release
	if e := child.join(t.process); e != 0 {
		child.discard()
		return 0, e
	}
	aside := t.inst.SetAside()
	go child.thread.run(0)
	t.clock.pause()
	<-release.done
	t.clock.goOn()
	aside.Restore()
	return child.pid, 0
}

// child makes a process and its thread, known to nobody yet.
func (t *Thread) child(exitSignal linux.Signal) (*Process, linux.Errno) {
	parent := t.process
	pid, e := parent.table.reserve(parent)
	if e != 0 {
		return nil, e
	}
	p := &Process{
		pid: pid, table: parent.table, exitSignal: exitSignal,
		files:  parent.files.Fork(),
		sig:    parent.sig.Fork(),
		limits: parent.limits.Fork(),
	}
	p.fs = parent.fs.Fork(p)
	p.timers.owner = p
	p.inherited.from(&parent.inherited)
	p.cred.Store(parent.Cred())
	p.image.Store(parent.Image())
	p.parent.Store(parent)
	p.thread = newThread(p, pid, t.sig.Mask(), t.sig.Stack())
	p.thread.frames = slices.Clone(t.frames)
	p.thread.entry = t.entry
	p.thread.index = t.index
	p.thread.SetName(t.Name())
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
	t.born++
	t.living++
	parent.kids = append(parent.kids, p)
	t.joinLocked(p, parent.group.id, parent.group.session)
	return 0
}

// discard gives up a child that did not come to life.
func (p *Process) discard() {
	p.files.Release()
	p.table.cancel(p.pid)
}
