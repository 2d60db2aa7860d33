package engine

import (
	"bytes"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

const rw = ProtRead | ProtWrite

// fileBytes is what the memory of a process with threads costs the host.
func fileBytes(t *testing.T, i *Instance) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(i.memory.Load().fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

// TestThreadConversion makes the first thread of a memory that has everything a memory can have.
func TestThreadConversion(t *testing.T) {
	c := loadGuest(t)
	for _, p := range c.Programs() {
		i, e := p.New()
		if e != 0 {
			t.Fatal(e)
		}
		start(t, i, "x_deep", 500)
		want(t, "call", i.Resume(0), layout.ExitSyscall)
		other := newGuest(t, c)
		content := bytes.Repeat([]byte("0123456789abcdef"), pageSize/16)
		write := func(addr uint32) {
			if e := i.Memory().Write(addr, content); e != 0 {
				t.Fatalf("write at %#x: %v", addr, e)
			}
		}
		write(8192)                                     // dirty, below the image
		write(65536)                                    // over the image
		i.Unmap(65536+4096, 4096)                       // a hole in it
		i.Map(1<<30, 64*pageSize, rw, false)            // far away
		write(1<<30 + 5*pageSize)                       //
		i.Protect(1<<30+8*pageSize, pageSize, ProtRead) // read-only, empty
		write(1<<30 + 10*pageSize)                      // inaccessible, with content
		i.Protect(1<<30+10*pageSize, pageSize, ProtNone)
		i.Map(1<<31, 8*pageSize, rw, true) // shared with another process
		i.Share(other, 1<<31, 1<<31, 8*pageSize, rw)
		write(1 << 31)
		i.SetPages(9)
		free := fileBytes0(i)
		v := thread(t, i)
		w := thread(t, v)
		if got := fileBytes(t, i); got > free+6*pageSize {
			t.Errorf("%s: the file holds %d bytes, want at most %d", p.Meta.Name, got, free+6*pageSize)
		}
		for k, x := range []*Instance{i, v, w} {
			for _, r := range []struct {
				addr        uint32
				read, write linux.Errno
				content     []byte
			}{
				{8192, 0, 0, content},
				{65536, 0, 0, content},
				{65536 + 4096, linux.EFAULT, linux.EFAULT, nil},
				{3 * 65536, 0, 0, make([]byte, pageSize)},
				{4 * 65536, linux.EFAULT, linux.EFAULT, nil},
				{1<<30 + 5*pageSize, 0, 0, content},
				{1<<30 + 8*pageSize, 0, linux.EFAULT, make([]byte, pageSize)},
				{1<<30 + 10*pageSize, linux.EFAULT, linux.EFAULT, nil},
				{1<<30 + 64*pageSize, linux.EFAULT, linux.EFAULT, nil},
				{1 << 31, 0, 0, content},
				{1<<31 + 8*pageSize, linux.EFAULT, linux.EFAULT, nil},
			} {
				b := make([]byte, pageSize)
				e := x.Memory().Read(r.addr, b)
				if e != r.read || e == 0 && !bytes.Equal(b, r.content) {
					t.Errorf("%s, view %d: read at %#x: %v", p.Meta.Name, k, r.addr, e)
				}
				if e := x.Memory().Write(r.addr, b[:1]); e != r.write {
					t.Errorf("%s, view %d: write at %#x: %v", p.Meta.Name, k, r.addr, e)
				}
			}
			if e := x.Memory().Read(0, make([]byte, 1)); (e != 0) != (p.guard != 0) {
				t.Errorf("%s, view %d: null: %v", p.Meta.Name, k, e)
			}
			if x.Pages() != 9 {
				t.Errorf("%s, view %d: %d pages", p.Meta.Name, k, x.Pages())
			}
		}
		v.Memory().Write(1<<31, []byte("SEEN"))
		b := make([]byte, 4)
		if other.Memory().Read(1<<31, b); string(b) != "SEEN" {
			t.Errorf("%s: memory shared with another process: %q", p.Meta.Name, b)
		}
		if e := i.Protect(1<<30+10*pageSize, pageSize, rw); e != 0 {
			t.Fatal(e)
		}
		if b := make([]byte, pageSize); w.Memory().Read(1<<30+10*pageSize, b) != 0 || !bytes.Equal(b, content) {
			t.Errorf("%s: the content of an inaccessible page is lost", p.Meta.Name)
		}
		want(t, "deep", i.Resume(6), layout.ExitReturn)
		if got := i.Results()[0][0]; got != deepResult(500, 6) {
			t.Errorf("%s: result %d", p.Meta.Name, got)
		}
		at := []uintptr{i.at, v.at, w.at}
		other.Free()
		i.Free() // the first one goes first
		v.Memory().Write(8192, []byte("still"))
		if b := make([]byte, 5); w.Memory().Read(8192, b) != 0 || string(b) != "still" {
			t.Errorf("%s: after the first one is gone: %q", p.Meta.Name, b)
		}
		w.Free()
		v.Free()
		pristineSlots(t, p, at)
	}
	if n := c.slots.used.Load() + c.slots.areas.Load(); n != 0 {
		t.Errorf("%d mappings declared by nobody", n)
	}
}

// fileBytes0 is what a conversion copies at least: the image.
func fileBytes0(i *Instance) (n int64) {
	for _, h := range i.backed(0, memorySize) {
		n += int64(h.size())
	}
	return n
}

// pristineSlots looks at the next instances in slots that views have left.
func pristineSlots(t *testing.T, p *Program, slots []uintptr) {
	t.Helper()
	var live []*Instance
	left := len(slots)
	for range 64 {
		i, e := p.New()
		if e != 0 {
			t.Fatal(e)
		}
		live = append(live, i)
		for _, at := range slots {
			if i.at == at {
				left--
				pristine(t, "a view's slot", i)
				unused(t, "a view's slot", i)
			}
		}
	}
	if left != 0 {
		t.Errorf("%d slots of views were not used again", left)
	}
	for _, i := range live {
		i.Free()
	}
}

// TestThreadSlots soils views in every way and looks at the next instance in their slots.
func TestThreadSlots(t *testing.T) {
	c := loadGuest(t)
	for _, p := range c.Programs() {
		i, e := p.New()
		if e != 0 {
			t.Fatal(e)
		}
		i.Map(1<<30, 1<<20, rw, false)
		v := thread(t, i)
		start(t, v, "x_deep", 3000)
		want(t, "deep", v.Resume(0), layout.ExitSyscall)
		v.Kick()
		want(t, "kicked", v.Resume(0), layout.ExitPreempt)
		want(t, "deep's end", v.Resume(0), layout.ExitReturn)
		v.setStackPointer(7)
		v.Memory().Write(1<<30, bytes.Repeat([]byte{0x5a}, 1<<20))
		v.Memory().Write(8192, bytes.Repeat([]byte{0x5a}, 100000))
		w := thread(t, v)
		start(t, w, "x_overflow")
		want(t, "overflow", w.Resume(0), layout.ExitTrap)
		if e := w.Call(0, 1); e != 0 {
			t.Fatal(e)
		}
		want(t, "handler", w.Resume(0), layout.ExitSyscall)
		slots := []uintptr{v.at, w.at, i.at}
		v.Free()
		w.Free()
		i.Free()
		pristineSlots(t, p, slots)
	}
}

// TestThreadFreed holds that memory that a view unmaps or discards is the host's again, and all of it
// when the last view is gone.
func TestThreadFreed(t *testing.T) {
	c := loadGuest(t)
	i := newGuest(t, c)
	v := thread(t, i)
	before := fileBytes(t, i)
	const size = 8 << 20
	dirty := func() {
		if e := v.Map(1<<30, size, rw, false); e != 0 {
			t.Fatal(e)
		}
		v.Memory().Write(1<<30, bytes.Repeat([]byte{1}, size))
		i.Memory().Read(1<<30, make([]byte, size))
		if got := fileBytes(t, i) - before; got != size {
			t.Errorf("%d bytes written, the file grew by %d", size, got)
		}
		if got := i.Resident(1<<30, size); got != size || i.Resident(1<<30+size, size) != 0 {
			t.Errorf("%d bytes resident", got)
		}
	}
	dirty()
	if e := i.Discard(1<<30, size/2, rw); e != 0 {
		t.Fatal(e)
	}
	if got := fileBytes(t, i) - before; got != size/2 {
		t.Errorf("%d bytes after discarding half", got)
	}
	if v.peek(t, 1<<30) != 0 || v.peek(t, 1<<30+size/2) != 0x01010101 {
		t.Errorf("discarded %#x, kept %#x", v.peek(t, 1<<30), v.peek(t, 1<<30+size/2))
	}
	i.poke(t, 65536, 1)
	if e := v.Discard(65536, 4096, rw); e != 0 || i.peek(t, 65536) != 0x20656874 { // "the "
		t.Errorf("the image after it was discarded: %v, %#x", e, i.peek(t, 65536))
	}
	if e := i.Unmap(1<<30, size); e != 0 {
		t.Fatal(e)
	}
	if got := fileBytes(t, i) - before; got != 0 {
		t.Errorf("%d bytes after unmapping", got)
	}
	dirty()
	if e := i.Move(1<<30, 1<<31, size); e != 0 {
		t.Fatal(e)
	}
	if got := fileBytes(t, i) - before; got != size {
		t.Errorf("%d bytes after moving", got)
	}
	if v.peek(t, 1<<31+size-4) != 0x01010101 {
		t.Error("moved memory is lost")
	}
	if e := v.Memory().Read(1<<30, make([]byte, 1)); e != linux.EFAULT {
		t.Errorf("the old place: %v", e)
	}
	if n := c.ThreadBytes(); n != uint64(before)+size {
		t.Errorf("all processes with threads use %d bytes, want %d", n, uint64(before)+size)
	}
	fd := i.memory.Load().fd
	if n := i.Free(); n > 1<<20 {
		t.Errorf("the first view to go counts %d bytes", n)
	}
	if n := v.Free(); n < uint64(before)+size || n > uint64(before)+size+1<<20 {
		t.Errorf("the last view counts %d bytes, want %d", n, uint64(before)+size)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != unix.EBADF {
		t.Errorf("the file after the last view: %v", err)
	}
	if n := c.ThreadBytes(); n != 0 {
		t.Errorf("%d bytes after the last view", n)
	}
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil && bytes.Contains(maps, []byte("memfd:memory")) {
		t.Error("the file is still mapped")
	}
}

// TestThreadUnmapWhileRunning unmaps and protects what other views load and store all the time:
// they trap, and go on when the page is back.
func TestThreadUnmapWhileRunning(t *testing.T) {
	i := newThreads(t, threadProgram)
	defer i.Free()
	const page = 0x40000000
	if e := i.Map(page, 4096, rw, false); e != 0 {
		t.Fatal(e)
	}
	var wg sync.WaitGroup
	var stop atomic.Bool
	var traps, live atomic.Int64
	for k := range 4 {
		v := thread(t, i)
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer v.Free()
			fn := uint32(fnStore)
			if k%2 == 0 {
				fn = fnSpin
			}
			for !stop.Load() {
				if e := v.Call(fn, page); e != 0 {
					t.Error(e)
					return
				}
				live.Add(1)
				switch x := v.resume(0); x {
				case layout.ExitTrap:
					if tr := v.Trap(); tr.Code != layout.TrapFault || tr.Addr < page || tr.Addr >= page+4096 {
						t.Errorf("trap %+v", tr)
					}
					traps.Add(1)
				case layout.ExitReturn:
				default:
					t.Errorf("exit %d", x)
				}
				v.Return()
			}
		}()
	}
	end := time.Now().Add(500 * time.Millisecond)
	for n := 0; time.Now().Before(end); n++ {
		switch n % 3 {
		case 0:
			if e := i.Unmap(page, 4096); e != 0 {
				t.Fatal(e)
			}
			if e := i.Map(page, 4096, rw, false); e != 0 {
				t.Fatal(e)
			}
		case 1:
			i.Protect(page, 4096, ProtNone)
			i.Protect(page, 4096, rw)
		case 2:
			if e := i.Move(page, page+1<<20, 4096); e != 0 {
				t.Fatal(e)
			}
			if e := i.Move(page+1<<20, page, 4096); e != 0 {
				t.Fatal(e)
			}
		}
		time.Sleep(100 * time.Microsecond)
	}
	stop.Store(true)
	i.poke(t, 5000, 1)
	i.poke(t, page, 1)
	wg.Wait()
	t.Logf("%d traps in %d calls", traps.Load(), live.Load())
	if traps.Load() == 0 {
		t.Error("nobody trapped")
	}
}

// TestThreadKernelCopies has the kernel read and write memory that another view unmaps: EFAULT at
// worst, and never anything but what was written there.
func TestThreadKernelCopies(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	const at, size = 1 << 30, 16 * pageSize
	i.Map(at, size, rw, false)
	var wg sync.WaitGroup
	var stop atomic.Bool
	var faults, copies atomic.Int64
	for k := range 3 {
		v := thread(t, i)
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer v.Free()
			debug.SetPanicOnFault(true)
			b := make([]byte, size)
			for n := 0; !stop.Load(); n++ {
				var e linux.Errno
				switch (n + k) % 3 {
				case 0:
					e = v.Memory().Read(at, b)
				case 1:
					e = v.Memory().Write(at, bytes.Repeat([]byte{0x33}, size))
				case 2:
					e = v.Memory().View(guest.Addr(at+n%size), size-n%size, func(p []byte) linux.Errno {
						for _, c := range p {
							if c != 0 && c != 0x33 {
								return linux.EIO
							}
						}
						return 0
					})
				}
				copies.Add(1)
				switch e {
				case 0:
				case linux.EFAULT:
					faults.Add(1)
				default:
					t.Error(e)
				}
			}
		}()
	}
	end := time.Now().Add(400 * time.Millisecond)
	for n := 0; time.Now().Before(end); n++ {
		i.Unmap(at, size)
		i.Map(at, size, rw, false)
		time.Sleep(50 * time.Microsecond)
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d faults in %d copies", faults.Load(), copies.Load())
}
