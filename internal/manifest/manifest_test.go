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
  "version": 2,
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
		{"version", `"version": 2`, `"version": 1`, "version", "expected 2"},
		{"no such entry", `"entry": "busybox"`, `"entry": "dash"`, "executables[0].entry", `no entry "dash"`},
		{"entry and interpreter", `"entry": "busybox"`, `"entry": "busybox", "interpreter": "/bin/sh"`, "executables[0]", "either"},
		{"neither", `"entry": "busybox", `, ``, "executables[0]", "either"},
		{"digest twice", shaB + `", "interpreter"`, shaA + `", "interpreter"`, "executables[1].sha256", "given twice"},
		{"path", `["/etc/rc"]`, `["/etc/../rc"]`, "executables[1].paths[0]", "clean path"},
		{"relative preopen", `"syscalls": ["read", "write"]`, `"syscalls": [], "preopens": ["data"]`, "entries[0].preopens[0]", "neither an absolute"},
		{"unclean preopen", `"syscalls": ["read", "write"]`, `"syscalls": [], "preopens": ["/", "/a/../b"]`, "entries[0].preopens[1]", "neither an absolute"},
		{"unsorted syscalls", `["read", "write"]`, `["write", "read"]`, "entries[0].syscalls[1]", "out of order"},
		{"denied", `"syscalls": ["read", "write"]`, `"syscalls": [], "denied": "trap"`, "entries[0].denied", `expected "errno" or "kill"`},
		{"starts nothing known", `"syscalls": ["read", "write"]`, `"syscalls": [], "starts": ["dash"]`, "entries[0].starts[0]", `no entry "dash"`},
		{"starts twice", `"syscalls": ["read", "write"]`, `"syscalls": [], "starts": ["busybox", "busybox"]`, "entries[0].starts[1]", "given twice"},
		{"rule for no call of it", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"syscall": "sokcet", "arg": 0, "allow": [1]}]`, "entries[0].rules[0].syscall", "not one of the entry's"},
		{"rule without a kind", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"syscall": "read", "arg": 0}]`, "entries[0].rules[0]", "exactly one"},
		{"rule of two kinds", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"syscall": "read", "arg": 0, "allow": [], "paths": []}]`, "entries[0].rules[0]", "exactly one"},
		{"seventh argument", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"syscall": "read", "arg": 6, "allow": [1]}]`, "entries[0].rules[0].arg", "at most 6"},
		{"rule that never matches", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"syscall": "read", "arg": 0, "mask": 6, "allow": [1]}]`, "entries[0].rules[0].allow[0]", "outside of the mask"},
		{"path rule of one call", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"syscall": "read", "paths": ["/"]}]`, "entries[0].rules[0]", "every call"},
		{"path rule of one argument", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"arg": 1, "paths": ["/"]}]`, "entries[0].rules[0]", "every call"},
		{"unclean path rule", `"syscalls": ["read", "write"]`, `"syscalls": [], "rules": [{"paths": ["/", "/a/"]}]`, "entries[0].rules[0].paths[1]", "clean"},
		{"addresses of a call without", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "rules": [{"syscall": "read", "addresses": []}]`, "entries[0].rules[0].syscall", "connect"},
		{"withheld and allowed", `"syscalls": ["read", "write"]`, `"syscalls": ["read"], "withheld": ["open", "read"]`, "entries[0].withheld[1]", "in syscalls, too"},
		{"withheld unsorted", `"syscalls": ["read", "write"]`, `"syscalls": [], "withheld": ["b", "a"]`, "entries[0].withheld[1]", "out of order"},
		{"securebit", `"syscalls": ["read", "write"]`, `"syscalls": [], "securebits": ["noroot"]`, "entries[0].securebits[0]", "expected"},
		{"securebit twice", `"syscalls": ["read", "write"]`, `"syscalls": [], "securebits": ["exec-restrict-file", "exec-restrict-file"]`, "entries[0].securebits[1]", "given twice"},
		{"warm", `"syscalls": ["read", "write"]`, `"syscalls": [], "warm": {"environ": []}`, "entries[0].warm.environ", "unknown field"},
		{"warm variable", `"syscalls": ["read", "write"]`, `"syscalls": [], "warm": {"env": ["A", "=1"]}`, "entries[0].warm.env[1]", "malformed"},
		{"warm option", `"syscalls": ["read", "write"]`, `"syscalls": [], "warm": {"args": ["R"]}`, "entries[0].warm.args[0]", "malformed"},
		{"warm option twice", `"syscalls": ["read", "write"]`, `"syscalls": [], "warm": {"args": ["-R", "-R"]}`, "entries[0].warm.args[1]", "given twice"},
		{"limits", `"syscalls": ["read", "write"]`, `"syscalls": [], "limits": {"disk": 1}`, "entries[0].limits.disk", "unknown field"},
		{"network with host and cidr", `"name": "demo"`, `"name": "demo", "network": [{"host": "a.b", "cidr": "10.0.0.0/8", "protocol": "tcp"}]`, "network[0]", "either host or cidr"},
		{"network host", `"name": "demo"`, `"name": "demo", "network": [{"host": "A.b", "protocol": "tcp"}]`, "network[0].host", "malformed"},
		{"network cidr", `"name": "demo"`, `"name": "demo", "network": [{"cidr": "10.0.0.1/8", "protocol": "tcp"}]`, "network[0].cidr", "no bit set"},
		{"network port", `"name": "demo"`, `"name": "demo", "network": [{"host": "a.b", "ports": [80, 65536], "protocol": "tcp"}]`, "network[0].ports[1]", "1 to 65535"},
		{"network protocol", `"name": "demo"`, `"name": "demo", "network": [{"host": "a.b", "protocol": "icmp"}]`, "network[0].protocol", "expected"},
		{"mount", `"name": "demo"`, `"name": "demo", "mounts": [{"at": "/a/../b"}]`, "mounts[0].at", "clean path"},
		{"mount over the root", `"name": "demo"`, `"name": "demo", "mounts": [{"at": "/"}]`, "mounts[0].at", "below /"},
		{"source digest", `"name": "demo"`, `"name": "demo", "source": [{"name": "x", "sha256": ""}]`, "source[0].sha256", "0 characters"},
		{"source url", `"name": "demo"`, `"name": "demo", "source": [{"name": "x", "sha256": "` + shaA + `", "url": "x.tar"}]`, "source[0].url", "absolute URL"},
		{"no command", `["/bin/sh"]`, `[]`, "command", "empty"},
		{"missing comma", `"version": 2,`, `"version": 2`, "", "expected ',' or '}'"},
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

// full is a manifest with every field that there is.
const full = `{
  "version": 2, "name": "demo", "release": 7,
  "build": {"by": "ci.example.org", "vkernel": "0.1", "go": "go1.26", "clang": "19.1.7"},
  "source": [{"name": "busybox-1.36", "sha256": "` + shaA + `", "url": "https://example.org/b.tar", "recipe": "busybox.recipe"}],
  "megabinary": {"sha256": "` + shaA + `", "size": 1431655, "modules": ["` + shaA + `"]},
  "native": [{"arch": "x86_64", "abi": "vk1", "features": ["x86-64-v2"], "sha256": "` + shaA + `", "size": 22}],
  "entries": [{"id": "busybox", "name": "busybox", "module": 0, "export": "_start", "syscalls": ["connect", "openat", "socket"], "withheld": ["fork"],
    "denied": "kill", "preopens": [], "limits": {"memory": 67108864, "cpu": 10}, "starts": [], "inherit": true,
    "securebits": ["exec-restrict-file", "exec-deny-interactive"],
    "warm": {"env": ["PYTHON*", "TZ"], "args": ["-R", "--cold*"]},
    "rules": [{"syscall": "socket", "arg": 0, "allow": [1], "mask": 255}, {"paths": ["/tmp"], "write": true},
      {"syscall": "connect", "addresses": ["unix:/run/x"]}]}],
  "executables": [{"sha256": "` + shaA + `", "entry": "busybox", "paths": ["/bin/busybox"]}],
  "command": ["/bin/sh"],
  "rootfs": {"sha256": "` + shaB + `", "size": 40960},
  "network": [{"host": "*.example.org", "ports": [443], "protocol": "tcp"}, {"cidr": "2001:db8::/32", "protocol": "udp"}],
  "mounts": [{"at": "/src", "write": true}, {"at": "/data/*", "exec": true}]
}`

func TestParseFull(t *testing.T) {
	m, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(m.Marshal())
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Errorf("Parse(Marshal) = %+v, %v", again, err)
	}
	if e := m.Entries[0]; e.Starts == nil || e.Preopens == nil || e.Limits.CPU != 10 || !e.Inherit || len(e.Rules) != 3 || m.Release != 7 {
		t.Errorf("wrong content: %+v", m)
	}
	if plain, err := Parse([]byte(example)); err != nil || plain.Entries[0].Starts != nil || plain.Mounts != nil {
		t.Errorf("absent lists: %+v, %v", plain, err)
	}
}

func TestMayMount(t *testing.T) {
	m, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		at              string
		ok, write, exec bool
	}{
		{"/src", true, true, false},
		{"/src/a", false, false, false},
		{"/data", false, false, false},
		{"/data/a/b", true, false, true},
		{"/database", false, false, false},
		{"/", false, false, false},
	}
	for _, tt := range tests {
		if r, ok := m.MayMount(tt.at); ok != tt.ok || r.Write != tt.write || r.Exec != tt.exec {
			t.Errorf("MayMount(%s) = %+v, %v", tt.at, r, ok)
		}
	}
	m.Mounts = nil
	if r, ok := m.MayMount("/any"); !ok || !r.Write || r.Exec {
		t.Errorf("without a list: %+v, %v", r, ok)
	}
	m.Mounts = []Mount{}
	if _, ok := m.MayMount("/any"); ok {
		t.Error("empty list: allowed")
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
	f.Add([]byte(full))
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
