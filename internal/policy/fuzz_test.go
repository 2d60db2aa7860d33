package policy

import (
	"slices"
	"testing"

	"vkernel/internal/manifest"
)

const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

// seed is a manifest with every kind of rule.
const seed = `{"version": 2, "name": "demo", "build": {"vkernel": "0.1", "go": "go1.26", "clang": "19"},
  "megabinary": {"sha256": "` + digest + `", "size": 1, "modules": ["` + digest + `"]}, "native": [],
  "entries": [{"id": "a", "name": "a", "module": 0, "export": "_start", "syscalls": ["connect", "ioctl", "open", "read"], "withheld": ["fork"],
    "denied": "kill", "limits": {"memory": 67108864, "cpu": 10}, "starts": ["b"], "inherit": true,
    "rules": [{"syscall": "ioctl", "arg": 1, "allow": [1, 17], "mask": 255}, {"paths": ["/tmp", "/"], "write": true}, {"paths": []},
      {"syscall": "connect", "addresses": ["unix:/run/x", "10.0.0.0/8:443", "[::1]:*"]}]},
    {"id": "b", "name": "b", "module": 0, "export": "_start", "syscalls": ["fork", "read"]}],
  "executables": [], "command": ["/bin/sh"], "rootfs": {"sha256": "` + digest + `", "size": 1}}`

// FuzzNew: what the manifest's parser accepts is a policy, whatever starts what allows no more than
// both do, and every profile makes a manifest of it that the parser accepts.
func FuzzNew(f *testing.F) {
	if _, err := manifest.Parse([]byte(seed)); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(seed))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.Parse(data)
		if err != nil || len(m.Entries) > 8 {
			return
		}
		s, err := New(m)
		if err != nil {
			t.Fatalf("parsed, and no policy: %v", err)
		}
		for _, from := range s.Entries() {
			for _, to := range s.Entries() {
				held := from.Enter(to).Enter(to)
				for _, e := range m.Entries {
					for _, call := range e.Syscalls {
						if held.Allows(call) != (to.Allows(call) && (!from.inherit || from.Allows(call))) {
							t.Fatalf("%s starts %s: %s is allowed: %v", from.ID(), to.ID(), call, held.Allows(call))
						}
					}
					if held.MayStart(e.ID) && (!to.MayStart(e.ID) || from.inherit && !from.MayStart(e.ID)) {
						t.Fatalf("%s starts %s, and that %s", from.ID(), to.ID(), e.ID)
					}
				}
			}
		}
		for i := range Profiles {
			for j := range m.Entries {
				before := slices.Concat(m.Entries[j].Syscalls, m.Entries[j].Withheld)
				slices.Sort(before)
				before = slices.Compact(before)
				m.Entries[j].Inherit = false
				Profiles[i].Apply(&m.Entries[j], before, nil)
				after := slices.Concat(m.Entries[j].Syscalls, m.Entries[j].Withheld)
				slices.Sort(after)
				if !slices.Equal(before, after) {
					t.Fatalf("profile %s changes what is imported: %v, %v", Profiles[i].Name, before, after)
				}
			}
			if _, err := manifest.Parse(m.Marshal()); err != nil {
				t.Fatalf("profile %s: %v", Profiles[i].Name, err)
			}
		}
	})
}
