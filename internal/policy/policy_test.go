package policy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/manifest"
)

// set makes the policies of entries.
func set(t testing.TB, entries ...manifest.Entry) *Set {
	t.Helper()
	s, err := New(&manifest.Manifest{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func words(s string) []string { return append([]string{}, strings.Fields(s)...) }

// TestNone: a process without a policy may do everything, and so may what it starts.
func TestNone(t *testing.T) {
	var none *Policy
	if !none.Allows("open") || !none.Lists("open") || none.Kills() || none.Values("ioctl") != nil || none.Paths() != nil ||
		!none.MayStart("x") || !none.MayUseUnix("connect", "/x") || none.HasAddresses("connect") || none.Limits() != (manifest.Limits{}) {
		t.Error("something is denied")
	}
	e := set(t, manifest.Entry{ID: "e"}).Entry("e")
	if none.Enter(e) != e || e.Enter(nil) != nil {
		t.Error("Enter")
	}
}

// TestEnter: only what says inherit holds what it starts, and then all that comes after.
func TestEnter(t *testing.T) {
	s := set(t,
		manifest.Entry{ID: "plain", Syscalls: words("read"), Starts: words("narrow")},
		manifest.Entry{
			ID: "narrow", Syscalls: words("open read"), Inherit: true, Denied: manifest.DeniedKill,
			Rules:  []manifest.Rule{{Syscall: "open", Arg: 1, Allow: []uint64{0}}, {Paths: []string{"/a"}}},
			Limits: manifest.Limits{Memory: 100, CPU: 7}, Starts: words("wide wider"),
		},
		manifest.Entry{
			ID: "wide", Syscalls: words("open read write"), Rules: []manifest.Rule{{Syscall: "open", Arg: 2, Allow: []uint64{5}}, {Paths: []string{"/b", "/a/b"}, Write: true}},
			Limits: manifest.Limits{Memory: 200, CPU: 3},
		},
		manifest.Entry{ID: "wider", Syscalls: words("execve open read write")},
	)
	plain, narrow, wide, wider := s.Entry("plain"), s.Entry("narrow"), s.Entry("wide"), s.Entry("wider")
	if plain.Enter(wide) != wide || wide.Enter(wider) != wider || plain.Enter(narrow) != narrow {
		t.Error("a policy without inherit holds what it starts")
	}
	held := narrow.Enter(wide)
	if held == wide || held.Allows("write") || !held.Allows("read") || !held.Kills() || !held.Lists("write") {
		t.Error("inherit does not hold calls")
	}
	if l := held.Limits(); l.Memory != 100 || l.CPU != 3 {
		t.Errorf("limits %+v", l)
	}
	for args, want := range map[[6]uint64]bool{{0, 0, 5}: true, {0, 0, 4}: false, {0, 1, 5}: false} {
		if Match(held.Values("open"), &args) != want {
			t.Errorf("open%v: want %v", args, want)
		}
	}
	for path, want := range map[string]bool{"a/b/f": true, "a/f": false, "b/f": false} {
		if held.Paths().Allows(strings.Split(path, "/"), "", Read) != want {
			t.Errorf("read /%s: want %v", path, want)
		}
	}
	if held.Paths().Allows(words("a b"), "f", Write) {
		t.Error("write through a policy for reading")
	}
	if !held.MayStart("wider") || held.MayStart("plain") {
		t.Error("starts are not intersected")
	}
	// Transitively, and the same each time; an entry holds itself no more than once.
	far := held.Enter(wider)
	if far.Allows("write") || far.Allows("execve") || far != narrow.Enter(wide).Enter(wider) || !far.Remembered() {
		t.Error("the second program that is started is free")
	}
	again := far.Enter(narrow).Enter(wider)
	if len(again.held) != 1 {
		t.Errorf("held by %d policies", len(again.held))
	}
	if n := len(far.Enter(narrow).held); n != 0 {
		t.Errorf("the entry itself is held by %d others", n)
	}
	if again.Allows("write") {
		t.Error("a way round by the entry itself")
	}
}

// TestBounded: whatever is executed in whatever order, no more than a number of policies is kept,
// and what is not kept holds as well.
func TestBounded(t *testing.T) {
	var entries []manifest.Entry
	const n = 20
	for i := range n {
		entries = append(entries, manifest.Entry{ID: string(rune('a' + i)), Syscalls: words("read"), Inherit: true})
	}
	entries = append(entries, manifest.Entry{ID: "z", Syscalls: words("read write")})
	s := set(t, entries...)
	var walk func(p *Policy, from, left int)
	walk = func(p *Policy, from, left int) {
		for i := from; i < n && left > 0; i++ {
			next := p.Enter(s.Entry(string(rune('a' + i))))
			if z := next.Enter(s.Entry("z")); z.Allows("write") {
				t.Fatal("free")
			}
			walk(next, i+1, left-1)
		}
	}
	walk(s.Entry("a"), 1, 5)
	if got := len(s.derived); got != maxDerived {
		t.Errorf("%d policies are remembered, want %d", got, maxDerived)
	}
}

// TestLoop: a chain of programs that start each other, however long, needs no more policies than
// there are programs and sets of those that hold them.
func TestLoop(t *testing.T) {
	s := set(t, manifest.Entry{ID: "a", Inherit: true}, manifest.Entry{ID: "b"}, manifest.Entry{ID: "c"})
	p := s.Entry("a")
	for i := range 10000 {
		p = p.Enter(s.Entry(string(rune('a' + i%3))))
	}
	if len(s.derived) != 2 || s.links.Load() > 12 {
		t.Errorf("%d policies, %d ways to them", len(s.derived), s.links.Load())
	}
	if n := testing.AllocsPerRun(100, func() { p.Enter(s.Entry("b")) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestValues: a call with rules needs one that matches; a mask picks bits.
func TestValues(t *testing.T) {
	p := set(t, manifest.Entry{ID: "e", Rules: []manifest.Rule{
		{Syscall: "ioctl", Arg: 1, Allow: []uint64{1, 2}},
		{Syscall: "ioctl", Arg: 2, Mask: 0xf0, Allow: []uint64{0x10}},
		{Syscall: "never", Allow: []uint64{}},
	}}).Entry("e")
	for args, want := range map[[6]uint64]bool{
		{0, 1}: true, {0, 2, 0xff}: true, {0, 3}: false, {0, 3, 0xffff1f}: true, {0, 3, 0x20}: false, {0, 1 << 32, 0}: false, {0, 1<<32 | 1}: false,
	} {
		if Match(p.Values("ioctl"), &args) != want {
			t.Errorf("%v: want %v", args, want)
		}
	}
	if Match(p.Values("never"), &[6]uint64{}) {
		t.Error("an empty list allows")
	}
	if p.Values("read") != nil {
		t.Error("a call without rules has values")
	}
}

func TestPaths(t *testing.T) {
	p := set(t, manifest.Entry{ID: "e", Rules: []manifest.Rule{{Paths: []string{"/a/b"}}, {Paths: []string{"/w", "/f"}, Write: true}}}).Entry("e").Paths()
	for _, tt := range []struct {
		path, last string
		most       int // of Look, Read, Write; -1: none
	}{
		{"a b", "", 1},
		{"a b c", "", 1},
		{"a b", "c", 1},
		{"a", "b", 1},
		{"a", "", 0},
		{"", "", 0},
		{"", "a", 0},
		{"a c", "", -1},
		{"a bc", "", -1},
		{"x", "", -1},
		{"b", "", -1},
		{"w", "", 2},
		{"w x y", "z", 2},
		{"f", "", 2},
		{"", "w", 2},
		{"", "ww", -1},
	} {
		for a := Look; a <= Write; a++ {
			if got := p.Allows(words(tt.path), tt.last, a); got != (int(a) <= tt.most) {
				t.Errorf("%q + %q, access %d: %v", tt.path, tt.last, a, got)
			}
		}
	}
	root := set(t, manifest.Entry{ID: "e", Rules: []manifest.Rule{{Paths: []string{"/"}}}}).Entry("e").Paths()
	if !root.Allows(nil, "", Read) || !root.Allows(words("x y"), "", Read) || root.Allows(nil, "x", Write) {
		t.Error("the root")
	}
	if none := set(t, manifest.Entry{ID: "e", Rules: []manifest.Rule{{Paths: []string{}}}}).Entry("e").Paths(); none == nil || none.Allows(nil, "", Look) {
		t.Error("an empty list of paths allows one")
	}
}

func TestAddress(t *testing.T) {
	p := set(t, manifest.Entry{ID: "e", Rules: []manifest.Rule{
		{Syscall: "connect", Addresses: []string{"unix:/run/x", "unix:@y", "127.0.0.1:80", "10.0.0.0/8:443", "[2001:db8::/32]:*"}},
		{Syscall: "bind", Addresses: []string{}},
	}}).Entry("e")
	for addr, want := range map[string]bool{
		"127.0.0.1:80": true, "127.0.0.1:81": false, "127.0.0.2:80": false, "10.1.2.3:443": true, "11.1.2.3:443": false,
		"[2001:db8::1]:9": true, "[2001:db9::1]:9": false, "[::ffff:127.0.0.1]:80": true, "[::ffff:10.0.0.1]:80": false, "[2001:db8::1%eth0]:9": true,
	} {
		if got := p.MayUse("connect", netip.MustParseAddrPort(addr)); got != want {
			t.Errorf("connect to %s: %v", addr, got)
		}
		if p.MayUse("bind", netip.MustParseAddrPort(addr)) || !p.MayUse("sendto", netip.MustParseAddrPort(addr)) {
			t.Errorf("bind to %s, or sendto", addr)
		}
	}
	for name, want := range map[string]bool{"/run/x": true, "/run/x/y": false, "@y": true, "y": false, "@x": false} {
		if got := p.MayUseUnix("connect", name); got != want {
			t.Errorf("connect to %s: %v", name, got)
		}
	}
	if !p.HasAddresses("bind") || p.HasAddresses("sendto") {
		t.Error("HasAddresses")
	}
}

// TestProfiles: each is wider than the one before, and what comes of it is a policy.
func TestProfiles(t *testing.T) {
	for i := range Profiles {
		p := &Profiles[i]
		if found, err := FindProfile(p.Name); err != nil || found != p {
			t.Errorf("%s: %v", p.Name, err)
		}
		if i > 0 && p.Calls() != nil {
			for _, call := range Profiles[i-1].Calls() {
				if !slices.Contains(p.Calls(), call) {
					t.Errorf("%s lacks %s, which %s has", p.Name, call, Profiles[i-1].Name)
				}
			}
		}
		if !slices.IsSorted(p.Calls()) || len(slices.Compact(slices.Clone(p.Calls()))) != len(p.Calls()) {
			t.Errorf("%s: a call twice", p.Name)
		}
		e := manifest.Entry{ID: "e", Syscalls: words("chroot clone exit_group fork ioctl open prctl read socket"), Withheld: words("write"), Starts: words("e"), Inherit: true}
		imported := slices.Concat(e.Syscalls, e.Withheld)
		slices.Sort(imported)
		free := e
		free.Inherit = false
		p.Apply(&free, imported, words("a z"))
		if p.Calls() != nil && len(free.Syscalls)+len(free.Withheld) != len(imported) || p.Name == "filter" && free.Starts == nil {
			t.Errorf("%s: %+v", p.Name, free)
		}
		p.Apply(&e, imported, words("a z"))
		if want := p.Calls(); !slices.Equal(e.Syscalls, want) && want != nil || want == nil && !slices.Contains(e.Syscalls, "z") {
			t.Errorf("%s: what it starts may call %v", p.Name, e.Syscalls)
		}
		s := set(t, e).Entry("e")
		for _, call := range words("chroot clone exit_group fork ioctl open prctl read socket write") {
			if want := p.Calls() == nil || slices.Contains(p.Calls(), call); s.Allows(call) != want || !s.Lists(call) {
				t.Errorf("%s: %s is allowed: %v", p.Name, call, s.Allows(call))
			}
		}
		if !slices.IsSorted(e.Syscalls) || !slices.IsSorted(e.Withheld) || !e.Inherit {
			t.Errorf("%s: %+v", p.Name, e)
		}
	}
	if _, err := FindProfile("none"); err == nil || !strings.Contains(err.Error(), "files-read") {
		t.Errorf("no such profile: %v", err)
	}
}

func TestReturn(t *testing.T) {
	e := manifest.Entry{Syscalls: words("read"), Withheld: words("open write")}
	if unknown := Return(&e, words("write read fork")); !slices.Equal(unknown, words("fork")) {
		t.Errorf("unknown %v", unknown)
	}
	if !slices.Equal(e.Syscalls, words("read write")) || !slices.Equal(e.Withheld, words("open")) {
		t.Errorf("%+v", e)
	}
}
