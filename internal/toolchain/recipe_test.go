package toolchain

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"vkernel/guest"
	"vkernel/internal/manifest"
)

const goodRecipe = `# A program.
source: prog 1.0-1
tarball: prog_1.0.orig.tar.gz
sha256: 0000000000000000000000000000000000000000000000000000000000000000
build:
	make CC="$CC"

	if true; then
		echo : ok
	fi
install: 4755 prog /bin/prog
link: /bin/p prog
links: list /bin/prog
`

func TestRecipe(t *testing.T) {
	tc := &Toolchain{Guest: fstest.MapFS{"recipes/prog/recipe": {Data: []byte(goodRecipe)}}}
	r, err := tc.Recipe("prog")
	if err != nil {
		t.Fatal(err)
	}
	if r.Source == nil || r.Source.Package != "prog" || r.Source.Version != "1.0-1" || r.Source.Tarball != "prog_1.0.orig.tar.gz" {
		t.Errorf("source %+v", r.Source)
	}
	if want := "make CC=\"$CC\"\nif true; then\n\techo : ok\nfi\n"; r.Build != want {
		t.Errorf("build %q, want %q", r.Build, want)
	}
	if len(r.Install) != 1 || r.Install[0] != (InstallFile{0o4755, "prog", "/bin/prog"}) {
		t.Errorf("install %v", r.Install)
	}
	if len(r.Links) != 2 || r.Links[0] != (InstallLink{"/bin/p", "", "prog"}) || r.Links[1] != (InstallLink{"", "list", "/bin/prog"}) {
		t.Errorf("links %v", r.Links)
	}
	for _, name := range []string{"none", "../recipes/prog", ""} {
		if _, err := tc.Recipe(name); err == nil || !strings.Contains(err.Error(), "there are: prog") {
			t.Errorf("recipe %q: %v", name, err)
		}
	}
}

func TestBadRecipes(t *testing.T) {
	for change, want := range map[string]string{
		"source: prog 1.0-1>":                "source takes 2 words, not 0",
		"tarball: prog_1.0.orig.tar.gz>x":    `want "key: value"`,
		"sha256: 0000>sha256: 0":             "needs source, tarball and sha256",
		"install: 4755>install: rwx":         "want octal digits",
		"install: 4755 prog /bin/prog>":      "installs nothing",
		"link: /bin/p prog>lnk: /bin/p prog": `unknown key "lnk"`,
		"\tmake CC=\"$CC\">make CC=\"$CC\"":  `want "key: value"`,
		"tarball: prog_1.0.orig.tar.gz>":     "needs source, tarball and sha256",
	} {
		from, to, _ := strings.Cut(change, ">")
		if to == "" && strings.HasPrefix(from, "source") {
			to = "source:"
		}
		text := strings.Replace(goodRecipe, from, to, 1)
		if _, err := parseRecipe([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", change, err, want)
		}
	}
}

func TestRelativeLink(t *testing.T) {
	for _, c := range [][3]string{
		{"/bin/sh", "/bin/busybox", "busybox"},
		{"/usr/bin/awk", "/bin/busybox", "../../bin/busybox"},
		{"/linuxrc", "/bin/busybox", "bin/busybox"},
		{"/usr/bin/lua", "lua5.4", "lua5.4"},
	} {
		if got := relative(c[0], c[1]); got != c[2] {
			t.Errorf("relative(%s, %s) = %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func FuzzRecipe(f *testing.F) {
	f.Add([]byte(goodRecipe))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := parseRecipe(text); err == nil && len(r.Install) == 0 {
			t.Error("a recipe that installs nothing is accepted")
		}
	})
}

// TestProvenance: each recipe says what it is made of, and a change of a recipe's files shows.
func TestProvenance(t *testing.T) {
	tc := &Toolchain{Guest: guest.FS}
	list, err := tc.Sources([]string{"lua", "hello"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	want := []string{"musl " + muslSource.Version, "musl (recipe)", "lua5.4 5.4.4-3+deb12u1", "lua (recipe)", "hello (recipe)"}
	if !slices.Equal(names, want) {
		t.Errorf("sources %q, expected %q", names, want)
	}
	changed := &Toolchain{Guest: fstest.MapFS{"a/x": {Data: []byte("1")}, "b/x": {Data: []byte("2")}, "c/y": {Data: []byte("1")}}}
	seen := map[manifest.Digest]bool{}
	for _, folder := range []string{"a", "b", "c"} {
		d, err := changed.folderDigest(folder)
		if err != nil || seen[d] {
			t.Errorf("%s: %s, %v", folder, d, err)
		}
		seen[d] = true
	}
	if d, _ := changed.folderDigest("a"); d != manifest.Sum(fmt.Appendf(nil, "%x  x\n", sha256.Sum256([]byte("1")))) {
		t.Errorf("not what sha256sum would give: %s", d)
	}
	if _, err := tc.Sources([]string{"nothing"}); err == nil {
		t.Error("no error for a recipe that does not exist")
	}
}
