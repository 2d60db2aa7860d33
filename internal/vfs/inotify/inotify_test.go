package inotify

import (
	"encoding/binary"
	"strings"
	"sync"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// home is a container.
type home struct{ *Registry }

func (h home) Inotify() *Registry { return h.Registry }

// node is something that can be marked.
type node struct {
	vfs.FixedNode
	_ int
}

func (*node) Perm() vfs.Perm                                    { return vfs.Perm{Mode: linux.S_IFREG} }
func (*node) Stat() (linux.Stat, linux.Errno)                   { return linux.Stat{}, 0 }
func (*node) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ENXIO }

// parse gives the events of a read, and fails where they do not fill it.
func parse(t *testing.T, p []byte) (wds []int32, masks []uint32, names []string) {
	for len(p) > 0 {
		n := int(binary.LittleEndian.Uint32(p[12:]))
		if n%16 != 0 {
			t.Fatalf("a name of %d bytes", n)
		}
		wds = append(wds, int32(binary.LittleEndian.Uint32(p)))
		masks = append(masks, binary.LittleEndian.Uint32(p[4:]))
		names = append(names, strings.TrimRight(string(p[16:16+n]), "\x00"))
		p = p[16+n:]
	}
	return wds, masks, names
}

// All queues together are bounded, and say where something is missing.
func TestBytesAreBounded(t *testing.T) {
	var r Registry
	ns := new(vfs.Namespace)
	var files []*File
	long := strings.Repeat("x", 255)
	n := new(node)
	for i := range 8 {
		f, e := New(home{&r}, ns)
		if e != 0 {
			t.Fatal(e)
		}
		files = append(files, f)
		k := &vfs.Mark{Node: n, ID: 1}
		for j := range MaxQueued + 10 {
			f.Heard(k, uint32(1+(i+j)%2), 0, long)
		}
	}
	if got := r.bytes.Load(); got > maxBytes+int64(len(files))*linux.SizeofInotifyEvent {
		t.Errorf("%d bytes are queued", got)
	}
	p := make([]byte, 8<<20)
	got, _ := files[0].Read(p, 0)
	_, masks, _ := parse(t, p[:got])
	if masks[len(masks)-1] != linux.IN_Q_OVERFLOW {
		t.Error("no overflow at the end")
	}
	for _, f := range files {
		f.Close()
	}
	if r.bytes.Load() != 0 || r.instances.Load() != 0 || r.watches.Load() != 0 {
		t.Errorf("left: %d bytes, %d instances, %d watches", r.bytes.Load(), r.instances.Load(), r.watches.Load())
	}
}

func TestInstancesAreBounded(t *testing.T) {
	var r Registry
	ns := new(vfs.Namespace)
	for range MaxInstances {
		if _, e := New(home{&r}, ns); e != 0 {
			t.Fatal(e)
		}
	}
	if _, e := New(home{&r}, ns); e != linux.EMFILE {
		t.Errorf("one too many: %v", e)
	}
}

func TestHammer(t *testing.T) {
	var r Registry
	ns := new(vfs.Namespace)
	nodes := []*node{new(node), new(node), new(node)}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			f, e := New(home{&r}, ns)
			if e != 0 {
				t.Error(e)
				return
			}
			p := make([]byte, 1024)
			for i := range 300 {
				n := nodes[(g+i)%3]
				wd, e := f.Watch(n, linux.IN_OPEN|[]uint32{0, linux.IN_ONESHOT, linux.IN_MASK_ADD}[i%3])
				if e != 0 || wd <= 0 {
					t.Errorf("watch %d: %v", wd, e)
				}
				if k := ns.Marks().Find(n, f); k != nil {
					k.Listener.Heard(k, linux.IN_OPEN, 0, "name")
				}
				f.Read(p, 0)
				if i%4 == 0 {
					f.Unwatch(wd)
				}
			}
			f.Close()
		})
	}
	wg.Wait()
	if r.bytes.Load() != 0 || r.watches.Load() != 0 {
		t.Errorf("left: %d bytes, %d watches", r.bytes.Load(), r.watches.Load())
	}
	for _, n := range nodes {
		if ns.Marks().Find(n, nil) != nil {
			t.Error("a mark is left")
		}
	}
}

// FuzzRead holds that any sequence of events is read as it was queued, by buffers of any size.
func FuzzRead(f *testing.F) {
	f.Add([]byte{1, 2, 3}, "name", uint16(100))
	f.Fuzz(func(t *testing.T, masks []byte, name string, size uint16) {
		name = strings.ReplaceAll(name[:min(len(name), 255)], "\x00", "x")
		var r Registry
		ns := new(vfs.Namespace)
		file, _ := New(home{&r}, ns)
		defer file.Close()
		k := &vfs.Mark{ID: 5}
		var want []uint32
		for i, b := range masks[:min(len(masks), 50)] {
			if i == 0 || uint32(b) != want[len(want)-1] {
				want = append(want, uint32(b))
			}
			file.Heard(k, uint32(b), 0, name)
		}
		p := make([]byte, size)
		var got []uint32
		for {
			n, e := file.Read(p, 0)
			if e == linux.EINVAL && int(size) < (&event{name: name}).size() {
				return
			}
			if e == linux.EAGAIN {
				break
			}
			if e != 0 {
				t.Fatal(e)
			}
			_, ms, names := parse(t, p[:n])
			for i := range ms {
				if names[i] != strings.TrimRight(name, "\x00") {
					t.Fatalf("name %q", names[i])
				}
			}
			got = append(got, ms...)
		}
		if len(got) != len(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if file.bytes != 0 || r.bytes.Load() != 0 {
			t.Fatal("miscounted")
		}
	})
}
