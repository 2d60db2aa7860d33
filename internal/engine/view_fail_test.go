package engine

import (
	"bytes"
	"os"
	"os/exec"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// TestThreadFails makes first threads where the host refuses more mappings, at each step of the
// conversion in turn: the process goes on, with or without threads. It runs in a process of its
// own, since Go may not get any either.
func TestThreadFails(t *testing.T) {
	const variable = "VK_TEST_NO_MAPPINGS"
	if os.Getenv(variable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestThreadFails$", "-test.v")
		cmd.Env = append(os.Environ(), variable+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		t.Logf("%s", bytes.TrimSpace(out))
		return
	}
	c := loadGuest(t)
	if MaxMapCount() > 1<<17 {
		t.Skip("too many mappings to fill")
	}
	debug.SetGCPercent(-1)
	fill := newFilling(t)
	made, refused := 0, 0
	for spare := range 40 {
		i := newGuest(t, c)
		content := bytes.Repeat([]byte{byte(spare + 1)}, pageSize)
		for k := range uint32(5) {
			i.Map(1<<30+uint64(k)*2*pageSize, pageSize, rw, false)
			i.Memory().Write(1<<30+k*2*pageSize, content)
		}
		i.Memory().Write(65536, content)
		i.Map(1<<31, pageSize, rw, true)
		i.Memory().Write(1<<31, content)
		i.Map(1<<29, 2*pageSize, rw, false)
		i.Memory().Write(1<<29, content)
		i.Protect(1<<29, pageSize, ProtNone)
		start(t, i, "x_deep", 100)
		want(t, "call", i.Resume(0), layout.ExitSyscall)
		fill.leave(spare)
		v, e := i.Thread()
		fill.leave(2000)
		if e == 0 {
			made++
			v.Free()
		} else if refused++; e != linux.EAGAIN && e != linux.ENOMEM {
			t.Errorf("%d mappings spare: %v", spare, e)
		}
		shared := i.Shared()
		if e := i.Protect(1<<29, pageSize, rw); e != 0 {
			t.Fatal(e)
		}
		b := make([]byte, pageSize)
		for _, addr := range []uint32{1 << 29, 1 << 30, 1<<30 + 8*pageSize, 65536, 1 << 31} {
			if e := i.Memory().Read(addr, b); e != 0 || !bytes.Equal(b, content) {
				t.Errorf("%d spare, shared %v: read at %#x: %v, %d", spare, shared, addr, e, b[0])
			}
			if e := i.Memory().Write(addr, b); e != 0 {
				t.Errorf("%d spare, shared %v: write at %#x: %v", spare, shared, addr, e)
			}
		}
		child := fork(t, i)
		if e := child.Memory().Read(65536, b); e != 0 || !bytes.Equal(b, content) {
			t.Errorf("%d spare, shared %v: the child has %d, %v", spare, shared, b[0], e)
		}
		child.Free()
		want(t, "goes on", i.Resume(5), layout.ExitReturn)
		if got := i.Results()[0][0]; got != deepResult(100, 5) {
			t.Errorf("%d spare: result %d", spare, got)
		}
		i.Free()
	}
	t.Logf("%d threads made, %d refused", made, refused)
	if made == 0 || refused == 0 {
		t.Error("both must have happened")
	}
	if n := c.slots.used.Load() + c.slots.areas.Load(); n != 0 {
		t.Errorf("%d mappings declared by nobody", n)
	}
}

// TestThreadUndone undoes a conversion whose last step did not succeed.
func TestThreadUndone(t *testing.T) {
	c := loadGuest(t)
	for _, p := range c.Programs() {
		i, e := p.New()
		if e != 0 {
			t.Fatal(e)
		}
		content := bytes.Repeat([]byte{7}, pageSize)
		i.Map(1<<30, 4*pageSize, rw, false)
		i.Map(1<<31, pageSize, rw, true)
		written := []uint32{8192, 65536, 1<<30 + pageSize, 1<<30 + 3*pageSize, 1 << 31}
		for _, addr := range written {
			i.Memory().Write(addr, content)
		}
		i.Protect(1<<30+pageSize, pageSize, ProtNone)
		i.Protect(1<<30+3*pageSize, pageSize, ProtRead)
		i.Unmap(65536+pageSize, pageSize)
		m, e := i.prepareShared()
		if e != 0 {
			t.Fatal(e)
		}
		if e := m.mapView(i.base, i.base); e != 0 {
			t.Fatal(e)
		}
		i.makePrivate(m)
		if e := i.Memory().Read(1<<30+pageSize, make([]byte, 1)); e != linux.EFAULT {
			t.Errorf("an inaccessible page: %v", e)
		}
		if e := i.Memory().Write(1<<30+3*pageSize, content); e != linux.EFAULT {
			t.Errorf("a read-only page: %v", e)
		}
		if e := i.Memory().Read(65536+pageSize, make([]byte, 1)); e != linux.EFAULT {
			t.Errorf("a hole in the image: %v", e)
		}
		i.Protect(1<<30+pageSize, 3*pageSize, rw)
		i.Map(65536+pageSize, pageSize, rw, false)
		child, e := p.Fork(i)
		if e != 0 {
			t.Fatal(e)
		}
		child.Map(1<<30, 4*pageSize, rw, false)
		i.CopyPages(child, uint64(p.guard), uint64(p.initial-p.guard))
		i.CopyPages(child, 1<<30, 4*pageSize)
		b := make([]byte, pageSize)
		for _, x := range []*Instance{i, child} {
			for _, addr := range written {
				if x == child && addr == 1<<31 {
					continue
				}
				if e := x.Memory().Read(addr, b); e != 0 || !bytes.Equal(b, content) {
					t.Errorf("read at %#x: %v, %d", addr, e, b[0])
				}
			}
		}
		v := thread(t, i) // another attempt
		if e := v.Memory().Read(1<<30+pageSize, b); e != 0 || !bytes.Equal(b, content) {
			t.Errorf("a thread after it: %v, %d", e, b[0])
		}
		slots := []uintptr{i.at, v.at, child.at}
		child.Free()
		i.Free()
		v.Free()
		pristineSlots(t, p, slots)
	}
	if n := c.slots.used.Load() + c.slots.areas.Load(); n != 0 {
		t.Errorf("%d mappings declared by nobody", n)
	}
}

// filling uses up the mappings of the host.
type filling struct {
	at   uintptr
	next uintptr // pages split off
}

func newFilling(t *testing.T) *filling {
	at, e := mmap(0, 1<<30, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE, -1, 0)
	if e != 0 {
		t.Skip(e)
	}
	return &filling{at: at}
}

// leave makes n more mappings possible.
func (f *filling) leave(n int) {
	for mprotect(f.at+f.next*2*pageSize, pageSize, unix.PROT_READ) == 0 {
		f.next++
	}
	for range n / 2 {
		f.next--
		mprotect(f.at+f.next*2*pageSize, pageSize, unix.PROT_NONE)
	}
}
