package verify

import (
	"testing"
	"time"
)

// FuzzDecode: no bytes make the decoder panic or read beyond them, and what it accepts has a
// length that it was given.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"\xc3", "\x65\x48\x8b\x04\x25\xf8\xff\xff\xff", "\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", "\xf2\x0f\x10\x05\x00\x00\x00\x00", "\xf0\x48\x0f\xc7\x08"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var in inst
		if !decode(b, &in) {
			return
		}
		if in.len == 0 || int(in.len) > len(b) || in.len > maxLength || in.op == opBad {
			t.Errorf("% x: %+v", b, in)
		}
		if m := &in.mem; m.access&(reads|writes) != 0 && (m.size == 0 || m.size > 16) {
			t.Errorf("% x: an operand of %d bytes", b, m.size)
		}
		var again inst
		if !decode(b[:in.len], &again) || again != in {
			t.Errorf("% x: other bytes behind it change it", b)
		}
	})
}

// FuzzText: no text makes the verifier panic, or take longer than its budget of steps allows.
func FuzzText(f *testing.F) {
	for _, s := range []string{"\x89\xf8\xc3", "\x31\xc0\x48\xff\xc0\xeb\xfb", "\x83\xff\x03\x77\x01\xc3\x0f\x0b", "\x53\x5b\xc3\xff\xe0"} {
		f.Add([]byte(s), uint16(1))
	}
	list, stubs := stubList()
	f.Fuzz(func(t *testing.T, text []byte, cut uint16) {
		if len(text) == 0 || len(text) > 1<<14 {
			return
		}
		c := fuzzCode(list, stubs, text, int(cut)%len(text))
		start := time.Now()
		_, err := Text(c)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%d bytes took %v: %v", len(text), took, err)
		}
		if _, err := Refused(c); err != nil {
			return
		}
	})
}

// FuzzFile: no file makes the parser or the verifier panic.
func FuzzFile(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := Parse(b); err == nil {
			Text(c)
		}
	})
}
