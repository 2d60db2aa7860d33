package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func allowed(pid int) Record {
	return Record{Time: start, Action: Exec, PID: pid, Path: "/bin/true", SHA256: strings.Repeat("a", 64), Entry: "true"}
}

func refused(pid int) Record {
	return Record{Time: start, Action: Exec, PID: pid, Path: "/evil \"\n\xff", SHA256: strings.Repeat("b", 64), Reason: "not in the manifest"}
}

func TestLinesAreRecords(t *testing.T) {
	var out bytes.Buffer
	l := NewLog(&out)
	l.Decided(allowed(1))
	l.Decided(refused(2))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Decided(allowed(3)) // after Close
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, want := range []string{"/bin/true", "/evil \"\n\ufffd"} {
		var r Record
		if err := json.Unmarshal([]byte(lines[i]), &r); err != nil || r.Path != want || r.PID != i+1 {
			t.Errorf("line %d: %+v, %v", i, r, err)
		}
	}
}

// TestFloodIsBounded: a guest that executes without end fills no disk, what it does so does not hide
// what was refused, and the file says what is missing.
func TestFloodIsBounded(t *testing.T) {
	var out bytes.Buffer
	c := &clock{start}
	l := newLog(&out, c.read)
	const flood = 200_000
	for k := range flood {
		l.Decided(allowed(k))
	}
	if out.Len() > burst+4096 {
		t.Errorf("%d bytes at once", out.Len())
	}
	before := out.Len()
	l.Decided(refused(7))
	if !strings.Contains(out.String()[before:], `"pid":7`) {
		t.Error("the flood hides a refusal")
	}
	c.now = start.Add(10 * time.Second)
	before = out.Len()
	for k := range flood {
		l.Decided(allowed(k))
	}
	if n := out.Len() - before; n > 10*bytesPerSecond+4096 || n < 9*bytesPerSecond {
		t.Errorf("%d bytes in 10 s", n)
	}
	l.Close()
	s, err := Summarize(bytes.NewReader(out.Bytes()))
	if err != nil || s.Allowed+s.Dropped != 2*flood || s.Refused != 1 || s.Dropped == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestWholeIsBounded: beyond the limit of a file nothing is written any more.
func TestWholeIsBounded(t *testing.T) {
	var out bytes.Buffer
	l := NewLog(&out)
	l.written = most - 1
	l.Decided(allowed(1))
	n := out.Len()
	l.Decided(allowed(2))
	if n == 0 || out.Len() != n {
		t.Errorf("%d bytes, then %d", n, out.Len())
	}
}

type broken struct{ writes int }

func (b *broken) Write([]byte) (int, error) {
	b.writes++
	return 0, errors.New("no space left")
}

func TestErrorOfTheWriterIsKept(t *testing.T) {
	b := new(broken)
	l := NewLog(b)
	for k := range 3 {
		l.Decided(allowed(k))
	}
	if err := l.Close(); err == nil || b.writes != 1 {
		t.Errorf("%v after %d writes", err, b.writes)
	}
}

func TestSummary(t *testing.T) {
	var out bytes.Buffer
	l := NewLog(&out)
	for k := range 3 {
		r := allowed(k)
		r.Path = fmt.Sprint("/bin/", k%2)
		l.Decided(r)
	}
	l.Decided(refused(4))
	last := allowed(5)
	last.Action, last.Entry, last.Interpreter, last.Time = Check, "", "/bin/sh", start.Add(time.Second)
	l.Decided(last)
	l.Close()
	s, err := Summarize(&out)
	if err != nil {
		t.Fatal(err)
	}
	if s.Allowed != 4 || s.Refused != 1 || s.Dropped != 0 || !s.First.Equal(start) || !s.Last.Equal(start.Add(time.Second)) || len(s.Rows) != 3 {
		t.Errorf("%+v", s)
	}
	if s.Rows[0].Reason == "" || s.Rows[1].Count != 3 || len(s.Rows[1].Paths) != 2 || s.Rows[2].Interpreter != "/bin/sh" {
		t.Errorf("%+v", s.Rows)
	}
}

func TestSummaryRefusesOtherFiles(t *testing.T) {
	for text, want := range map[string]string{
		"hello":                   "line 1: no audit record",
		`{"action":"exec"} x`:     "line 1: no audit record: bytes after",
		`{"action":"fly"}`:        `action "fly"`,
		"\n{\"a\":1}":             `line 2: no audit record: json: unknown field "a"`,
		strings.Repeat("x", 1e5):  "token too long",
		`{"action":"exec"}` + "[": "line 1",
	} {
		if _, err := Summarize(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", text, err, want)
		}
	}
}

func FuzzSummarize(f *testing.F) {
	f.Add([]byte(`{"time":"2026-01-02T03:04:05Z","action":"exec","pid":1,"path":"/bin/true","sha256":"aa","entry":"true"}`))
	f.Add([]byte(`{"time":"2026-01-02T03:04:05Z","dropped":3,"refused":true}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Summarize(bytes.NewReader(text))
		if err != nil {
			return
		}
		total := uint64(0)
		for _, r := range s.Rows {
			if len(r.Paths) == 0 || len(r.Paths) > maxPaths {
				t.Errorf("row %+v", r)
			}
			total += r.Count
		}
		if total != s.Allowed+s.Refused {
			t.Errorf("%d in rows, %d in all", total, s.Allowed+s.Refused)
		}
	})
}
