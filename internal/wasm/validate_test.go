package wasm

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestErrors: an error names class, offset, function, instruction, found and expected.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		data []byte
		want string
	}{
		{oneFunc("", "i", 0x41, 0, 0x42, 0, 0x6a, 0x0b), "wasm: invalid module: offset 0x27: function 0: i32.add: type mismatch: found i64, expected i32"},
		{oneFunc("", "i", 0x0b), "wasm: invalid module: offset 0x23: function 0: end: type mismatch: found an empty stack, expected i32"},
		{oneFunc("", "", 0x41, 0, 0x0b), "wasm: invalid module: offset 0x24: function 0: end: type mismatch: 1 operands remain at the end of a block, expected :"},
		{oneFunc("", "", 0x20, 3, 0x0b), "wasm: invalid module: offset 0x22: function 0: local.get: unknown local 3 of 0"},
		{oneFunc("", "", 0x10, 9, 0x0b), "wasm: invalid module: offset 0x22: function 0: call: unknown function 9 of 1"},
		{oneFunc("", "", 0x0c, 1, 0x0b), "wasm: invalid module: offset 0x22: function 0: br: unknown label 1 of 1"},
		{oneFunc("", "", 0x01), "wasm: malformed module: offset 0x23: function 0: unexpected end, expected a byte"},
		{oneFunc("", "", 0x05, 0x0b), "wasm: malformed module: offset 0x22: function 0: else: else outside of an if"},
		{oneFunc("", "", 0x0b, 0x0b), "wasm: malformed module: offset 0x22: function 0: end: bytes after the end of the function, expected end to be the last"},
		{oneFunc("", "", 0xd2, 0, 0x1a, 0x0b), "undeclared function reference 0"},
		{oneFunc("", "", 0x41, 0, 0xfe, 0x10, 0, 0, 0x1a, 0x0b), "i32.atomic.load: atomic alignment must be natural: found 2^0, expected 2^2"},
		{oneFunc("", "", 0x41, 0, 0x28, 3, 0, 0x1a, 0x0b), "alignment must not be larger than natural: found 2^3, expected at most 2^2"},
		{module([]byte{0x0e, 0}), "offset 0x8: malformed section id 14"},
		{[]byte("\x7fELF"), "magic header not detected"},
	} {
		_, err := DecodeValidated(c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("% x:\n  got  %v\n  want %s", c.data, err, c.want)
		}
	}
}

// TestLimits: what would cost much time or memory is refused, soon.
func TestLimits(t *testing.T) {
	var many [maxParams]byte
	for i := range many {
		many[i] = 'i'
	}
	pushes := module( // each two bytes push a thousand operands
		sec(secType, vec(functype("", string(many[:])))),
		sec(secFunc, vec([]byte{0})),
		sec(secCode, vec(sized([]byte{0}, bytes.Repeat([]byte{0x10, 0}, 1<<20), []byte{0x0b}))),
	)
	for name, data := range map[string][]byte{
		"operands":      pushes,
		"nesting":       oneFunc("", "", append(bytes.Repeat([]byte{0x02, 0x40}, maxDepth+1), bytes.Repeat([]byte{0x0b}, maxDepth+2)...)...),
		"parameters":    oneFunc(string(many[:])+"i", "", 0x0b),
		"targets":       oneFunc("", "", cat([]byte{0x41, 0, 0x0e}, uleb(maxTargets+1), bytes.Repeat([]byte{0}, maxTargets+2), []byte{0x0b})...),
		"body":          oneFunc("", "", append(bytes.Repeat([]byte{0x01}, maxBody), 0x0b)...),
		"table":         module(sec(secTable, vec(cat([]byte{0x70, 0}, uleb(maxTableMin+1))))),
		"locals":        locals(maxLocals + 1),
		"with a params": locals(maxLocals, "i"),
	} {
		start := time.Now()
		_, err := DecodeValidated(data)
		if !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v, expected a limit", name, err)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s: refused after %v", name, d)
		}
	}
	if _, err := DecodeValidated(locals(maxLocals)); err != nil {
		t.Error(err)
	}
}

func locals(n int, params ...string) []byte {
	return module(
		sec(secType, vec(functype(strings.Join(params, ""), ""))),
		sec(secFunc, vec([]byte{0})),
		sec(secCode, vec(sized([]byte{1}, uleb(n), []byte{0x7f, 0x0b}))),
	)
}

// TestUnreachable: dead code is typed, with operands of every type below it.
func TestUnreachable(t *testing.T) {
	for _, c := range []struct {
		why  string
		ok   bool
		code []byte
	}{
		{"operands from nowhere", true, []byte{0x00, 0x6a, 0x1a, 0x0b}},
		{"wrong type above", false, []byte{0x00, 0x42, 0, 0x6a, 0x1a, 0x0b}},
		{"select of unknowns", true, []byte{0x00, 0x1b, 0x1a, 0x0b}},
		{"select of unknown and reference", false, []byte{0x00, 0xd0, 0x70, 0x41, 0, 0x1b, 0x1a, 0x0b}},
		{"ref.is_null of unknown", true, []byte{0x00, 0xd1, 0x1a, 0x0b}},
		{"remains after br", false, []byte{0x0c, 0, 0x41, 0, 0x0b}},
		{"br_table with labels of different types", true, []byte{0x02, 0x7f, 0x02, 0x7e, 0x00, 0x41, 0, 0x0e, 1, 0, 1, 0x0b, 0x1a, 0x00, 0x0b, 0x1a, 0x0b}},
		{"br_table with labels of different numbers", false, []byte{0x02, 0x7f, 0x02, 0x40, 0x00, 0x41, 0, 0x0e, 1, 0, 1, 0x0b, 0x00, 0x0b, 0x1a, 0x0b}},
	} {
		if _, err := DecodeValidated(oneFunc("", "", c.code...)); (err == nil) != c.ok {
			t.Errorf("%s: %v, expected valid: %v", c.why, err, c.ok)
		}
	}
}
