package emit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/wasm"
)

// TestBounds checks modules that would expand beyond measure, and features that are refused.
func TestBounds(t *testing.T) {
	wide := strings.Repeat("\x7f", 60)
	for _, c := range []struct {
		name, want string
		module     []byte
	}{
		{
			"branches that carry many values", "bytes of C", module(
				section(1, "\x02\x60\x00\x3c"+wide+"\x60\x3c"+wide+"\x00"),
				section(3, "\x01\x00"),
				section(10, "\x01"+leb(code(repeat("\x41\x00", 60)+repeat("\x41\x00\x0d\x00", 20000)+"\x0b")))),
		},
		{
			"small functions with long declarations", "declarations they need expand", module(
				section(1, "\x01\x60\xe8\x07"+repeat("\x7f", 1000)+"\x00"),
				section(3, "\xd0\x0f"+repeat("\x00", 2000)),
				section(10, "\xd0\x0f"+repeat(leb(code("\x0b")), 2000))),
		},
		{"loops in loops", "loops nest deeper than 250", module(
			section(1, "\x01\x60\x00\x00"),
			section(3, "\x01\x00"),
			section(10, "\x01"+leb(code(repeat("\x03\x40", 251)+repeat("\x0b", 251)+"\x0b"))))},
		{"a table of a million entries and more", "at most 1048576", module(
			section(4, "\x01\x70\x00\x81\x80\x80\x01"))},
		{"too many results", "at most 64", module(
			section(1, "\x01\x60\x00\x41"+strings.Repeat("\x7f", 65)),
			section(3, "\x01\x00"),
			section(10, "\x01"+leb(code(repeat("\x41\x00", 65)+"\x0b"))))},
		{"setjmp in a table", "only be called directly", module(
			section(1, "\x01\x60\x01\x7f\x01\x7f"),
			section(2, "\x01\x04wali\x06setjmp\x00\x00"),
			section(4, "\x01\x70\x00\x01"),
			section(9, "\x01\x00\x41\x00\x0b\x01\x00"))},
		{"an imported global", `import "env" "g"`, module(
			section(2, "\x01\x03env\x01g\x03\x7f\x00"))},
		{"data rather far apart", "data segments of 2 bytes spread over 134217729 bytes", module(
			section(5, "\x01\x00\x80\x80\x01"),
			section(11, "\x02\x00\x41\x00\x0b\x01a\x00\x41\x80\x80\x80\xc0\x00\x0b\x01a"))},
		{"data far apart", "spread over", module(
			section(5, "\x01\x00\x80\x80\x04"),
			section(11, "\x02\x00\x41\x00\x0b\x01a\x00\x41\x80\x80\x80\x80\x78\x0b\x01a"))},
	} {
		m, err := wasm.DecodeValidated(c.module)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if _, err := Emit(m, Options{Prefix: "p0_"}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
	}
}

func module(sections ...string) []byte {
	return []byte("\x00asm\x01\x00\x00\x00" + strings.Join(sections, ""))
}

func section(id byte, body string) string { return string(id) + leb(body) }

// leb puts the length before a text.
func leb(s string) string {
	n, b := len(s), []byte{}
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return string(append(b, byte(n))) + s
}

func code(body string) string { return "\x00" + body }

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// FuzzEmit translates whatever validates: no panic, and bounded text.
func FuzzEmit(f *testing.F) {
	for _, pattern := range []string{"testdata/*.wasm", "../aot/testdata/*.wasm"} {
		files, _ := filepath.Glob(pattern)
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := wasm.DecodeValidated(data)
		if err != nil {
			return
		}
		out, err := Emit(m, Options{Prefix: "p0_", Global: func(*wasm.Import) (uint64, bool) { return 1, true }})
		if err != nil {
			return
		}
		size := 0
		for _, file := range out.Files {
			size += len(file.Text)
		}
		if most := (textStart + 4096) * (len(m.Funcs) + 1); size > most+(textPerByte+200)*len(data) {
			t.Errorf("a module of %d bytes gave %d bytes of C", len(data), size)
		}
	})
}
