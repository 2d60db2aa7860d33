package wasm

import (
	"bufio"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
)

// sample is a module of testdata/sample.txt.
type sample struct {
	verdict, source, rule string
	data                  []byte
}

func samples(t testing.TB) []sample {
	f, err := os.Open("testdata/sample.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []sample
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		p := strings.SplitN(line, " ", 4)
		s := sample{verdict: p[0], source: p[2]}
		if len(p) > 3 {
			s.rule = p[3]
		}
		if p[1] != "-" {
			if s.data, err = hex.DecodeString(p[1]); err != nil {
				t.Fatalf("%s: %v", s.source, err)
			}
		}
		list = append(list, s)
	}
	return list
}

// TestSample checks the committed part of the official suite.
func TestSample(t *testing.T) {
	list := samples(t)
	if len(list) < 60 {
		t.Fatalf("%d samples, expected at least 60", len(list))
	}
	for _, s := range list {
		_, err := DecodeValidated(s.data)
		want := map[string]error{"valid": nil, "invalid": ErrInvalid, "malformed": ErrMalformed}[s.verdict]
		switch {
		case want == nil && err != nil:
			t.Errorf("%s: refused: %v", s.source, err)
		case want != nil && err == nil:
			t.Errorf("%s: accepted, expected %q", s.source, s.rule)
		case want != nil && !errors.Is(err, want) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrLimit) && !noDataCount(err):
			t.Errorf("%s: refused as %v, expected as %s (%q)", s.source, err, s.verdict, s.rule)
		}
	}
}

// TestTruncated cuts every valid sample at every length: a prefix is refused, or is whole
// sections, and never makes the decoder panic.
func TestTruncated(t *testing.T) {
	for _, s := range samples(t) {
		if s.verdict != "valid" {
			continue
		}
		for n := range s.data {
			if _, err := Decode(s.data[:n]); err == nil && n < 8 {
				t.Errorf("%s: accepted when cut to %d bytes", s.source, n)
			}
		}
	}
}

// FuzzDecode: no input makes decoder or validator panic, or use memory beyond a multiple
// of its length; what is accepted can be read again.
func FuzzDecode(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeValidated(data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Msg == "" || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("bad error %#v", err)
			}
			return
		}
		m.FuncNames()
		for i := range m.Funcs {
			last := Instr{}
			for r := m.BodyReader(i); !r.Done(); {
				in, err := r.Next()
				if err != nil {
					t.Fatalf("function %d was validated, but: %v", i, err)
				}
				last = in
			}
			if last.Op != OpEnd {
				t.Fatalf("function %d was validated, but ends in %v", i, last.Op)
			}
		}
	})
}
