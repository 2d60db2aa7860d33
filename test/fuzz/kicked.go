package main

import (
	"sync/atomic"
	"syscall"

	eng "vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// kicked is compiled code that is made to leave every few microseconds. A call is also continued in
// a copy of the process, made at one of these exits; both must end in the same way.
type kicked struct {
	compiled
	counts *fuzzer
}

func (k *kicked) call(name string, results []wasm.ValType, args []uint64) outcome {
	thunk := k.thunk(name)
	if thunk == 0 {
		return outcome{trap: "no export " + name}
	}
	return k.run(thunk, results, args)
}

func (k *kicked) start() outcome {
	inst, e := k.program.New()
	if e != 0 {
		return outcome{trap: "new instance: " + e.Error()}
	}
	k.inst = inst
	if k.program.Meta.Start != 0 {
		return k.run(k.program.Meta.Start, nil, nil)
	}
	return outcome{}
}

// most is how many exits a call has before it is left alone.
const most = 1000

func (k *kicked) run(thunk uint32, results []wasm.ValType, args []uint64) outcome {
	stop := kickEvery(20, k.inst)
	defer func() { stop() }()
	k.inst.Start(thunk, args...)
	var child *compiled
	exits := 0
	for result := uint64(0); ; {
		exit := k.inst.Resume(result)
		if exit == layout.ExitPreempt {
			k.counts.exits++
			if exits++; exits == most {
				stop()
			}
		}
		o, done := k.serve(exit, &result, results)
		switch {
		case done && child != nil:
			return k.asChild(o, child, results)
		case done:
			return o
		case child == nil && (exits == 3 || exit != layout.ExitPreempt):
			var e outcome
			if child, e = k.fork(result); e.trap != "" {
				return e
			}
		}
	}
}

// fork makes a copy of the process, as it is before it is resumed with a result.
func (k *kicked) fork(result uint64) (*compiled, outcome) {
	k.counts.copies++
	inst, e := k.program.Fork(k.inst)
	if e != 0 {
		return nil, outcome{trap: "fork: " + e.Error()}
	}
	child := &compiled{program: k.program, inst: inst}
	first := k.program.Meta.Memory.Min
	if e := mapPages(inst, first, k.inst.Pages()-first); e != 0 {
		return nil, outcome{trap: "fork: memory: " + e.Error()}
	}
	if e := inst.Memory().Write(0, k.memory()); e != 0 {
		return nil, outcome{trap: "fork: memory: " + e.Error()}
	}
	child.pending = result
	return child, outcome{}
}

// asChild runs the child to its end and says whether it ended like its parent.
func (k *kicked) asChild(o outcome, child *compiled, results []wasm.ValType) outcome {
	defer child.close()
	c := child.resume(results)
	if !c.same(o) || !o.same(c) {
		return outcome{trap: "after fork: parent " + o.String() + ", child " + c.String()}
	}
	if s := compareMemory(k.memory(), child.memory()); s != "" {
		return outcome{trap: "after fork, parent as vkernel, child as wazero: " + s}
	}
	return o
}

// kickEvery kicks an instance every so many microseconds, until it is stopped.
func kickEvery(microseconds int64, i *eng.Instance) (stop func()) {
	var done atomic.Bool
	gone := make(chan bool)
	go func() {
		defer close(gone)
		for !done.Load() {
			syscall.Nanosleep(&syscall.Timespec{Nsec: microseconds * 1000}, nil)
			i.Kick()
		}
	}()
	return func() {
		if !done.Swap(true) {
			<-gone
		}
	}
}
