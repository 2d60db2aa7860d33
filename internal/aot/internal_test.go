package aot

import (
	"context"
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/emit"
	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
)

// TestFrames checks that a frame which could step over a guard is refused by name.
func TestFrames(t *testing.T) {
	m := &module{name: "m", prefix: "p1_", out: &emit.Output{Program: layout.Program{}}}
	b := &builder{modules: []*module{m}}
	l := &linked{
		text:  &elf.Section{SectionHeader: elf.SectionHeader{Addr: 0x1000, Size: 0x1000}},
		areas: &elf.Section{SectionHeader: elf.SectionHeader{Addr: 0x3000, Size: 0x1000, FileSize: 0x1000}},
		symbols: map[string]elf.Symbol{
			"vk_enter": {Value: 0x1000}, "p1_f3": {Value: 0x1100}, "p1_f4": {Value: 0x1200}, "p1_area": {Value: 0x3000},
		},
		frames: map[uint64]uint64{0x1100: maxFrame, 0x1200: 8},
	}
	in := []Input{{Name: "m"}}
	b.byHash = map[string]*module{}
	if err := b.enlist(in); err != nil {
		t.Fatal(err)
	}
	own := b.moduleOf(in[0])
	own.out, own.prefix = m.out, m.prefix
	if meta, err := b.metadata(l, in); err != nil || meta.Programs[0].MaxFrame != maxFrame {
		t.Fatalf("%+v, %v", meta, err)
	}
	l.frames[0x1200] = maxFrame + 1
	if _, err := b.metadata(l, in); err == nil || !strings.Contains(err.Error(), "function f4 has a native stack frame") {
		t.Errorf("error %v", err)
	}
}

// TestSanitise checks what a module's names may do to a list of renamings.
func TestSanitise(t *testing.T) {
	for in, want := range map[string]string{
		"main": "main", "a b\nc d": "a_b_c_d", "std::vector<int>::at(x)": "std::vector<int>::at_x_",
		"\x00\xff": "__", "#": "_", "": "", "é": "_",
	} {
		if got := sanitise(in); got != want {
			t.Errorf("%q became %q, expected %q", in, got, want)
		}
	}
	if n := len(sanitise(strings.Repeat("x", 5000))); n > 200 {
		t.Errorf("a name of %d bytes", n)
	}
}

// flagged builds testdata/flags.wasm without some flags and returns what its exports give.
func flagged(t *testing.T, without string) (map[string]uint64, error) {
	t.Helper()
	saved := compileFlags
	defer func() { compileFlags = saved }()
	compileFlags = slices.DeleteFunc(slices.Clone(saved), func(f string) bool { return without != "" && strings.HasPrefix(f, without) })
	if without != "" && len(compileFlags) == len(saved) {
		t.Fatalf("no flag %s", without)
	}
	data, err := os.ReadFile("testdata/flags.wasm")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.aot")
	meta, err := Build(context.Background(), []Input{{Name: "flags", Wasm: data}}, Options{OutAOT: out, Unverified: true})
	if err != nil {
		return nil, err
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	code, err := engine.LoadVerified(f)
	if err != nil {
		t.Fatal(err)
	}
	defer code.Close()
	results := map[string]uint64{}
	for _, e := range meta.Programs[0].Exports {
		i, errno := code.Programs()[0].New()
		if errno != 0 {
			t.Fatal(errno)
		}
		i.Start(e.Thunk, 3, 4)
		if exit := i.Resume(0); exit != layout.ExitReturn {
			t.Fatalf("%s: exit %d", e.Name, exit)
		}
		results[e.Name] = i.Results()[0][0]
		i.Return()
		i.Free()
	}
	return results, nil
}

// TestFlags runs code that depends on flags, and shows that it goes wrong without the one
// that emitted C cannot do without; the others are a second line (see compileFlags).
func TestFlags(t *testing.T) {
	right, err := flagged(t, "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{"alias": 0x40000000, "clear": 0, "indirect": 42}
	for name, w := range want {
		if right[name] != w {
			t.Errorf("%s is %#x, expected %#x", name, right[name], w)
		}
	}
	got, err := flagged(t, "-fno-strict-aliasing")
	if err == nil && got["alias"] == want["alias"] {
		t.Error("without -fno-strict-aliasing the result is still right: the test shows nothing")
	}
}
