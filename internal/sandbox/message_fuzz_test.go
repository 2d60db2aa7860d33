package sandbox

import (
	"bytes"
	"encoding/json"
	"testing"

	"vkernel/internal/audit"
)

// Whatever a sandbox sends is a message or an error, and what the launcher does with a message
// stays in its bounds.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"kind":"ready","confinements":{"Namespaces":true,"Landlock":-3,"RootErrno":18446744073709551615,"MDWE":true}}`,
		`{"kind":"exit","code":-1,"signal":4711}`,
		`{"kind":"exit","text":"\u001b[2J","errno":-5,"command":"\n"}`,
		`{"kind":"audit","record":{"time":"9999-12-31T23:59:59.999999999+23:59","action":"x","pid":-1,"path":"\u2028\n{}","reason":"\u0000"}}`,
		`{"kind":"input"} {}`, `{"confinements":null,"record":null}`, `[]`, `{"KIND":"exit","rows":65536}`, "\xff", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxMessage {
			return
		}
		m, err := parse(data)
		if err != nil {
			return
		}
		if st, err := m.status(); err != nil && err.Error() == "" || err == nil && (st.ExitCode() < 0 || st.ExitCode() > 255) {
			t.Errorf("ended with %+v, %v", st, err)
		}
		if m.Confinements != nil {
			note := m.note()
			if out, err := json.Marshal(note); err != nil || len(out) > 1024 {
				t.Errorf("a note of %d bytes, %v", len(out), err)
			}
		}
		if m.Record == nil {
			return
		}
		var file bytes.Buffer
		log := audit.NewLog(&file)
		log.Decided(*m.Record)
		if err := log.Close(); err != nil {
			t.Errorf("one record spoils the audit file: %v", err)
		}
		if n := bytes.Count(file.Bytes(), []byte("\n")); n != 1 || !json.Valid(file.Bytes()) {
			t.Errorf("one record makes %d lines: %q", n, &file)
		}
	})
}
