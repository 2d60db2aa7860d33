package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"vkernel/internal/audit"
	"vkernel/internal/manifest"
)

// audited runs a guest's case with --audit, and gives what was recorded.
func (t *trial) audited(name string) []audit.Record {
	file := filepath.Join(t.dir, "audit")
	t.guest(name, "--audit", file)
	data, err := os.ReadFile(file)
	t.must(err)
	var records []audit.Record
	for line := range bytes.Lines(data) {
		var r audit.Record
		if err := json.Unmarshal(line, &r); err != nil {
			t.wrong("a line of the audit is no JSON: %v: %.100s", err, line)
			continue
		}
		records = append(records, r)
	}
	return records
}

func auditCases() []*testCase {
	return []*testCase{
		{"audit", "every_decision_is_a_line", func(t *trial) {
			mark, err := os.ReadFile(filepath.Join(t.bundle, "rootfs/bin/mark"))
			t.must(err)
			evil := manifest.Sum(append(mark, 'x')).String()
			var allowed, refused int
			for _, r := range t.audited("audit_a_few") {
				switch {
				case r.Path == "/bin/mark" && r.Allowed() && r.Entry == "mark" && r.SHA256 == manifest.Sum(mark).String():
					allowed++
				case r.Path == "/case/mark" && !r.Allowed() && r.SHA256 == evil && r.Time.Year() > 2000 && r.PID > 1:
					refused++
				}
			}
			if allowed != 3 || refused != 5 {
				t.wrong("3 execs and 5 refusals are %d and %d lines", allowed, refused)
			}
		}},
		{"audit", "names_cannot_forge_lines", func(t *trial) {
			for _, r := range t.audited("audit_forged") {
				if r.Path == "/forged" || r.Entry == "forged" {
					t.wrong("a guest has written a line of its own: %+v", r)
				}
			}
		}},
		{"audit", "flood_does_not_fill_the_disk_nor_hide_the_last", func(t *trial) {
			file := filepath.Join(t.dir, "audit")
			t.guest("audit_flood", "--audit", file)
			st, err := os.Stat(file)
			t.must(err)
			if st.Size() > 64<<20 {
				t.wrong("the audit has %d bytes", st.Size())
			}
			data, err := os.ReadFile(file)
			t.must(err)
			if !strings.Contains(string(data), `"entry":"mark"`) {
				t.wrong("what was executed is hidden by a flood of refusals")
			}
		}},
		{"audit", "log_is_not_flooded", func(t *trial) {
			e := t.start(container{command: []string{"/bin/attack", "audit_flood"}})
			t.judge(e)
			if n := strings.Count(e.stderr, "execve refused"); n == 0 || n > 2000 {
				t.wrong("%d refusals are in the log", n)
			}
		}},
	}
}
