package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vkernel/internal/wasm/wasmtest"
)

// TestSuite runs the whole suite and compares the counts with testdata/counts.txt: one
// command less that passes, or is there, is a failure.
func TestSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles more than a thousand modules")
	}
	r, err := runSuite(wasmtest.Suite(t), options{cache: defaultCache(), log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.failures {
		if i == 50 {
			t.Errorf("and %d more", len(r.failures)-i)
			break
		}
		t.Error(f)
	}
	golden, err := os.ReadFile("testdata/counts.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(strings.TrimSpace(string(golden)), "\n"), r.counts.lines()
	for _, l := range want {
		if !slices.Contains(got, l) {
			t.Errorf("expected: %s", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			t.Errorf("found:    %s", l)
		}
	}
}

// TestPreempted runs the suite while every call is stopped at its entry and every 100 us, and
// once more while they are stopped all the time: nothing ends otherwise.
func TestPreempted(t *testing.T) {
	for _, o := range []options{{preempt: 100 * time.Microsecond}, {preempt: 1}} {
		if testing.Short() {
			o.only = "core/fac"
		}
		o.cache, o.log = defaultCache(), t.Logf
		r, err := runSuite(wasmtest.Suite(t), o)
		if err != nil || len(r.failures) != 0 || r.counts.total(passed) == 0 {
			t.Fatalf("stopped every %v: %v, %v", o.preempt, err, r.failures)
		}
		if r.kicker.hits < r.kicker.calls/2 || r.kicker.calls == 0 {
			t.Errorf("stopped every %v: %d times in %d calls", o.preempt, r.kicker.hits, r.kicker.calls)
		}
	}
}

// TestJudge holds that wrong expectations are noticed: a runner that passes everything
// passes nothing.
func TestJudge(t *testing.T) {
	scripts := wasmtest.Suite(t)
	i := slices.IndexFunc(scripts, func(s *wasmtest.Script) bool { return s.Folder == "core" && s.Name == "i32" })
	s := *scripts[i]
	s.Commands = slices.Clone(s.Commands)
	n := 0
	for k := range s.Commands {
		c := &s.Commands[k]
		switch c.Type {
		case "assert_return":
			c.Expected = json.RawMessage(strings.NewReplacer(`"value": "`, `"value": "7`).Replace(string(c.Expected)))
		case "assert_trap":
			c.Text = "undefined element"
		case "assert_invalid", "assert_malformed":
			c.Filename = s.Commands[0].Filename
		default:
			continue
		}
		n++
	}
	r, err := runSuite([]*wasmtest.Script{&s}, options{cache: defaultCache(), log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if bad := r.counts.total(failed) + r.counts.total(overtakenByLater); bad < n-11 { // texts are not judged here
		t.Errorf("%d of %d wrong expectations were noticed", bad, n)
	}
}

// TestMatches compares values with patterns.
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		typ, want string
		got       uint64
		ok        bool
	}{
		{"i32", "4294967295", 0xffffffff, true},
		{"i32", "1", 2, false},
		{"f32", "nan:canonical", 0xffc00000, true},
		{"f32", "nan:canonical", 0x7fc00001, false},
		{"f32", "nan:arithmetic", 0x7fc00001, true},
		{"f32", "nan:arithmetic", 0x7f800001, false},
		{"f64", "nan:arithmetic", 0x7ff0000000000001, false},
		{"f32", "2139095041", 0x7f800001, true},
		{"externref", "1", 2, true},
		{"externref", "null", 1, false},
		{"funcref", "null", 0, true},
	} {
		v := value{Type: c.typ, Value: json.RawMessage(`"` + c.want + `"`)}
		if v.matches([2]uint64{c.got}) != c.ok {
			t.Errorf("%v and %#x: expected %v", v, c.got, c.ok)
		}
	}
}
