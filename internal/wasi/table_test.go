package wasi

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

func TestTable(t *testing.T) {
	if !slices.IsSortedFunc(Table, func(a, b Call) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
	if len(Table) != 46 {
		t.Errorf("%d calls, preview 1 has 46", len(Table))
	}
	for _, c := range Table {
		params, result, _ := strings.Cut(c.Sig, ":")
		if c.Handler == nil || strings.Trim(params, "il") != "" || result != "i" && c.Name != "proc_exit" {
			t.Errorf("%s: %+v", c.Name, c)
		}
	}
}

// TestErrno: every errno has a number of WASI's, each number one errno.
func TestErrno(t *testing.T) {
	seen := map[uint16]linux.Errno{}
	for e := linux.Errno(1); int(e) < len(errnos); e++ {
		n := errnoOf(e)
		if n == 0 || n > 76 {
			t.Errorf("%v: %d", e, n)
		}
		if other, ok := seen[n]; ok && n != errnoIO {
			t.Errorf("%v and %v are both %d", e, other, n)
		}
		seen[n] = e
	}
	if len(seen) != 76 {
		t.Errorf("%d numbers, WASI has 76", len(seen))
	}
	if errnoOf(0) != 0 || errnoOf(linux.ENOENT) != 44 || errnoOf(notCapable) != 76 || errnoOf(9999) != errnoIO {
		t.Error("numbers")
	}
	for _, tt := range []struct {
		e    linux.Errno
		n    int64
		want linux.Errno
	}{{0, 0, 0}, {linux.EBADF, 8, 0}, {proc.ERESTARTSYS, 0, proc.ERESTARTNOINTR}, {proc.ERESTARTNOHAND, 0, proc.ERESTARTNOINTR}} {
		n, e := Encode(func(*proc.Thread, proc.Args) (int64, linux.Errno) { return 7, tt.e })(nil, proc.Args{})
		if n != tt.n || e != tt.want {
			t.Errorf("%v: %d %v", tt.e, n, e)
		}
	}
}

// TestLayout: the structures have the sizes of the specification.
func TestLayout(t *testing.T) {
	for _, tt := range []struct {
		v    any
		size int
	}{{fdstat{}, 24}, {filestat{}, 64}, {prestat{}, 8}, {subscription{}, 48}} {
		if got := binary.Size(tt.v); got != tt.size {
			t.Errorf("%T: %d bytes, want %d", tt.v, got, tt.size)
		}
	}
	p := make([]byte, 30)
	if n := putDirent(p, &linux.Dirent{Ino: 5, Off: 9, Type: linux.DT_DIR, Name: "name, cut"}); n != 30 {
		t.Errorf("%d bytes of an entry", n)
	}
	if p[0] != 9 || p[8] != 5 || p[16] != 9 || p[20] != typeDirectory || string(p[24:]) != "name, " {
		t.Errorf("%q", p)
	}
}

func TestOpenFlags(t *testing.T) {
	const file = rightRead | rightSeek
	for _, tt := range []struct {
		lookup, oflags uint32
		rights         uint64
		fdflags        uint32
		want           uint32
		e              linux.Errno
	}{
		{1, 0, file, 0, linux.O_RDONLY, 0},
		{0, 0, file, 0, linux.O_RDONLY | linux.O_NOFOLLOW, 0},
		{1, openCreate | openExcl, file | rightWrite, 0, linux.O_RDWR | linux.O_CREAT | linux.O_EXCL, 0},
		{1, openTrunc, rightWrite, flagAppend, linux.O_WRONLY | linux.O_TRUNC | linux.O_APPEND, 0},
		{1, 0, rightRead | rightSetSize | rightAllocate, 0, linux.O_RDONLY, 0},
		{1, openDirectory, rightsAll, 0, linux.O_RDONLY | linux.O_DIRECTORY, 0},
		{1, 0, file, flagSync | flagNonblock, linux.O_SYNC | linux.O_NONBLOCK, 0},
		{2, 0, file, 0, 0, linux.EINVAL},
		{1, 16, file, 0, 0, linux.EINVAL},
		{1, 0, file, 32, 0, linux.EINVAL},
	} {
		got, e := OpenFlags(tt.lookup, tt.oflags, tt.rights, tt.fdflags)
		if e != tt.e || e == 0 && got != tt.want|linux.O_NOCTTY {
			t.Errorf("%+v: %#o %v", tt, got, e)
		}
	}
}

func TestTimesToSet(t *testing.T) {
	times, e := timesToSet(1500000000, 7, setAtim|setMtimNow)
	if e != 0 || times[0] != (linux.Timespec{Sec: 1, Nsec: 500000000}) || times[1].Nsec != linux.UTIME_NOW {
		t.Errorf("%v %v", times, e)
	}
	if times, _ := timesToSet(1, 1, 0); times[0].Nsec != linux.UTIME_OMIT || times[1].Nsec != linux.UTIME_OMIT {
		t.Errorf("%v", times)
	}
	for _, flags := range []uint32{setAtim | setAtimNow, setMtim | setMtimNow, 16} {
		if _, e := timesToSet(0, 0, flags); e != linux.EINVAL {
			t.Errorf("%#x: %v", flags, e)
		}
	}
}

func TestGrants(t *testing.T) {
	s := newState(16)
	at := func(s *state, n int) *grant {
		if table := *s.slots.Load(); n < len(table) {
			return table[n].Load()
		}
		return nil
	}
	x, y := &fd.Description{}, &fd.Description{}
	s.set(3, &grant{d: x, base: 1})
	s.set(100, &grant{d: y, base: 2})
	child := s.Fork().(*state)
	s.drop(3, y) // somebody else's by now
	if at(s, 3) == nil || at(s, 100) == nil {
		t.Error("lost")
	}
	s.drop(3, x)
	s.drop(1000, x)
	if at(s, 3) != nil {
		t.Error("kept")
	}
	if g := at(child, 3); g == nil || g.base != 1 || at(child, 100) == nil {
		t.Error("a child has its parent's grants")
	}
}
