package proc

import (
	"slices"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
)

// lead makes t the first thread of a process that nobody knows yet.
func (p *Process) lead(t *Thread) *Thread {
	p.leader.Store(t)
	p.threads = append(p.alone[:0], t)
	p.started = t.cpu.Started()
	return t
}

// Threads lists the threads that have not ended, in the order of their start.
func (p *Process) Threads() []*Thread {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return slices.Clone(p.threads)
}

// FindThread gives the thread with the id, unless it has ended.
func (t *Table) FindThread(tid int) (*Thread, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	th := t.threads[tid]
	return th, th != nil
}

// Spawn starts a thread of t's process that calls function fn of table 0 with its id and arg.
// It has its own globals, function tables and native stack; memory and all else are one.
// EAGAIN at a limit; EINVAL if fn is no such function.
func (t *Thread) Spawn(fn, arg uint32) (tid int, e linux.Errno) {
	return t.spawn(func(inst *engine.Instance, tid int) linux.Errno {
		return inst.Call(fn, uint64(tid), uint64(arg))
	})
}

// SpawnExport is Spawn for an exported function; its name has to be that of one of this type.
func (t *Thread) SpawnExport(name string, arg uint32) (tid int, e linux.Errno) {
	for _, x := range t.program.Code.Meta.Exports {
		if x.Name == name && x.Type == "ii:" {
			return t.spawn(func(inst *engine.Instance, tid int) linux.Errno {
				inst.Start(x.Thunk, uint64(tid), uint64(arg))
				return 0
			})
		}
	}
	return 0, linux.ENOSYS
}

// spawn starts a thread of which begin makes the first activation.
func (t *Thread) spawn(begin func(inst *engine.Instance, tid int) linux.Errno) (tid int, e linux.Errno) {
	p := t.process
	if t.vfork != nil {
		return 0, linux.EAGAIN // its instance is not its own
	}
	tid, e = p.table.reserve(p)
	if e != 0 {
		return 0, e
	}
	inst, e := t.space.Thread(t.inst)
	if e != 0 {
		p.table.cancel(tid)
		t.refusedMemory(t.program, e)
		return 0, linux.EAGAIN // whatever the host lacks
	}
	if begin(inst, tid) != 0 {
		inst.Free()
		p.table.cancel(tid)
		return 0, linux.EINVAL
	}
	n := newThread(p, tid, t.sig.Mask(), linux.Stack{Flags: linux.SS_DISABLE})
	n.enterSpace(t.space, inst, t.program)
	n.cpu.Inherit(t.cpu)
	n.spawned = true
	n.SetName(t.Name())
	if !n.join() {
		n.sig.End()
		inst.Free()
		p.table.cancel(tid)
		return 0, linux.EAGAIN
	}
	p.table.crew.start(n, 0)
	return tid, 0
}

// join makes t one of its process's threads, unless those are about to end.
func (t *Thread) join() bool {
	p := t.process
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if p.exiting || p.exec != nil || p.table.closing {
		return false
	}
	p.threads = append(p.threads, t)
	p.table.threads[t.TID()] = t
	t.joinStopLocked()
	p.table.startedLocked(t)
	return true
}

// Exit is exit(2): the end of the thread as soon as it is out of its call. The code of the
// last thread is the process's.
func (t *Thread) Exit(code int) {
	t.status = code & 0xff << 8
	t.sig.Raise(workExit)
}

// remove takes t out of its process and reports whether it was the last. A thread that has
// been removed touches no memory any more.
func (t *Thread) remove() (last bool) {
	p := t.process
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	p.threads = slices.DeleteFunc(p.threads, func(o *Thread) bool { return o == t })
	delete(p.table.threads, t.TID())
	if tid := t.TID(); tid != p.pid {
		p.table.releaseLocked(tid)
	}
	if !t.halted && p.stopping != 0 {
		t.haltedLocked()
	}
	if len(p.threads) == 0 {
		if !p.exiting {
			p.exiting, p.exitStatus = true, t.status
		}
		return true
	}
	if p.exec != nil && len(p.threads) == 1 {
		p.exec.waiter.Wake()
	}
	return false
}

// standAlone ends the other threads of the process and makes t the first, with the process's
// id. It fails if t is to end itself.
func (t *Thread) standAlone() linux.Errno {
	p := t.process
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if p.exiting || p.exec != nil {
		return linux.EAGAIN
	}
	p.exec = t
	defer func() { p.exec = nil }()
	for _, o := range p.threads {
		if o != t {
			o.sig.Raise(workExit)
		}
	}
	for len(p.threads) > 1 {
		p.table.mu.Unlock()
		t.rest(-1)
		p.table.mu.Lock()
		if p.exiting {
			return linux.EAGAIN
		}
	}
	if tid := t.TID(); tid != p.pid {
		delete(p.table.threads, tid)
		p.table.releaseLocked(tid)
		p.table.threads[p.pid] = t
		t.tid.Store(int32(p.pid))
		p.leader.Store(t)
	}
	return 0
}

// KickOthers makes the process's threads but t leave compiled code, and enter it again.
func (p *Process) KickOthers(t *Thread) {
	for _, o := range p.Threads() {
		if inst := o.kick.Load(); o != t && inst != nil {
			inst.Kick()
		}
	}
}
