package syscalls

import (
	"strings"
	"testing"
)

// TestTable holds what those who derive from the table count on.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	last := -1
	for _, c := range Table {
		if c.Num <= last {
			t.Errorf("%s: number %d after %d", c.Name, c.Num, last)
		}
		last = c.Num
		if names[c.Name] {
			t.Errorf("%s: twice", c.Name)
		}
		names[c.Name] = true
		if c.Handler == nil {
			t.Errorf("%s: no handler; a call that is missing has no line", c.Name)
		}
		if c.Level != Full && c.Note == "" {
			t.Errorf("%s: not full, and no note says why", c.Name)
		}
		sigs := strings.Fields(c.Sig)
		if len(sigs) == 0 {
			t.Errorf("%s: no signature", c.Name)
		}
		for _, s := range sigs {
			params, result, ok := strings.Cut(s, ":")
			if !ok || result != "l" && s != "i:" || strings.Trim(params, "il") != "" || len(params) > 6 {
				t.Errorf("%s: signature %q", c.Name, s)
			}
		}
		if n := len(strings.Fields(c.Args)); c.Args != "" && n != strings.Index(sigs[0], ":") {
			t.Errorf("%s: %d kinds for signature %s", c.Name, n, sigs[0])
		}
	}
	for alias, name := range aliases {
		if names[alias] || !names[name] {
			t.Errorf("alias %s of %s", alias, name)
		}
	}
}

func TestSignature(t *testing.T) {
	for _, tt := range []struct {
		module, name, sig string
		known             bool
	}{
		{"wali", "SYS_read", "iii:l", true},
		{"wali", "SYS_newfstatat", "iiii:l", true},
		{"wali", "__cl_copy_argv", "ii:i", true},
		{"wali", "longjmp", "ii:", true},
		{"wali", "SYS_no_such_call", "", false},
		{"wali", "read", "", false},
		{"env", "SYS_read", "", false},
	} {
		if sig, known := Signature(tt.module, tt.name); sig != tt.sig || known != tt.known {
			t.Errorf("%s.%s: %q %v, want %q %v", tt.module, tt.name, sig, known, tt.sig, tt.known)
		}
	}
}

func TestCheckImport(t *testing.T) {
	for _, tt := range []struct {
		module, name, sig string
		want              string // part of the error, "" for none
	}{
		{"wali", "SYS_read", "iii:l", ""},
		{"wali", "SYS_exit", "i:", ""},
		{"wali", "SYS_exit", "i:l", ""},
		{"wali", "SYS_poll", "iii:l", ""},
		{"wali", "SYS_io_uring_setup", "ii:l", ""},
		{"wali", "SYS_io_uring_setup", "ii:i", "returns i64"},
		{"wali", "SYS_read", "ii:l", "type ii:l, want iii:l"},
		{"wali", "__no_helper", ":i", "unknown function"},
		{"env", "puts", "i:i", "unknown module"},
		{"wali", "SYS_\x1b]0;x\a", ":l", "unknown function"},
		{"wali", "SYS_a b", ":l", "unknown function"},
		{"wali", strings.Repeat("n", 1000), ":l", "unknown function"},
		{"a\nb", "f", ":l", "unknown module"},
	} {
		err := CheckImport(tt.module, tt.name, tt.sig)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), Shown(tt.module, tt.name))) {
			t.Errorf("%s.%s %s: %v, want %q", tt.module, tt.name, tt.sig, err, tt.want)
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\x1b\n\a") || len(err.Error()) > 300) {
			t.Errorf("%q prints the module author's text", err.Error())
		}
	}
}
