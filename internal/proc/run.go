package proc

import (
	"fmt"
	"runtime/debug"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// run is the life of a thread. The guest's pending call, if it is in one, gets result.
func (t *Thread) run(result uint64) {
	debug.SetPanicOnFault(true)
	defer t.crashed()
	for result, alive := t.first(int64(result)); alive; {
		switch t.inst.Resume(result) {
		case layout.ExitSyscall:
			result, alive = t.syscall()
		case layout.ExitReturn:
			result, alive = t.returned()
		case layout.ExitGrow:
			result = t.grow()
		case layout.ExitSetjmp:
			result, alive = t.setjmp()
		case layout.ExitLongjmp:
			result, alive = t.longjmp()
		case layout.ExitWait:
			result, alive = t.atomicWait()
		case layout.ExitNotify:
			result, alive = t.atomicNotify()
		case layout.ExitTrap:
			t.trap()
			result, alive = t.settle(0)
		default: // ExitPreempt
			result, alive = t.settle(0)
		}
	}
}

// What is on the stack while a call sleeps is small: then the garbage collector halves the stack of a thread that is
// idle, from 8 KiB (TestIdleStack of package kernel). So records of calls are made in frames of their own.

// settle is attend for a thread that is in no call.
//
//go:noinline
func (t *Thread) settle(result int64) (uint64, bool) {
	c := none
	c.n = result
	return t.attend(c)
}

// finish is attend for a call that has been made.
//
//go:noinline
func (t *Thread) finish(index int, args Args, n int64, e linux.Errno) (uint64, bool) {
	return t.attend(call{index, args, n, e, t.deadline, t.progress})
}

// syscall serves an import. It is the hot path: it allocates nothing.
func (t *Thread) syscall() (result uint64, alive bool) {
	index := t.inst.Import()
	args := Args(t.inst.Args()[:6])
	t.index = index
	var n int64
	var e linux.Errno
	if !t.cpu.Sample() {
		n, e = t.program.Calls[index](t, args)
	} else {
		n, e = t.measured(index, args)
	}
	if t.sig.Work.Load() == 0 && e < ERESTARTSYS && !t.cut && (!t.cpu.Away() || t.cpu.Enter(&t.sig.Work)) {
		return uint64(e.Result(n)), true
	}
	return t.finish(index, args, n, e)
}

// measured makes a call and notes the CPU time that it takes.
func (t *Thread) measured(index int, args Args) (int64, linux.Errno) {
	began := t.cpu.Began()
	n, e := t.program.Calls[index](t, args)
	t.cpu.Ended(began)
	return n, e
}

// redo makes a call again that a signal interrupted.
func (t *Thread) redo(c call) call {
	t.again, t.deadline, t.index, t.progress = true, c.deadline, c.index, c.progress
	defer func() { t.again = false }()
	if c.index == callWait {
		c.n, c.e = t.waitWord(&c.args)
	} else {
		c.n, c.e = t.program.Calls[c.index](t, c.args)
	}
	c.deadline, c.progress = t.deadline, t.progress
	return c
}

// returned serves the end of an activation: of a signal handler, of a thread's function,
// which ends the thread, or of the program's entry point, which ends the process as exit(0)
// does.
func (t *Thread) returned() (uint64, bool) {
	if t.inst.Depth() > 1 {
		t.inst.Return()
		return t.attend(t.leaveHandler())
	}
	if t.entry != 0 {
		t.enterEntry()
		return 0, true
	}
	if t.spawned {
		t.Exit(0)
	} else {
		t.process.Exit(0)
	}
	return t.attend(none)
}

// grow serves memory.grow.
func (t *Thread) grow() uint64 {
	old, ok := t.space.Grow(uint32(t.inst.Arg(0)))
	if !ok {
		return 0xffffffff
	}
	return uint64(old)
}

// crashed turns a panic of the kernel into the end of the container, with an error that
// names the call: the other containers of the process go on.
func (t *Thread) crashed() {
	r := recover()
	if r == nil {
		return
	}
	where := "outside a call"
	if t.program != nil {
		where = t.program.ImportName(t.index)
	}
	t.Table().config.Log.Error("kernel panic", "call", where, "pid", t.process.pid, "panic", r, "stack", string(debug.Stack()))
	t.Table().Fail(fmt.Errorf("panic in %s of process %d (%s): %v", where, t.process.pid, t.Name(), r))
	t.abandon()
}
