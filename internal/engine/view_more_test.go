package engine

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// TestThreadExits has views leave for everything that a thread asks the kernel for.
func TestThreadExits(t *testing.T) {
	i := newThreads(t, threadProgram)
	defer i.Free()
	v := thread(t, i)
	defer v.Free()
	if v.Depth() != 0 || v.StackPointer() != 131072 {
		t.Errorf("a view starts at depth %d with stack pointer %d", v.Depth(), v.StackPointer())
	}
	call := func(index uint32, arg uint64) {
		t.Helper()
		if e := v.Call(index, arg); e != 0 {
			t.Fatal(e)
		}
	}
	call(fnWait, 17)
	want(t, "wait", v.Resume(0), layout.ExitWait)
	if v.Arg(0) != 4096 || v.Arg(1) != 17 || v.Arg(2) != 5000 || v.Arg(3) != 4 {
		t.Errorf("wait%v", v.Args()[:4])
	}
	if e := v.Call(fnGlobal, 1); e != 0 { // a signal handler meanwhile
		t.Fatal(e)
	}
	want(t, "handler", v.Resume(0), layout.ExitReturn)
	v.Return()
	want(t, "waited", v.Resume(2), layout.ExitReturn)
	if v.ReturnValue() != 2 {
		t.Errorf("wait gave %d", v.ReturnValue())
	}
	v.Return()
	call(fnNotify, 3)
	want(t, "notify", v.Resume(0), layout.ExitNotify)
	if v.Arg(0) != 4096 || v.Arg(1) != 3 {
		t.Errorf("notify%v", v.Args()[:2])
	}
	v.Kick()
	want(t, "kicked", v.Resume(1), layout.ExitPreempt)
	want(t, "notified", v.Resume(9), layout.ExitReturn)
	if v.ReturnValue() != 1 {
		t.Errorf("notify gave %d", v.ReturnValue())
	}
	v.Return()

	call(fnGrow, 2)
	want(t, "grow", v.Resume(0), layout.ExitGrow)
	w := thread(t, v)
	defer w.Free()
	v.Map(4*wasmPage, 2*wasmPage, rw, false)
	v.SetPages(6)
	want(t, "grown", v.Resume(4), layout.ExitReturn)
	v.Return()
	x := thread(t, w)
	defer x.Free()
	for k, u := range []*Instance{i, v, w, x} {
		if u == i {
			if u.Pages() != 6 {
				t.Errorf("the first view has %d pages", u.Pages())
			}
			continue
		}
		if got := u.run(t, fnSize, 0); got != 6 {
			t.Errorf("view %d: memory.size %d", k, got)
		}
		u.poke(t, 6*wasmPage-4, uint32(k))
		u.run(t, fnFill, 4*wasmPage)
	}
	if got := x.run(t, fnLoad, 6*wasmPage-8); got != 0 {
		t.Errorf("new memory holds %#x", got)
	}
	// Globals are each view's own: v's has been set, w's is as in the image.
	if a, b := v.run(t, fnGlobal, 2), w.run(t, fnGlobal, 3); a != 1 || b != 7 {
		t.Errorf("globals %d and %d", a, b)
	}
	// A view that traps, of memory or of its stack, stops nobody.
	for _, bad := range []struct {
		fn, code int
		arg      uint64
	}{{fnLoad, layout.TrapFault, 1 << 31}, {fnOverflow, layout.TrapStackOverflow, 0}, {fnCopy, layout.TrapMemoryBounds, 1 << 20}} {
		call(uint32(bad.fn), bad.arg)
		want(t, "trap", v.Resume(0), layout.ExitTrap)
		if got := v.Trap(); got.Code != bad.code {
			t.Errorf("trap %+v, want %d", got, bad.code)
		}
		if got := v.run(t, fnSize, 0); got != 6 { // a handler on top, in the reserve
			t.Errorf("handler: %d", got)
		}
		v.Return()
		if got := w.run(t, fnGlobal, 3); got != 3 {
			t.Errorf("another view's global %d", got)
		}
	}
	// Kicks reach the kicked view only.
	call(fnSpin, 7000)
	if e := w.Call(fnSpin, 7000); e != 0 {
		t.Fatal(e)
	}
	left := make(chan Exit)
	go func() { left <- w.Resume(0) }()
	go v.Kick()
	want(t, "spinning", v.Resume(0), layout.ExitPreempt)
	select {
	case x := <-left:
		t.Errorf("the other one left with %d", x)
	case <-time.After(20 * time.Millisecond):
	}
	i.poke(t, 7000, 9)
	want(t, "the other one", <-left, layout.ExitReturn)
	want(t, "main's end", i.resume(1), layout.ExitReturn)
}

// TestThreadFork forks a view while others write: the child is an ordinary process with the caller's
// stack and globals, and what it has does not change any more.
func TestThreadFork(t *testing.T) {
	i := newThreads(t, threadProgram)
	defer i.Free()
	const writers = 3
	i.Map(1<<30, 1<<20, rw, false)
	i.Map(1<<31, pageSize, rw, true)
	i.poke(t, 1<<30+8, 0xabcdef)
	i.poke(t, 140000-140000%pageSize+pageSize, 5) // a page of the image, or next to it
	v := thread(t, i)
	if e := v.Call(fnGlobal, 55); e != 0 {
		t.Fatal(e)
	}
	want(t, "global", v.Resume(0), layout.ExitReturn)
	v.Return()
	if e := v.Call(fnWait, 1); e != 0 {
		t.Fatal(e)
	}
	want(t, "wait", v.Resume(0), layout.ExitWait)
	var wg sync.WaitGroup
	for k := range writers {
		w := thread(t, i)
		wg.Add(1)
		go func() {
			defer wg.Done()
			w.run(t, fnStore, uint64(16384+4096*k))
			w.Free()
		}()
	}
	for range 50 {
		child, e := v.p.Fork(v)
		if e != 0 {
			t.Fatal(e)
		}
		child.Map(1<<30, 1<<20, rw, false)
		for _, r := range [][2]uint64{{0, 4 * wasmPage}, {1 << 30, 1 << 20}} {
			if e := v.CopyPages(child, r[0], r[1]); e != 0 {
				t.Fatal(e)
			}
		}
		if e := v.Share(child, 1<<31, 1<<31, pageSize, rw); e != 0 {
			t.Fatal(e)
		}
		if child.Shared() || child.Pages() != 4 {
			t.Errorf("child: shared %v, %d pages", child.Shared(), child.Pages())
		}
		if n := staleWords(child, v); n != 0 {
			t.Errorf("%d words of the child point into the view's slot", n)
		}
		before := bytes.Clone(bytesAt(child.base+16384, writers*pageSize))
		if child.peek(t, 1<<30+8) != 0xabcdef || child.peek(t, 140000) != 0x67616d69 {
			t.Error("the child's memory differs")
		}
		want(t, "child's wait", child.Resume(0), layout.ExitReturn)
		child.Return()
		if got := child.run(t, fnGlobal, 56); got != 55 {
			t.Errorf("child's global %d", got)
		}
		child.poke(t, 5000, 1) // would stop the writers
		grandchild := thread(t, child)
		if grandchild.run(t, fnLoad, 5000) != 1 || grandchild.run(t, fnGlobal, 1) != 7 {
			t.Error("the child's thread")
		}
		grandchild.Free()
		if !bytes.Equal(before, bytesAt(child.base+16384, writers*pageSize)) {
			t.Error("the child sees what the parent's threads write")
		}
		child.Free()
	}
	i.poke(t, 5000, 1)
	wg.Wait()
	want(t, "wait ends", v.resume(1), layout.ExitReturn)
	v.Free()
}

// TestThreadAside has a vfork child run on a view while other threads go on.
func TestThreadAside(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	v := thread(t, i)
	defer v.Free()
	start(t, v, "x_deep", 50)
	want(t, "vfork", v.Resume(0), layout.ExitSyscall)
	a := v.SetAside()
	want(t, "child goes on", v.Resume(1), layout.ExitReturn)
	v.setStackPointer(1000)
	start(t, i, "x_count")
	want(t, "another thread", i.Resume(0), layout.ExitReturn)
	i.SetPages(5)
	i.poke(t, 8, 77)
	if e := a.Restore(); e != 0 {
		t.Fatal(e)
	}
	want(t, "parent goes on", v.Resume(2), layout.ExitReturn)
	if got := v.Results()[0][0]; got != deepResult(50, 2) || v.Pages() != 5 || v.StackPointer() != 65536 || v.peek(t, 8) != 77 {
		t.Errorf("result %d, %d pages, stack pointer %d, word %d", got, v.Pages(), v.StackPointer(), v.peek(t, 8))
	}
}

// TestThreadLimits makes threads until the host's limits, and operations that these do not allow.
func TestThreadLimits(t *testing.T) {
	c := loadGuest(t)
	i := newGuest(t, c)
	if e := i.Areas(3); e != 0 {
		t.Fatal(e)
	}
	c.slots.mappings = 60
	list := []*Instance{i}
	for {
		v, e := list[len(list)-1].Thread()
		if e != 0 {
			if e != linux.EAGAIN {
				t.Errorf("thread %d: %v", len(list), e)
			}
			break
		}
		list = append(list, v)
		if len(list) > 100 {
			t.Fatal("no limit")
		}
	}
	t.Logf("%d threads with 60 mappings", len(list))
	var e linux.Errno
	n := uint64(0)
	for ; n < 100 && e == 0; n++ {
		e = i.Map(1<<30+n*2*pageSize, pageSize, ProtRead, false)
	}
	if e != linux.ENOMEM || n < 2 && len(list) < 7 {
		t.Errorf("map %d: %v", n, e)
	}
	for k, v := range list {
		if e := v.Memory().Read(1<<30+uint32(n-1)*2*pageSize, make([]byte, 1)); e != linux.EFAULT {
			t.Errorf("view %d: what was refused is mapped: %v", k, e)
		}
	}
	for k, v := range list {
		start(t, v, "x_add", 1, uint64(k))
		want(t, "view", v.Resume(0), layout.ExitReturn)
		v.Free()
	}
	if n := c.slots.used.Load() + c.slots.areas.Load(); n != 0 {
		t.Errorf("%d mappings declared by nobody", n)
	}
	c.slots.mappings, c.slots.limit = 10000, 1
	i = newGuest(t, c)
	for s, ok := c.Programs()[0].takeIdle(); ok; s, ok = c.Programs()[0].takeIdle() {
		c.Programs()[0].strip(s.at)
	}
	c.slots.blank = nil
	i.poke(t, 8192, 3)
	if _, e := i.Thread(); e != linux.EAGAIN {
		t.Errorf("thread without a slot: %v", e)
	}
	if !i.Shared() || i.peek(t, 8192) != 3 {
		t.Error("after it")
	}
	i.Free()
	if n := c.slots.used.Load() + c.slots.areas.Load(); n != 0 {
		t.Errorf("%d mappings declared by nobody", n)
	}
}

// TestThreadMappings holds that views cost what they declare.
func TestThreadMappings(t *testing.T) {
	c := loadGuest(t)
	for _, p := range c.Programs() {
		i, e := p.New()
		if e != 0 {
			t.Fatal(e)
		}
		for k := range uint64(20) { // stacks of threads, each with a guard below it
			i.Map(1<<30+k*32*pageSize, 32*pageSize, ProtNone, false)
			i.Protect(1<<30+k*32*pageSize+2*pageSize, 30*pageSize, rw)
		}
		list := []*Instance{i, thread(t, i)}
		before, declared := mappings(t), c.slots.used.Load()
		for range 32 {
			list = append(list, thread(t, i))
		}
		per, own := float64(mappings(t)-before)/32, float64(c.slots.used.Load()-declared)/32
		t.Logf("program %s: %.1f mappings per view, %.1f declared", p.Meta.Name, per, own)
		for k := range uint32(20) {
			for _, v := range []*Instance{i, list[9], list[33]} {
				if e := v.Memory().Read(1<<30+k*32*pageSize+2*pageSize-1, make([]byte, 1)); e != linux.EFAULT {
					t.Errorf("program %s: guard %d: %v", p.Meta.Name, k, e)
				}
				if e := v.Memory().Write(1<<30+k*32*pageSize+2*pageSize, make([]byte, 1)); e != 0 {
					t.Errorf("program %s: stack %d: %v", p.Meta.Name, k, e)
				}
			}
		}
		if c.sharedMarkers && per > 8 {
			t.Errorf("program %s: the guards cost mappings: %.1f", p.Meta.Name, per)
		}
		if per > own+0.2 {
			t.Errorf("program %s: %.1f mappings per view, %.1f declared", p.Meta.Name, per, own)
		}
		for _, v := range list {
			v.Free()
		}
	}
}

// TestThreadMarkers changes guards that are kept by markers in every way.
func TestThreadMarkers(t *testing.T) {
	c := loadGuest(t)
	if !c.sharedMarkers {
		t.Skip("the host has no markers in shared memory")
	}
	i := newGuest(t, c)
	v := thread(t, i)
	const n, step = 20, 8 * pageSize
	guard := func(k uint32) uint32 { return 1<<30 + k*step }
	for k := range uint32(n) {
		i.Map(uint64(guard(k)), step, rw, false)
		i.Memory().Write(guard(k), []byte{byte(k + 1)})
		v.Protect(uint64(guard(k)), pageSize, ProtNone)
	}
	w := thread(t, i)
	views := []*Instance{i, v, w}
	m := i.memory.Load()
	marked := 0
	for _, r := range m.vmas {
		if r.marked {
			marked++
		}
	}
	if marked < n-1 || m.cost > 10 {
		t.Errorf("%d guards of %d are marked, %d mappings", marked, n, m.cost)
	}
	check := func(what string, addr uint32, e linux.Errno, want byte) {
		t.Helper()
		for k, x := range views {
			b := make([]byte, 1)
			if got := x.Memory().Read(addr, b); got != e || e == 0 && b[0] != want {
				t.Errorf("%s, view %d: %v, %d; want %v, %d", what, k, got, b[0], e, want)
			}
		}
	}
	check("a guard", guard(3), linux.EFAULT, 0)
	w.Protect(uint64(guard(3)), pageSize, ProtRead)
	check("a guard that was opened", guard(3), 0, 4)
	w.Protect(uint64(guard(3)), pageSize, ProtNone)
	check("and closed", guard(3), linux.EFAULT, 0)
	w.Protect(uint64(guard(3)), step, rw)
	check("and opened with its stack", guard(3), 0, 4)
	i.Unmap(uint64(guard(4)), pageSize)
	check("unmapped", guard(4), linux.EFAULT, 0)
	i.Map(uint64(guard(4)), pageSize, rw, false)
	check("mapped again", guard(4), 0, 0)
	i.Unmap(uint64(guard(5)), step)
	i.Map(uint64(guard(5)), step, rw, true)
	check("mapped again, shared", guard(5), 0, 0)
	i.Unmap(uint64(guard(5)), step)
	v.Protect(uint64(guard(6)), step, rw)
	if e := v.Move(uint64(guard(6)), uint64(guard(5)), step); e != 0 {
		t.Fatal(e)
	}
	check("moved here", guard(5), 0, 7)
	check("from here", guard(6), linux.EFAULT, 0)
	child, e := i.p.Fork(v)
	if e != 0 {
		t.Fatal(e)
	}
	child.Map(uint64(guard(8)), step, rw, false)
	v.CopyPages(child, uint64(guard(8)), step)
	if child.peek(t, guard(8)) != 9 {
		t.Error("a fork lost what is behind a guard")
	}
	child.Free()
	slots := []uintptr{i.at, v.at, w.at}
	for _, x := range views {
		x.Free()
	}
	pristineSlots(t, i.p, slots)
	if n := c.slots.used.Load() + c.slots.areas.Load(); n != 0 {
		t.Errorf("%d mappings declared by nobody", n)
	}
}
