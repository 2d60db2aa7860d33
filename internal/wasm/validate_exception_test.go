package wasm

import (
	"strings"
	"testing"
)

// exceptions is a module with tags 0 of no values and 1 of an i32, and one function.
func exceptions(results string, code ...byte) []byte {
	return module(
		sec(secType, vec(functype("", results), functype("i", ""), functype("", "i"), functype("", ""))),
		sec(secFunc, vec([]byte{0})),
		sec(secTag, vec([]byte{0, 3}, []byte{0, 1})),
		sec(secExport, vec([]byte{1, 't', 4, 1})),
		sec(secCode, vec(sized([]byte{0}, code))),
	)
}

// TestExceptions: both encodings, and what is wrong with what.
func TestExceptions(t *testing.T) {
	const i32, void, exn = 0x7f, 0x40, 0x69
	for _, c := range []struct {
		why, results string
		code         []byte
		want         string // in the error, "" if valid
	}{
		{"throw", "", []byte{0x08, 0, 0x0b}, ""},
		{"throw takes values", "", []byte{0x08, 1, 0x0b}, "throw: type mismatch: found an empty stack, expected i32"},
		{"unknown tag", "", []byte{0x08, 2, 0x0b}, "unknown tag 2 of 2"},
		{"throw_ref", "", []byte{0xd0, exn, 0x0a, 0x0b}, ""},
		{"throw_ref of a number", "", []byte{0x41, 0, 0x0a, 0x0b}, "found i32, expected exnref"},
		{"try without arms", "", []byte{0x06, void, 0x0b, 0x0b}, ""},
		{"catch gives the values", "i", []byte{0x06, i32, 0x41, 0, 0x07, 1, 0x07, 0, 0x41, 1, 0x19, 0x41, 2, 0x0b, 0x0b}, ""},
		{"catch after catch_all", "", []byte{0x06, void, 0x19, 0x07, 0, 0x0b, 0x0b}, "catch outside of a try, or after its catch_all"},
		{"two catch_all", "", []byte{0x06, void, 0x19, 0x19, 0x0b, 0x0b}, "catch_all outside of a try"},
		{"catch in a block", "", []byte{0x06, void, 0x02, void, 0x07, 0, 0x0b, 0x0b, 0x0b}, "catch outside of a try"},
		{"arm of the wrong type", "i", []byte{0x06, i32, 0x41, 0, 0x07, 0, 0x0b, 0x0b}, "found an empty stack, expected i32"},
		{"rethrow", "", []byte{0x06, void, 0x19, 0x09, 0, 0x0b, 0x0b}, ""},
		{"rethrow in a block", "", []byte{0x06, void, 0x19, 0x02, void, 0x09, 1, 0x0b, 0x0b, 0x0b}, ""},
		{"rethrow of a body", "", []byte{0x06, void, 0x09, 0, 0x0b, 0x0b}, "invalid rethrow label 0"},
		{"rethrow of nothing", "", []byte{0x09, 0, 0x0b}, "invalid rethrow label 0"},
		{"rethrow too far", "", []byte{0x09, 7, 0x0b}, "unknown label 7"},
		{"delegate", "i", []byte{0x06, i32, 0x41, 0, 0x18, 0, 0x0b}, ""},
		{"delegate too far", "", []byte{0x06, void, 0x18, 1, 0x0b}, "unknown label 1"},
		{"delegate after catch", "", []byte{0x06, void, 0x07, 0, 0x18, 0, 0x0b}, "delegate outside of a try"},
		{"try_table", "", []byte{0x1f, void, 1, 0, 0, 0, 0x0b, 0x0b}, ""},
		{"clause gives values", "i", []byte{0x1f, void, 1, 0, 1, 0, 0x0b, 0x41, 0, 0x0b}, ""},
		{"clause of other values", "", []byte{0x1f, void, 1, 0, 1, 0, 0x0b, 0x0b}, "catch clause gives :i, label 0 takes :"},
		{"clause with a reference", "", []byte{0x02, exn, 0x1f, void, 1, 3, 0, 0x0b, 0x00, 0x0b, 0x1a, 0x0b}, ""},
		{"reference without place", "", []byte{0x1f, void, 1, 3, 0, 0x0b, 0x0b}, "catch clause gives :x, label 0 takes :"},
		{"clause kind", "", []byte{0x1f, void, 1, 4, 0, 0x0b, 0x0b}, "malformed catch clause 0x4"},
		{"clause label", "", []byte{0x1f, void, 1, 2, 1, 0x0b, 0x0b}, "unknown label 1 of 1"},
		{"more clauses than bytes", "", []byte{0x1f, void, 0xff, 0xff, 3, 2, 0, 0x0b, 0x0b}, "unexpected end"},
	} {
		_, err := DecodeValidated(exceptions(c.results, c.code...))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, expected %q", c.why, err, c.want)
		}
	}
}

// TestTags: the section, imports and their types.
func TestTags(t *testing.T) {
	types := sec(secType, vec(functype("", ""), functype("", "i")))
	for _, c := range []struct {
		data []byte
		want string
	}{
		{module(types, sec(secTag, vec([]byte{0, 0}))), ""},
		{module(types, sec(secImport, vec([]byte{1, 'a', 1, 'b', 4, 0, 0}))), ""},
		{module(types, sec(secImport, vec([]byte{1, 'a', 1, 'b', 4, 0, 9}))), "unknown type 9"},
		{module(types, sec(secImport, vec([]byte{1, 'a', 1, 'b', 4, 1, 0}))), "malformed tag attribute 0x1"},
		{module(types, sec(secTag, vec([]byte{0, 9}))), "unknown type 9 of 2"},
		{module(types, sec(secTag, vec([]byte{0, 1}))), "non-empty tag result type"},
		{module(types, sec(secExport, vec([]byte{1, 't', 4, 0}))), "unknown tag 0 of 0"},
		{module(types, sec(secGlobal, vec([]byte{0x7f, 0, 0x41, 0, 0x0b})), sec(secTag, vec([]byte{0, 0}))), "tag section out of order"},
	} {
		_, err := DecodeValidated(c.data)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("% x: %v, expected %q", c.data, err, c.want)
		}
	}
}
