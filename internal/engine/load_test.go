package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"vkernel/internal/engine/enginetest"
	"vkernel/internal/engine/layout"
)

func TestLoadAddress(t *testing.T) {
	a := loadGuest(t)
	b := loadGuest(t) // the preferred place is taken
	if a.text == b.text {
		t.Fatal("two codes at one address")
	}
	want := a.text
	a.Close()
	if c := loadGuest(t); c.text != want {
		t.Errorf("the same code at %#x, then at %#x", want, c.text)
	}
	i := newGuest(t, b)
	defer i.Free()
	start(t, i, "x_add", 1, 2)
	if x := i.Resume(0); x != layout.ExitReturn {
		t.Errorf("code elsewhere: exit %d", x)
	}
}

// TestNothingIsWritableAndExecutable reads the protection of all mappings of the code.
func TestTextProtection(t *testing.T) {
	c := loadGuest(t)
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	executable := 0
	for line := range strings.Lines(string(maps)) {
		if !strings.Contains(line, c.file.Name()) {
			continue
		}
		prot := strings.Fields(line)[1]
		if strings.Contains(prot, "w") {
			t.Errorf("writable: %s", line)
		}
		if strings.Contains(prot, "x") {
			executable++
		}
	}
	if executable != 1 {
		t.Errorf("%d executable mappings, want 1", executable)
	}
}

// loadBytes loads a file with the content b.
func loadBytes(t testing.TB, b []byte) (*Code, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "code.aot")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return LoadVerified(f)
}

// withMeta gives the test code with changed metadata. The section is the last content of the
// file before the headers, so a new one of the same length takes its place.
func withMeta(t *testing.T, b []byte, change func(m *layout.Meta)) []byte {
	t.Helper()
	o, err := parseELF(b)
	if err != nil {
		t.Fatal(err)
	}
	m := &layout.Meta{}
	if err := json.Unmarshal(o.metadata, m); err != nil {
		t.Fatal(err)
	}
	for _, e := range m.Programs { // make room for longer numbers
		e.Exports = e.Exports[:0]
	}
	m.Programs = m.Programs[:1]
	m.Programs[0].Exports = nil
	change(m)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > len(o.metadata) {
		t.Fatalf("changed metadata is too long: %d of %d bytes", len(raw), len(o.metadata))
	}
	raw = append(raw, bytes.Repeat([]byte{' '}, len(o.metadata)-len(raw))...)
	return bytes.Replace(b, o.metadata, raw, 1)
}

func TestLoadRefuses(t *testing.T) {
	good, err := os.ReadFile(enginetest.File(t))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := loadBytes(t, withMeta(t, good, func(*layout.Meta) {})); err != nil {
		t.Fatal(err)
	} else {
		c.Close()
	}
	p := func(change func(p *layout.Program)) func(*layout.Meta) {
		return func(m *layout.Meta) { change(&m.Programs[0]) }
	}
	for name, change := range map[string]func(*layout.Meta){
		"version":              func(m *layout.Meta) { m.Version = "vk0" },
		"vk_enter outside":     func(m *layout.Meta) { m.Enter = 1 << 30 },
		"no programs":          func(m *layout.Meta) { m.Programs = nil },
		"signature":            p(func(p *layout.Program) { p.Types[0] = "q:" }),
		"signature, no colon":  p(func(p *layout.Program) { p.Types[0] = "ii" }),
		"import's type":        p(func(p *layout.Program) { p.Imports[0].Type = "" }),
		"too many arguments":   p(func(p *layout.Program) { p.Imports[0].Type = strings.Repeat("i", 33) + ":" }),
		"export outside":       p(func(p *layout.Program) { p.Exports = []layout.Export{{Type: ":", Thunk: 1 << 31}} }),
		"start outside":        p(func(p *layout.Program) { p.Start = 1 << 31 }),
		"frame":                p(func(p *layout.Program) { p.MaxFrame = 1 << 30 }),
		"area of nothing":      p(func(p *layout.Program) { p.AreaSize = 0 }),
		"area unaligned":       p(func(p *layout.Program) { p.AreaSize = 5000 }),
		"area too large":       p(func(p *layout.Program) { p.AreaSize = 1 << 25 }),
		"area outside":         p(func(p *layout.Program) { p.AreaFile = 1 << 40 }),
		"area wraps":           p(func(p *layout.Program) { p.AreaFile = 1<<64 - 4096 }),
		"stack pointer":        p(func(p *layout.Program) { p.StackPointer = -16384 }),
		"stack pointer, words": p(func(p *layout.Program) { p.StackPointer = -16 }),
		"stack pointer, above": p(func(p *layout.Program) { p.StackPointer = 16 }),
		"table outside":        p(func(p *layout.Program) { p.Tables[0].Offset = -8200 }),
		"table too long":       p(func(p *layout.Program) { p.Tables[0].Cap = 13 }),
		"table huge":           p(func(p *layout.Program) { p.Tables[0].Cap = 1<<32 - 1 }),
		"table shorter":        p(func(p *layout.Program) { p.Tables[0].Cap = 5 }),
		"table's size":         p(func(p *layout.Program) { p.Tables[0].SizeOffset = -4098 }),
		"table's entries":      p(func(p *layout.Program) { p.Types = p.Types[:2] }),
		"memory":               p(func(p *layout.Program) { p.Memory.Max = 65537 }),
		"memory, min":          p(func(p *layout.Program) { p.Memory.Min, p.Memory.Max = 9, 8 }),
		"image unaligned":      p(func(p *layout.Program) { p.Memory.ImageStart++ }),
		"image above memory":   p(func(p *layout.Program) { p.Memory.ImageStart = 4 * wasmPage }),
		"null guard":           p(func(p *layout.Program) { p.Memory.NullGuard = 100 }),
		"null guard, large":    p(func(p *layout.Program) { p.Memory.NullGuard = 2 * wasmPage }),
		"null guard in image":  p(func(p *layout.Program) { p.Memory.ImageStart, p.Memory.NullGuard = 4096, 8192 }),
		"image outside":        p(func(p *layout.Program) { p.Memory.ImageFile = 1 << 40 }),
	} {
		if c, err := loadBytes(t, withMeta(t, good, change)); err == nil {
			c.Close()
			t.Errorf("%s: loaded", name)
		}
	}
	for name, b := range map[string][]byte{
		"empty": nil, "header only": good[:64], "half": good[:len(good)/2], "no magic": append([]byte{0}, good[1:]...),
		"text": bytes.Repeat([]byte("text\n"), 100), "unknown field": bytes.Replace(good, []byte(`"enter"`), []byte(`"entxx"`), 1),
	} {
		if c, err := loadBytes(t, b); err == nil {
			c.Close()
			t.Errorf("%s: loaded", name)
		}
	}
}

// checkParsed parses a file as Load does and checks that what is accepted lies in it.
func checkParsed(t *testing.T, b []byte) {
	o, err := parseELF(b)
	if err != nil {
		return
	}
	for _, s := range o.segments {
		if s.off+s.size > uint64(len(b)) || s.off+s.size < s.off || s.addr < o.low || s.addr+s.size > o.high {
			t.Fatalf("segment %+v of %d bytes, addresses %#x to %#x", s, len(b), o.low, o.high)
		}
	}
	checkMeta(t, o.metadata, b, o.text.size)
}

func checkMeta(t *testing.T, raw, b []byte, text uint64) {
	m, err := parseMeta(raw, b, text)
	if err != nil {
		return
	}
	for i := range m.Programs {
		p := &m.Programs[i]
		newProgram(&Code{image: b}, p) // slices the images
		for _, e := range p.Exports {
			if uint64(e.Thunk) >= text {
				t.Fatalf("export %+v in %d bytes of text", e, text)
			}
		}
	}
}

// FuzzLoad feeds the parser of native code: a good file with patches of eight bytes, each after
// its offset of two bytes, counted from the start of the file or, if odd, from its end.
func FuzzLoad(f *testing.F) {
	good, err := os.ReadFile(enginetest.File(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	for _, off := range []byte{16, 32, 40, 54, 56, 60, 62, 64, 72, 80, 96, 104, 1, 63, 65, 129} {
		f.Add(append([]byte{off, 0}, "\xff\xff\xff\xff\xff\xff\xff\x00"...))
		f.Add(append([]byte{off, 0}, "\x00\x00\x00\x00\x00\x00\x00\x80"...))
	}
	f.Fuzz(func(t *testing.T, patches []byte) {
		b := bytes.Clone(good)
		for ; len(patches) >= 10; patches = patches[10:] {
			off := int(binary.LittleEndian.Uint16(patches))
			if off&1 != 0 {
				off = len(b) - off
			}
			if off >= 0 && off+8 <= len(b) {
				copy(b[off:], patches[2:10])
			}
		}
		checkParsed(t, b)
	})
}

// FuzzMeta feeds the parser of metadata.
func FuzzMeta(f *testing.F) {
	good, err := os.ReadFile(enginetest.File(f))
	if err != nil {
		f.Fatal(err)
	}
	o, err := parseELF(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(o.metadata)
	f.Fuzz(func(t *testing.T, raw []byte) { checkMeta(t, raw, good, o.text.size) })
}

// TestLayout compares the numbers of run.h with those of package layout and of Go.
func TestLayout(t *testing.T) {
	b, err := os.ReadFile("run.h")
	if err != nil {
		t.Fatal(err)
	}
	defines := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "#define" {
			defines[f[1]] = strings.Trim(f[2], "()")
		}
	}
	var s save
	for name, want := range map[string]int{
		"VK_HOST_SP": layout.HostSP, "VK_GUEST_SP": layout.GuestSP, "VK_EXIT_KIND": layout.ExitKind, "VK_EXIT_CODE": layout.ExitCode,
		"VK_SAVE": layout.Save, "VK_EXIT_TRAP": layout.ExitTrap, "VK_EXIT_PREEMPT": layout.ExitPreempt, "VK_EXIT_HELD": heldExit,
		"VK_S_RIP": int(unsafe.Offsetof(s.rip)), "VK_S_RFLAGS": int(unsafe.Offsetof(s.flags)),
		"VK_S_KICK": int(unsafe.Offsetof(s.kick)), "VK_S_FX": int(unsafe.Offsetof(s.fx)),
	} {
		var got int
		if err := json.Unmarshal([]byte(defines[name]), &got); err != nil || got != want {
			t.Errorf("%s is %s in run.h, %d in Go", name, defines[name], want)
		}
	}
	if size := reflect.TypeOf(s).Size(); size > layout.Results-layout.Save {
		t.Errorf("the save area of %d bytes reaches into the results", size)
	}
}
