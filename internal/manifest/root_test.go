package manifest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func exampleRoot(t testing.TB) *Root {
	d := Sum([]byte("x"))
	r, err := NewRoot([]Node{
		{Path: "/bin/sh", Type: TypeLink, Mode: 0o777, Target: "busybox"},
		{Path: "/tmp", Type: TypeDir, Mode: 0o1777},
		{Path: "/bin", Type: TypeDir, Mode: 0o755},
		{Path: "/bin/busybox", Type: TypeFile, Mode: 0o755, Size: 1, SHA256: &d},
		{Path: "/bin/vi", Type: TypeFile, Mode: 0o755, Size: 1, SHA256: &d, Hardlink: "/bin/busybox"},
		{Path: "/bin-2", Type: TypeDir, Mode: 0o755},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoot(t *testing.T) {
	r := exampleRoot(t)
	var order []string
	for _, n := range r.Files {
		order = append(order, n.Path)
	}
	want := []string{"/bin", "/bin/busybox", "/bin/sh", "/bin/vi", "/bin-2", "/tmp"}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("order %q, expected %q", order, want)
	}
	again, err := ParseRoot(r.Marshal())
	if err != nil || !reflect.DeepEqual(r, again) {
		t.Errorf("ParseRoot(Marshal) = %+v, %v", again, err)
	}
	if n, ok := again.Lookup("/tmp"); !ok || n.Mode.String() != "01777" {
		t.Errorf("Lookup(/tmp) = %+v, %v", n, ok)
	}
	if _, ok := again.Lookup("/bin/"); ok {
		t.Error("Lookup found a path that is not clean")
	}
}

func TestRootRefuses(t *testing.T) {
	tests := []struct{ name, old, new, field, reason string }{
		{"relative", `"/tmp"`, `"tmp"`, "files[5].path", "clean path"},
		{"dots", `"/tmp"`, `"/tmp/../x"`, "files[5].path", "clean path"},
		{"the root", `"/bin"`, `"/"`, "files[0].path", "clean path"},
		{"twice", `"/tmp"`, `"/bin-2"`, "files[5].path", "given twice"},
		{"order", `"/tmp"`, `"/aaa"`, "files[5].path", "out of order"},
		{"orphan", `"/tmp"`, `"/var/tmp"`, "files[5].path", "directory is not listed"},
		{"below a file", `"/bin/sh"`, `"/bin/busybox/sh"`, "files[2].path", "directory is not listed"},
		{"mode", `"01777"`, `"1777"`, "files[5].mode", "malformed mode"},
		{"mode too large", `"01777"`, `"010000"`, "files[5].mode", "malformed mode"},
		{"type", `"link"`, `"fifo"`, "files[2].type", "expected dir, file or link"},
		{"link without target", `,"target":"busybox"`, ``, "files[2].target", "a link has a target"},
		{"directory with a digest", `"path":"/tmp"`, `"path":"/tmp","sha256":"` + shaA + `"`, "files[5].sha256", "nothing else has"},
		{"hard link to nothing", `"hardlink":"/bin/busybox"`, `"hardlink":"/bin/vi"`, "files[3].hardlink", "not an equal file"},
		{"hard link to a directory", `"hardlink":"/bin/busybox"`, `"hardlink":"/bin"`, "files[3].hardlink", "not an equal file"},
		{"hard link of other mode", `"mode":"0755","size":1`, `"mode":"0711","size":1`, "files[3].hardlink", "not an equal file"},
		{"file without a digest", `"sha256"`, `"target"`, "files[1].sha256", "a file has a digest"},
	}
	text := string(exampleRoot(t).Marshal())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.Replace(text, tt.old, tt.new, 1)
			if changed == text {
				t.Fatal("the test changes nothing")
			}
			_, err := ParseRoot([]byte(changed))
			var fe *Error
			if !errors.As(err, &fe) || fe.Field != tt.field || !strings.Contains(fe.Reason, tt.reason) {
				t.Errorf("got %v, expected %s: ...%s...", err, tt.field, tt.reason)
			}
		})
	}
}

func BenchmarkParseRoot(b *testing.B) {
	d := Sum([]byte("x"))
	nodes := []Node{{Path: "/d", Type: TypeDir, Mode: 0o755}}
	for i := range 3000 {
		name := "/d/some-ordinary-file-name-" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		nodes = append(nodes, Node{Path: name, Type: TypeFile, Mode: 0o644, Size: 99, SHA256: &d})
	}
	r, err := NewRoot(nodes)
	if err != nil {
		b.Fatal(err)
	}
	text := r.Marshal()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseRoot(text); err != nil {
			b.Fatal(err)
		}
	}
}
