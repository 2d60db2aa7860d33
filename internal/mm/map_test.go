package mm

import (
	"bytes"
	"testing"

	"vkernel/internal/linux"
)

// file is a Source.
type file struct {
	data  []byte
	short int // bytes per read, if not 0
	err   linux.Errno
}

func (f *file) Read(p []byte, off int64) (int, linux.Errno) {
	if off >= int64(len(f.data)) {
		return 0, 0
	}
	if f.short != 0 && len(p) > f.short {
		p = p[:f.short]
	}
	n := copy(p, f.data[off:])
	if f.err != 0 && off > 0 {
		return 0, f.err
	}
	return n, 0
}

func (f *file) Origin() Origin { return Origin{Path: "/lib/file"} }

const private = linux.MAP_PRIVATE | linux.MAP_ANONYMOUS

func TestMapErrors(t *testing.T) {
	s := newSpace(t, load(t), Limits{})
	before := len(s.VMAs())
	for _, tt := range []struct {
		name         string
		addr, length uint32
		prot, flags  int
		src          Source
		off          int64
		want         linux.Errno
	}{
		{"no length", 0, 0, rw, private, nil, 0, linux.EINVAL},
		{"no type", 0, 4096, rw, linux.MAP_ANONYMOUS, nil, 0, linux.EINVAL},
		{"executable", 0, 4096, linux.PROT_EXEC, private, nil, 0, linux.EACCES},
		{"unknown protection", 0, 4096, 64, private, nil, 0, linux.EINVAL},
		{"no file", 0, 4096, rw, linux.MAP_PRIVATE, nil, 0, linux.EBADF},
		{"offset", 0, 4096, rw, linux.MAP_PRIVATE, &file{}, 100, linux.EINVAL},
		{"negative offset", 0, 4096, rw, linux.MAP_PRIVATE, &file{}, -4096, linux.EINVAL},
		{"writable shared file", 0, 4096, rw, linux.MAP_SHARED, &file{}, 0, linux.ENODEV},
		{"fixed unaligned", 100, 4096, rw, private | linux.MAP_FIXED, nil, 0, linux.EINVAL},
		{"fixed above the top", 0xffff0000, 4096, rw, private | linux.MAP_FIXED, nil, 0, linux.ENOMEM},
		{"fixed wraps", 0xfffef000, 0x2000, rw, private | linux.MAP_FIXED, nil, 0, linux.ENOMEM},
		{"too large", 0, 0xfffff000, rw, private, nil, 0, linux.ENOMEM},
		{"in use", 0, 4096, rw, private | linux.MAP_FIXED_NOREPLACE, nil, 0, linux.EEXIST},
		{"huge pages", 0, 4096, rw, private | linux.MAP_HUGETLB, nil, 0, linux.ENOMEM},
		{"read error", 0, 1 << 20, rw, linux.MAP_PRIVATE, &file{make([]byte, 1<<20), 4096, linux.EIO}, 0, linux.EIO},
	} {
		if a, e := s.Map(tt.addr, tt.length, tt.prot, tt.flags, tt.src, tt.off); e != tt.want {
			t.Errorf("%s: %#x, %v; want %v", tt.name, a, e, tt.want)
		}
	}
	if got := len(s.VMAs()); got != before {
		t.Errorf("refused mappings left %d areas", got-before)
	}
}

func TestMapPlaces(t *testing.T) {
	s := newSpace(t, load(t), Limits{})
	first := anon(t, s, 10000, linux.MAP_PRIVATE)
	if want := uint32(highest - 12288); first != want {
		t.Errorf("first mapping at %#x, want %#x", first, want)
	}
	if second := anon(t, s, 4096, linux.MAP_PRIVATE); second != first-4096 {
		t.Errorf("second mapping at %#x, below %#x", second, first)
	}
	if n := len(s.VMAs()); n != 2 { // with [data]
		t.Errorf("%d areas: two neighbours did not become one", n)
	}
	for _, hint := range []struct{ addr, want uint32 }{
		{0x40000001, 0x40001000}, {0x40000000, 0x40000000}, {0x40000000, first - 8192}, {0xfffff000, first - 12288}, {4096, first - 16384},
	} {
		a, e := s.Map(hint.addr, 4096, rw, private, nil, 0)
		if e != 0 || a != hint.want {
			t.Errorf("hint %#x: %#x, %v; want %#x", hint.addr, a, e, hint.want)
		}
	}
	s.Unmap(first+4096, 4096)
	if a := anon(t, s, 4096, linux.MAP_PRIVATE); a != first+4096 {
		t.Errorf("the gap at %#x was not used: %#x", first+4096, a)
	}
}

func TestMapFile(t *testing.T) {
	p := load(t)
	s := newSpace(t, p, Limits{})
	content := bytes.Repeat([]byte("0123456789abcdef"), 1000) // 16,000 bytes
	for _, f := range []*file{{data: content}, {data: content, short: 777}} {
		a, e := s.Map(0, 20480, linux.PROT_READ, linux.MAP_PRIVATE, f, 4096)
		if e != 0 {
			t.Fatal(e)
		}
		got := make([]byte, 20480)
		if e := s.inst.Memory().Read(a, got); e != 0 {
			t.Fatal(e)
		}
		if !bytes.Equal(got[:len(content)-4096], content[4096:]) || len(bytes.Trim(got[len(content)-4096:], "\x00")) != 0 {
			t.Error("the mapping differs from the file")
		}
		if e := s.poke(a, 1); e != linux.EFAULT {
			t.Errorf("write to a read-only mapping: %v", e)
		}
		if e := s.Protect(a, 4096, rw); e != 0 || s.poke(a, 1) != 0 {
			t.Errorf("private mapping made writable: %v", e)
		}
		v := s.VMAs()
		if last := v[len(v)-1]; last.Name != "/lib/file" || last.Offset != 8192 || last.Start != uint64(a)+4096 {
			t.Errorf("area %+v", last)
		}
		s.Unmap(a, 20480)
	}
	a, e := s.Map(0, 4096, linux.PROT_READ, linux.MAP_SHARED, &file{data: content}, 0)
	if e != 0 {
		t.Fatal(e)
	}
	if e := s.Protect(a, 4096, rw); e != linux.EACCES {
		t.Errorf("copy of a shared mapping made writable: %v", e)
	}
	if e := s.Advise(a, 4096, linux.MADV_DONTNEED); e != 0 {
		t.Error(e)
	}
	if b, _ := s.peek(a); b != '0' {
		t.Errorf("file's byte is %d after MADV_DONTNEED", b)
	}
}

func TestSharedAcrossFork(t *testing.T) {
	p := load(t)
	s := newSpace(t, p, Limits{})
	shared, own := anon(t, s, 8192, linux.MAP_SHARED), anon(t, s, 8192, linux.MAP_PRIVATE)
	s.Protect(shared+4096, 4096, linux.PROT_READ)
	s.poke(shared, 1)
	s.poke(own, 1)
	child, e := p.Fork(s.inst)
	if e != 0 {
		t.Fatal(e)
	}
	c, e := s.Fork(child, Limits{})
	if e != 0 {
		t.Fatal(e)
	}
	defer c.Free()
	c.poke(shared, 2)
	c.poke(own, 2)
	if b, _ := s.peek(shared); b != 2 {
		t.Errorf("shared byte is %d in the parent", b)
	}
	if b, _ := s.peek(own); b != 1 {
		t.Errorf("private byte is %d in the parent", b)
	}
	if e := c.poke(shared+4096, 1); e != linux.EFAULT {
		t.Errorf("the child's protection: %v", e)
	}
	moved, e := c.Remap(shared, 4096, 4096, linux.MREMAP_MAYMOVE|linux.MREMAP_FIXED, 0x50000000)
	if e != 0 {
		t.Fatal(e)
	}
	s.poke(shared, 3)
	if b, _ := c.peek(moved); b != 3 {
		t.Errorf("moved shared byte is %d in the child", b)
	}
	s.Free() // the child's view outlives the parent
	if b, _ := c.peek(moved); b != 3 {
		t.Errorf("shared byte is %d after the parent is gone", b)
	}
}

func TestLimits(t *testing.T) {
	as, data := uint64(1<<20), uint64(1<<40)
	s := newSpace(t, load(t), Limits{AS: func() uint64 { return as }, Data: func() uint64 { return data }})
	initial := s.Usage().Virtual
	if _, e := s.Map(0, uint32(as-initial)+1, rw, private, nil, 0); e != linux.ENOMEM {
		t.Errorf("mmap above RLIMIT_AS: %v", e)
	}
	a := anon(t, s, uint32(as-initial), linux.MAP_PRIVATE)
	if b := s.Brk(uint32(s.initial) + 1); b != uint32(s.initial) {
		t.Errorf("brk above RLIMIT_AS gave %#x", b)
	}
	if _, ok := s.Grow(1); ok {
		t.Error("memory.grow above RLIMIT_AS")
	}
	if _, e := s.Remap(a, 4096, 8192, linux.MREMAP_MAYMOVE, 0); e != linux.EFAULT && e != linux.ENOMEM {
		t.Errorf("mremap above RLIMIT_AS: %v", e)
	}
	as = 0
	if e := s.Unmap(a, 4096); e != 0 {
		t.Errorf("munmap above a lowered RLIMIT_AS: %v", e)
	}
	as, data = 1<<40, s.Usage().Data
	if _, e := s.Map(0, 4096, rw, private, nil, 0); e != linux.ENOMEM {
		t.Errorf("mmap above RLIMIT_DATA: %v", e)
	}
	r, e := s.Map(0, 4096, linux.PROT_READ, private, nil, 0)
	if e != 0 {
		t.Errorf("read-only mmap at RLIMIT_DATA: %v", e)
	}
	if e := s.Protect(r, 4096, rw); e != linux.ENOMEM {
		t.Errorf("mprotect above RLIMIT_DATA: %v", e)
	}
}

// TestManyAreas has one process ask for more areas than the host has, next to others.
func TestManyAreas(t *testing.T) {
	p := load(t)
	s, other := newSpace(t, p, Limits{}), newSpace(t, p, Limits{})
	a := anon(t, s, 512<<20, linux.MAP_PRIVATE)
	n := uint32(0)
	for ; n < 65536; n++ {
		if e := s.Protect(a+n*8192, 4096, linux.PROT_NONE); e != 0 {
			if e != linux.ENOMEM {
				t.Errorf("area %d: %v", n, e)
			}
			break
		}
	}
	t.Logf("%d areas", len(s.VMAs()))
	if n == 65536 {
		t.Error("no limit")
	}
	anon(t, other, 4096, linux.MAP_PRIVATE)
	if e := s.Unmap(a, 512<<20); e != 0 {
		t.Errorf("unmapping all: %v", e)
	}
	if e := s.Protect(0, 4096, linux.PROT_READ); e != 0 {
		t.Errorf("after it: %v", e)
	}
}
