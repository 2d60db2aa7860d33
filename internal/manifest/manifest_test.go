package manifest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const (
	shaA = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	shaB = "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"
)

// example is a manifest in which each test changes one thing.
const example = `{
  "version": 1,
  "name": "demo",
  "build": {"vkernel": "0.1", "go": "go1.26", "clang": "19.1.7"},
  "megabinary": {"sha256": "` + shaA + `", "size": 1431655, "modules": ["` + shaA + `"]},
  "native": [{"arch": "x86_64", "abi": "vk1", "features": ["x86-64-v2"], "sha256": "` + shaA + `", "size": 22}],
  "entries": [{"id": "busybox", "name": "busybox", "module": 0, "export": "_start", "syscalls": ["read", "write"]}],
  "executables": [
    {"sha256": "` + shaA + `", "entry": "busybox", "paths": ["/bin/busybox"]},
    {"sha256": "` + shaB + `", "interpreter": "/bin/sh", "paths": ["/etc/rc"]}
  ],
  "command": ["/bin/sh"],
  "rootfs": {"sha256": "` + shaB + `", "size": 40960}
}`

func TestParse(t *testing.T) {
	m, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "demo" || m.Native[0].Size != 22 || !m.Executables[1].Script() || m.Executables[0].SHA256.String() != shaA {
		t.Errorf("wrong content: %+v", m)
	}
	again, err := Parse(m.Marshal())
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Errorf("Parse(Marshal) = %+v, %v", again, err)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, old, new string
		field, reason  string // of the error
	}{
		{"unknown field", `"name": "demo"`, `"name": "demo", "extra": 1`, "extra", "unknown field"},
		{"other case", `"name": "demo"`, `"Name": "demo"`, "Name", "unknown field"},
		{"duplicate", `"name": "demo"`, `"name": "demo", "name": "demo"`, "name", "given twice"},
		{"duplicate by escape", `"name": "demo"`, `"name": "demo", "n\u0061me": "x"`, "name", "given twice"},
		{"nested duplicate", `"size": 22`, `"size": 22, "size": 23`, "native[0].size", "given twice"},
		{"nested unknown", `"module": 0`, `"module": 0, "root": true`, "entries[0].root", "unknown field"},
		{"missing", `"command": ["/bin/sh"],`, ``, "command", "missing"},
		{"nested missing", `"export": "_start", `, ``, "entries[0].export", "missing"},
		{"null", `"demo"`, `null`, "name", "expected a string"},
		{"wrong type", `"demo"`, `7`, "name", "expected a string"},
		{"negative", `"size": 22`, `"size": -22`, "native[0].size", "expected a number"},
		{"fraction", `"size": 22`, `"size": 22.0`, "native[0].size", "not a whole number"},
		{"exponent", `"size": 22`, `"size": 22e3`, "native[0].size", "not a whole number"},
		{"leading zero", `"size": 22`, `"size": 022`, "native[0].size", "leading zero"},
		{"too large", `"size": 22`, `"size": 9007199254740992`, "native[0].size", "too large"},
		{"index too large", `"module": 0`, `"module": 1`, "entries[0].module", "has 1 modules"},
		{"short digest", shaB + `", "size"`, shaB[1:] + `", "size"`, "rootfs.sha256", "63 characters"},
		{"upper-case digest", shaB + `", "size"`, strings.ToUpper(shaB) + `", "size"`, "rootfs.sha256", "expected 0-9 or a-f"},
		{"invalid UTF-8", `"demo"`, "\"de\xffmo\"", "name", "invalid UTF-8"},
		{"lone surrogate", `"demo"`, `"de\ud800mo"`, "name", "malformed escape"},
		{"bad escape", `"demo"`, `"de\x41mo"`, "name", "malformed escape"},
		{"control character", `"demo"`, "\"de\nmo\"", "name", "control character"},
		{"long string", `"demo"`, `"` + strings.Repeat("a", MaxString+1) + `"`, "name", "longer than 4096"},
		{"long name", `"demo"`, `"` + strings.Repeat("a", 200) + `"`, "name", "expected 1 to 128"},
		{"version", `"version": 1`, `"version": 2`, "version", "expected 1"},
		{"no such entry", `"entry": "busybox"`, `"entry": "dash"`, "executables[0].entry", `no entry "dash"`},
		{"entry and interpreter", `"entry": "busybox"`, `"entry": "busybox", "interpreter": "/bin/sh"`, "executables[0]", "either"},
		{"neither", `"entry": "busybox", `, ``, "executables[0]", "either"},
		{"digest twice", shaB + `", "interpreter"`, shaA + `", "interpreter"`, "executables[1].sha256", "given twice"},
		{"path", `["/etc/rc"]`, `["/etc/../rc"]`, "executables[1].paths[0]", "clean path"},
		{"relative preopen", `"syscalls": ["read", "write"]`, `"syscalls": [], "preopens": ["data"]`, "entries[0].preopens[0]", "neither an absolute"},
		{"unclean preopen", `"syscalls": ["read", "write"]`, `"syscalls": [], "preopens": ["/", "/a/../b"]`, "entries[0].preopens[1]", "neither an absolute"},
		{"unsorted syscalls", `["read", "write"]`, `["write", "read"]`, "entries[0].syscalls[1]", "out of order"},
		{"no command", `["/bin/sh"]`, `[]`, "command", "empty"},
		{"missing comma", `"version": 1,`, `"version": 1`, "", "expected ',' or '}'"},
		{"trailing comma", `"size": 40960}`, `"size": 40960,}`, "rootfs", "expected a string"},
		{"BOM", `{
  "version"`, "\ufeff" + `{"version"`, "", "expected an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(example, tt.old, tt.new, 1)
			if text == example {
				t.Fatal("the test changes nothing")
			}
			_, err := Parse([]byte(text))
			var fe *Error
			if !errors.As(err, &fe) || fe.Field != tt.field || !strings.Contains(fe.Reason, tt.reason) {
				t.Errorf("got %v, expected %s: ...%s...", err, tt.field, tt.reason)
			}
		})
	}
}

func TestParseEnds(t *testing.T) {
	for i := range len(example) - 1 {
		if _, err := Parse([]byte(example[:i])); err == nil {
			t.Fatalf("truncated to %d bytes: no error", i)
		}
	}
	for _, tail := range []string{"x", "{}", "\x00"} {
		if _, err := Parse([]byte(example + tail)); err == nil || !strings.Contains(err.Error(), "trailing bytes") {
			t.Errorf("trailing %q: %v", tail, err)
		}
	}
	if _, err := Parse(make([]byte, MaxSize+1)); err == nil {
		t.Error("oversized: no error")
	}
}

// FuzzParse: whatever is accepted is written back as something that means the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"version": 1, "files": [{"path": "/a", "type": "dir", "mode": "0755"}]}`))
	f.Add([]byte(`{"a":"\ud83d\ude00"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := Parse(data); err == nil {
			again, err := Parse(m.Marshal())
			if err != nil || !reflect.DeepEqual(m, again) {
				t.Errorf("not stable: %+v, then %+v, %v", m, again, err)
			}
		}
		if r, err := ParseRoot(data); err == nil {
			again, err := ParseRoot(r.Marshal())
			if err != nil || !reflect.DeepEqual(r, again) {
				t.Errorf("root not stable: %+v, then %+v, %v", r, again, err)
			}
		}
	})
}
