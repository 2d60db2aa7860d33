package toolchain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMachineSources(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sources.list.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "sources.list"), `# comment
deb [arch=amd64 signed-by=/k.gpg] http://mirror/debian bookworm main contrib # more
deb http://other/repo stable main
deb-src http://mirror/debian-security bookworm-security main
deb [broken
deb
`)
	write(t, filepath.Join(dir, "sources.list.d", "d.sources"), `Types: deb deb-src
# inside
URIs: http://m2/debian
Suites: bookworm sid
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN
 .
 key

Enabled: no
Types: deb
URIs: http://off/debian
Suites: bookworm
Components: main
`)
	got, err := machineSources(dir, "bookworm")
	want := []aptSource{
		{"http://mirror/debian", "bookworm", "main contrib", "/k.gpg"},
		{"http://mirror/debian-security", "bookworm-security", "main", ""},
		{"http://m2/debian", "bookworm bookworm-updates", "main", "\n -----BEGIN\n .\n key"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got  %q, %v\nwant %q", got, err, want)
	}
	if s := want[2].stanza(); !strings.Contains(s, "Types: deb-src\nURIs: http://m2/debian\nSuites: bookworm bookworm-updates\n") ||
		!strings.Contains(s, "Signed-By: \n -----BEGIN\n .\n key\n\n") {
		t.Errorf("stanza:\n%s", s)
	}
	if _, err := machineSources(dir, "trixie"); err == nil || !strings.Contains(err.Error(), "no mirror of Debian trixie") {
		t.Errorf("a release without mirror: %v", err)
	}
}

func TestCodename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "os-release")
	write(t, path, "NAME=x\nVERSION_CODENAME=\"bookworm\"\n")
	if got, err := debianCodename(path); got != "bookworm" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	write(t, path, "NAME=x\n")
	if _, err := debianCodename(path); err == nil {
		t.Error("no codename is accepted")
	}
}

func TestVersionsWith(t *testing.T) {
	sum := strings.Repeat("a", 64)
	showsrc := "Package: x\nVersion: 1.0-1\nChecksums-Sha256:\n " + sum + " 10 x_1.0.orig.tar.gz\n\n" +
		"Package: x\nVersion: 1.0-2\nChecksums-Sha256:\n " + sum + " 10 x_1.0.orig.tar.gz\n\n" +
		"Package: x\nVersion: 1.1-1\nChecksums-Sha256:\n " + strings.Repeat("b", 64) + " 10 x_1.1.orig.tar.gz\n"
	if got := versionsWith([]byte(showsrc), sum); !slices.Equal(got, []string{"1.0-1", "1.0-2"}) {
		t.Errorf("versions %q", got)
	}
}

func TestFetchChecksDigest(t *testing.T) {
	tc := &Toolchain{Cache: t.TempDir(), Log: t.Output()}
	s := Source{"p", "1", "p.tar.gz", strings.Repeat("0", 64)}
	dir := filepath.Join(tc.Cache, "source", s.SHA256)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, s.Tarball), "tampered")
	if _, err := tc.fetch(t.Context(), s); err == nil || !strings.Contains(err.Error(), "expected 0000") {
		t.Errorf("a tarball with a wrong digest: %v", err)
	}
}

func TestCached(t *testing.T) {
	tc := &Toolchain{Cache: t.TempDir(), Log: t.Output()}
	builds := 0
	build := func(dir string) error {
		builds++
		return os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644)
	}
	for range 2 {
		dir, err := tc.cached("kind", "key", build)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "f")); string(b) != "x" {
			t.Errorf("entry holds %q, %v", b, err)
		}
	}
	if builds != 1 {
		t.Errorf("built %d times", builds)
	}
	if _, err := tc.cached("kind", "bad", func(string) error { return os.ErrInvalid }); err == nil {
		t.Error("a failed build gave an entry")
	}
	left, _ := filepath.Glob(filepath.Join(tc.Cache, "kind", "bad*"))
	if slices.ContainsFunc(left, isDir) {
		t.Errorf("a failed build left %q", left)
	}
}
