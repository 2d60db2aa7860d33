package toolchain

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"vkernel/guest"
)

func needsRecipe(needs ...string) *fstest.MapFile {
	text := "build:\n\ttrue\ninstall: 0644 a /a\n"
	for _, n := range needs {
		text = "needs: " + n + "\n" + text
	}
	return &fstest.MapFile{Data: []byte(text)}
}

func TestNeeds(t *testing.T) {
	tc := &Toolchain{Guest: fstest.MapFS{
		"recipes/top/recipe":    needsRecipe("left", "right"),
		"recipes/left/recipe":   needsRecipe("bottom"),
		"recipes/right/recipe":  needsRecipe("bottom"),
		"recipes/bottom/recipe": needsRecipe(),
		"recipes/x/recipe":      needsRecipe("y"),
		"recipes/y/recipe":      needsRecipe("z"),
		"recipes/z/recipe":      needsRecipe("x"),
		"recipes/lost/recipe":   needsRecipe("nothing"),
	}}
	for name, want := range map[string]string{
		"top":    "bottom right left",
		"bottom": "",
		"x":      "error: recipe z needs x, which needs it",
		"lost":   `error: recipe lost needs: no recipe "nothing"`,
	} {
		r, err := tc.Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := tc.needs(r)
		var names []string
		for _, n := range list {
			names = append(names, n.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want && (err == nil || !strings.HasPrefix(got, want)) {
			t.Errorf("%s needs %q, expected %q", name, got, want)
		}
	}
}

// TestBuildWithNeeds builds a program with a library, natively: the library's files are in DEPS,
// and a change of the library is another build of the program.
func TestBuildWithNeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the C library, if it is not in the cache")
	}
	built := func(value string) string {
		t.Helper()
		files := fstest.MapFS{
			"recipes/lib/recipe":  {Data: []byte("build:\n\tmkdir -p d/include && echo '#define VALUE " + value + "' >d/include/v.h\ntree: d /usr\n")},
			"recipes/prog/recipe": {Data: []byte("needs: lib\nbuild:\n\tcp \"$DEPS/usr/include/v.h\" out\ninstall: 0644 out /out\n")},
		}
		if err := fs.WalkDir(guest.FS, "musl", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := fs.ReadFile(guest.FS, path)
			files[path] = &fstest.MapFile{Data: data, Mode: 0o644}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		tc, err := New(files)
		if err != nil {
			t.Fatal(err)
		}
		r, err := tc.Recipe("prog")
		if err != nil {
			t.Fatal(err)
		}
		dir, err := tc.Build(context.Background(), r, Native, "/nonexistent")
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, v := range []string{"1", "2", "1"} {
		if got := built(v); got != "#define VALUE "+v+"\n" {
			t.Errorf("the program was built with %q, expected %s", got, v)
		}
	}
}
