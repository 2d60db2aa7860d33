package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Limits of what Summarize reads: a file is whatever somebody points at.
const (
	maxLine  = 64 << 10
	maxRows  = 1 << 16
	maxPaths = 8 // of one row; more are counted
)

// Summary is what a file of records says.
type Summary struct {
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	Allowed uint64    `json:"allowed"`
	Refused uint64    `json:"refused"`
	Dropped uint64    `json:"dropped"` // decisions that are not in the file
	Rows    []Row     `json:"rows"`    // refused ones first, then by number
}

// Row is all records with one content and one outcome.
type Row struct {
	Count       uint64    `json:"count"`
	Action      string    `json:"action"`
	SHA256      string    `json:"sha256,omitempty"`
	Entry       string    `json:"entry,omitempty"`
	Interpreter string    `json:"interpreter,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Paths       []string  `json:"paths"`                // under which it was found, the first few
	MorePaths   bool      `json:"more_paths,omitempty"` // there were others
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
}

// line is a Record, or the count of those that are missing.
type line struct {
	Record
	Dropped uint64 `json:"dropped"`
	Refused bool   `json:"refused"`
}

type rowKey struct{ action, sum, entry, interpreter, reason string }

// Summarize reads a file of records.
func Summarize(r io.Reader) (*Summary, error) {
	s, rows := &Summary{Rows: []Row{}}, map[rowKey]*Row{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	for n := 1; in.Scan(); n++ {
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		l, err := parse(in.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err := s.add(rows, l); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading the audit file: %w", err)
	}
	for _, row := range rows {
		s.Rows = append(s.Rows, *row)
	}
	slices.SortFunc(s.Rows, compareRows)
	return s, nil
}

// compareRows puts what was refused first, then what is frequent; the rest makes the order total.
func compareRows(a, b Row) int {
	kind := func(r *Row) int {
		if r.Reason != "" {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(kind(&a), kind(&b)), cmp.Compare(b.Count, a.Count),
		cmp.Compare(a.Paths[0], b.Paths[0]), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Action, b.Action),
		cmp.Compare(a.SHA256, b.SHA256), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Interpreter, b.Interpreter),
	)
}

func parse(text []byte) (l line, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, fmt.Errorf("no audit record: %w", err)
	}
	if d.More() {
		return l, fmt.Errorf("no audit record: bytes after the object")
	}
	if l.Dropped == 0 && l.Action != Exec && l.Action != Check {
		return l, fmt.Errorf("no audit record: action %q, expected %q or %q", l.Action, Exec, Check)
	}
	return l, nil
}

// add counts one line.
func (s *Summary) add(rows map[rowKey]*Row, l line) error {
	if s.First.IsZero() || l.Time.Before(s.First) {
		s.First = l.Time
	}
	if l.Time.After(s.Last) {
		s.Last = l.Time
	}
	if l.Dropped > 0 {
		s.Dropped += l.Dropped
		return nil
	}
	if l.Allowed() {
		s.Allowed++
	} else {
		s.Refused++
	}
	k := rowKey{l.Action, l.SHA256, l.Entry, l.Interpreter, l.Reason}
	row := rows[k]
	if row == nil {
		if len(rows) == maxRows {
			return fmt.Errorf("more than %d different decisions", maxRows)
		}
		row = &Row{
			Action: l.Action, SHA256: l.SHA256, Entry: l.Entry, Interpreter: l.Interpreter,
			Reason: l.Reason, First: l.Time,
		}
		rows[k] = row
	}
	row.Count++
	row.Last = l.Time
	switch {
	case slices.Contains(row.Paths, l.Path):
	case len(row.Paths) < maxPaths:
		row.Paths = append(row.Paths, l.Path)
	default:
		row.MorePaths = true
	}
	return nil
}
