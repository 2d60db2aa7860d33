package build

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/manifest"
)

// TestLibrary: the files of a library are listed and have x bits; what is beside it, and links, are not.
func TestLibrary(t *testing.T) {
	needClang(t)
	root := makeRoot(t,
		file{"bin/sh", minimal, 0o755}, file{"lib/py/a.py", "a = 1\n", 0o644}, file{"lib/py/sub/empty.py", "", 0o640},
		file{"lib/py/script", "#!/bin/sh\n", 0o755}, file{"lib/python", "b", 0o644},
	)
	must(t, os.Link(filepath.Join(root, "lib/py/a.py"), filepath.Join(root, "lib/zlink")))
	o := options(root)
	o.Libraries = []Library{{Interpreter: "/bin/sh", Dir: "/lib/py"}}
	o.Notice = func(s string) { t.Error(s) }
	r, err := Build(context.Background(), o)
	must(t, err)
	for content, want := range map[string]string{"a = 1\n": "/lib/py/a.py", "": "/lib/py/sub/empty.py", "#!/bin/sh\n": "/lib/py/script", "b": ""} {
		got := ""
		i := slices.IndexFunc(r.Manifest.Executables, func(x manifest.Executable) bool { return x.SHA256 == manifest.Sum([]byte(content)) })
		if i >= 0 && r.Manifest.Executables[i].Interpreter == "/bin/sh" {
			got = strings.Join(r.Manifest.Executables[i].Paths, " ")
		}
		if got != want {
			t.Errorf("%q is listed as %q, want %q", content, got, want)
		}
	}
	data, err := os.ReadFile(filepath.Join(o.Out, manifest.RootFile))
	must(t, err)
	tree, err := manifest.ParseRoot(data)
	must(t, err)
	for name, want := range map[string]manifest.Mode{"/lib/py/a.py": 0o755, "/lib/py/sub/empty.py": 0o750, "/lib/python": 0o644, "/lib/zlink": 0o644} {
		if n, ok := tree.Lookup(name); !ok || n.Mode != want {
			t.Errorf("%s: %+v, want mode %o", name, n, want)
		}
	}
	checkVerifies(t, o.Out)
	for dir, want := range map[string]string{"/lib/none": "no such file", "/lib/python": "not a directory"} {
		o.Libraries[0].Dir = dir
		if _, err := Build(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", dir, err, want)
		}
	}
	for _, s := range []string{"", "/bin/sh", "sh=/lib", "/bin/sh=lib", "/bin/sh=/"} {
		if _, err := ParseLibrary(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
