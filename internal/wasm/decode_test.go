package wasm

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestUnsupported: each proposal that is off is refused by its name, at its place.
func TestUnsupported(t *testing.T) {
	for _, c := range []struct {
		proposal string
		offset   int
		data     []byte
	}{
		{"component-model", 4, cat(magic, componentVersion)},
		{"compact-import-section", 14, module(sec(secImport, vec([]byte{1, 'a', 0, 0x7f, 0})))},
		{"memory64", 11, module(sec(secMemory, vec([]byte{4, 1})))},
		{"custom-page-sizes", 11, module(sec(secMemory, vec([]byte{8, 1, 0})))},
		{"gc", 11, module(sec(secType, vec([]byte{0x5f, 0, 0})))},
		{"gc", 13, module(sec(secType, vec([]byte{0x60, 1, 0x6e, 0})))},
		{"function-references", 13, module(sec(secType, vec([]byte{0x60, 1, 0x64, 0x70, 0})))},
		{"function-references", 11, module(sec(secTable, vec([]byte{0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b})))},
		{"shared-everything-threads", 12, module(sec(secGlobal, vec([]byte{0x7f, 2, 0x41, 0, 0x0b})))},
		{"multi-memory", 10, module(sec(secMemory, vec([]byte{0, 1}, []byte{0, 1})))},
		{"multi-memory", 35, oneFunc("", "", 0x3f, 1, 0x1a, 0x0b)},
		{"multi-memory", 37, oneFunc("", "", 0x41, 0, 0x28, 0x42, 1, 0, 0x1a, 0x0b)},
		{"gc", 34, oneFunc("", "", 0xfb, 1, 0x0b)},
		{"function-references", 34, oneFunc("", "", 0x14, 0, 0x0b)},
	} {
		_, err := DecodeValidated(c.data)
		var e *Error
		if !errors.As(err, &e) || e.Proposal != c.proposal || !errors.Is(err, ErrUnsupported) {
			t.Errorf("% x: %v, expected unsupported %s", c.data, err, c.proposal)
		} else if e.Offset != c.offset {
			t.Errorf("%v: expected offset %#x", err, c.offset)
		}
	}
}

// TestBoundedMemory: what a module announces costs nothing, what it holds a small multiple.
func TestBoundedMemory(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	many := 1 << 18
	rep := func(p ...byte) []byte { return append(uleb(many), bytes.Repeat(p, many)...) }
	cases := map[string][]byte{
		"empty segments of data":     module(sec(secData, rep(1, 0))),
		"empty segments of elements": module(sec(secElem, rep(5, 0x70, 0))),
		"element of one byte":        module(sec(secElem, vec(cat([]byte{1, 0}, rep(0))))),
		"elements, empty":            module(sec(secElem, vec(cat([]byte{5, 0x70}, rep(0x0b))))),
		"types":                      module(sec(secType, rep(0x60, 0, 0))),
		"functions":                  module(sec(secFunc, rep(0))),
		"tables":                     module(sec(secTable, rep(0x70, 0, 0))),
		"globals":                    module(sec(secGlobal, rep(0x7f, 0, 0x0b))),
		"exports":                    module(sec(secExport, rep(0, 0, 0))),
		"imports":                    module(sec(secImport, rep(0, 0, 0, 0))),
		"custom sections":            module(bytes.Repeat([]byte{0, 1, 0}, many)),
		"runs of locals":             oneFunc("", "", rep(0, 0x7f)...),
	}
	for id := byte(secType); id <= secTag; id++ {
		cases["huge count in section "+sections[id].name] = module(sec(id, huge))
	}
	cases["huge section"] = module(append([]byte{1}, huge...))
	cases["huge count of element indices"] = module(sec(secElem, vec(cat([]byte{1, 0}, huge))))
	cases["huge count of parameters"] = module(sec(secType, vec(append([]byte{0x60}, huge...))))
	cases["huge count of branch targets"] = oneFunc("", "", append([]byte{0x41, 0, 0x0e}, huge...)...)
	for name, data := range cases {
		if n := allocated(func() { DecodeValidated(data) }); n > 160*uint64(len(data))+1<<16 {
			t.Errorf("%s: %d bytes allocated for %d of input", name, n, len(data))
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestFuncNames(t *testing.T) {
	base := oneFunc("", "", 0x0b)
	named := func(p ...byte) []byte { return cat(base, sec(secCustom, append([]byte("\x04name"), p...))) }
	for _, c := range []struct {
		why  string
		data []byte
		want string
	}{
		{"no section", base, ""},
		{"module name first", named(0, 2, 1, 'm', 1, 4, 1, 0, 1, 'f'), "f"},
		{"index out of range", named(1, 7, 2, 9, 1, 'x', 0, 1, 'f'), "f"},
		{"truncated", named(1, 7, 2, 0, 1, 'f', 1, 9, 'x'), "f"},
		{"bad UTF-8", named(1, 4, 1, 0, 1, 0xff), ""},
		{"huge count", named(1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f), ""},
		{"subsection too long", named(1, 99, 1, 0, 1, 'f'), ""},
	} {
		m, err := DecodeValidated(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.why, err)
			continue
		}
		if got := m.FuncNames()[0]; got != c.want {
			t.Errorf("%s: name %q, expected %q", c.why, got, c.want)
		}
	}
	if got := clip(strings.Repeat("é", 9), 5); got != "éé" {
		t.Errorf("clip cut inside a character: %q", got)
	}
}

func TestIndexSpaces(t *testing.T) {
	m, err := DecodeValidated(module(
		sec(secType, vec(functype("i", ""), functype("", "l"))),
		sec(secImport, vec(
			[]byte{1, 'a', 1, 'f', 0, 0}, []byte{1, 'a', 1, 'g', 3, 0x7e, 0}, []byte{1, 'a', 1, 'm', 2, 0, 3})),
		sec(secFunc, vec([]byte{1})),
		sec(secGlobal, vec([]byte{0x7f, 1, 0x41, 0, 0x0b})),
		sec(secExport, vec([]byte{1, 'e', 0, 1})),
		sec(secCode, vec(sized([]byte{0, 0x23, 0, 0x0b}))),
	))
	if err != nil {
		t.Fatal(err)
	}
	if m.NumFuncs() != 2 || m.NumImportedFuncs() != 1 || m.NumGlobals() != 2 || m.NumImportedGlobals() != 1 || m.NumTables() != 0 {
		t.Errorf("sizes of index spaces: %+v", m.spaces)
	}
	if ft, ok := m.FuncTypeOf(1); !ok || ft.String() != ":l" {
		t.Errorf("type of function 1: %v %v", ft, ok)
	}
	if _, ok := m.FuncTypeOf(2); ok {
		t.Error("there is no function 2")
	}
	if g, ok := m.GlobalTypeOf(1); !ok || g != (GlobalType{I32, true}) {
		t.Errorf("type of global 1: %v %v", g, ok)
	}
	if l, ok := m.MemoryType(); !ok || l.Min != 3 {
		t.Errorf("memory: %v %v", l, ok)
	}
	if i, ok := m.ExportOf("e", KindFunc); !ok || i != 1 {
		t.Errorf("export e: %v %v", i, ok)
	}
	if l := m.ImportsOf(KindGlobal); len(l) != 1 || l[0].Name != "g" {
		t.Errorf("imported globals: %v", l)
	}
}
