package toolchain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Recipe says how one upstream program is built and what of it goes into a root directory.
// It is a folder guest/recipes/<name> with a file "recipe":
//
//	# Comments begin a line.
//	source: dash 0.5.12-2                  Debian source package and version; absent for programs of our own
//	tarball: dash_0.5.12.orig.tar.gz       its upstream tarball
//	sha256: 6a47...                        of the tarball
//	build:                                 shell commands, run in the unpacked source
//		./configure --host="$HOST" CC="$CC"
//		make -j"$JOBS"
//	install: 0755 src/dash /bin/dash       mode, file of the build, path in the root
//	link: /bin/sh dash                     a symbolic link and its text
//	links: busybox.links /bin/busybox      a link to the path for each line of a file of the build
//	tree: dest/usr/lib /usr/lib            a folder of the build with all that is below it
//	needs: zlib                            a library's recipe, built first; one line for each
//
// A library installs headers and archives as Debian's -dev packages do. What the needed recipes
// install, and those that they need, is together in the directory DEPS of the build, laid out as a root directory.
//
// Files *.patch beside it are applied to the source first; each says in its first lines why
// upstream cannot be built as it is. The commands see CC, CXX, AR, NM, RANLIB, STRIP, HOST,
// DEPS, JOBS, KIND (wasm or native), RECIPE (the folder) and SOURCE_DATE_EPOCH.
type Recipe struct {
	Name    string
	Source  *Source // nil for a program of our own
	Build   string
	Install []InstallFile
	Links   []InstallLink
	Trees   []InstallTree
	Needs   []string // names of recipes

	folder string // in Toolchain.Guest
	text   []byte
}

// InstallFile is a line "install".
type InstallFile struct {
	Mode     uint32
	From, To string
}

// InstallLink is a line "link" or "links": either Path, or From, a file that lists paths.
type InstallLink struct{ Path, From, Target string }

// InstallTree is a line "tree": From, a folder of the build, becomes To.
type InstallTree struct{ From, To string }

// RecipeNames lists the recipes there are.
func (t *Toolchain) RecipeNames() ([]string, error) {
	matches, err := fs.Glob(t.Guest, "recipes/*/recipe")
	names := make([]string, len(matches))
	for i, m := range matches {
		names[i] = path.Base(path.Dir(m))
	}
	return names, err
}

// Recipe reads the recipe of a name.
func (t *Toolchain) Recipe(name string) (*Recipe, error) {
	folder := path.Join("recipes", name)
	text, err := fs.ReadFile(t.Guest, path.Join(folder, "recipe"))
	if err != nil || strings.ContainsAny(name, "/\\") {
		names, _ := t.RecipeNames()
		return nil, fmt.Errorf("no recipe %q; there are: %s", name, strings.Join(names, " "))
	}
	r, err := parseRecipe(text)
	if err != nil {
		return nil, fmt.Errorf("guest/%s/recipe: %w", folder, err)
	}
	r.Name, r.folder, r.text = name, folder, text
	return r, nil
}

func parseRecipe(text []byte) (*Recipe, error) {
	r := &Recipe{}
	var src Source
	inBuild := false
	sc := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if command, ok := strings.CutPrefix(line, "\t"); ok && inBuild {
			r.Build += command + "\n"
			continue
		}
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d: %q: want \"key: value\"", n, line)
		}
		inBuild = key == "build"
		if err := r.set(&src, key, strings.Fields(value)); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	switch {
	case r.Build == "":
		return nil, errors.New("no build commands")
	case len(r.Install)+len(r.Trees) == 0:
		return nil, errors.New("installs nothing")
	case src == Source{}:
		return r, nil
	case src.Package == "" || src.Tarball == "" || len(src.SHA256) != 64:
		return nil, errors.New("a source needs source, tarball and sha256 (64 digits)")
	}
	r.Source = &src
	return r, nil
}

// set takes one line.
func (r *Recipe) set(src *Source, key string, words []string) error {
	want := map[string]int{"source": 2, "tarball": 1, "sha256": 1, "build": 0, "install": 3, "link": 2, "links": 2, "tree": 2, "needs": 1}
	n, known := want[key]
	if !known {
		return fmt.Errorf("unknown key %q", key)
	}
	if len(words) != n {
		return fmt.Errorf("%s takes %d words, not %d", key, n, len(words))
	}
	switch key {
	case "source":
		src.Package, src.Version = words[0], words[1]
	case "tarball":
		src.Tarball = words[0]
	case "sha256":
		src.SHA256 = words[0]
	case "install":
		mode, err := strconv.ParseUint(words[0], 8, 12)
		if err != nil {
			return fmt.Errorf("mode %q: want octal digits", words[0])
		}
		r.Install = append(r.Install, InstallFile{uint32(mode), words[1], words[2]})
	case "link":
		r.Links = append(r.Links, InstallLink{Path: words[0], Target: words[1]})
	case "links":
		r.Links = append(r.Links, InstallLink{From: words[0], Target: words[1]})
	case "tree":
		r.Trees = append(r.Trees, InstallTree{words[0], words[1]})
	case "needs":
		r.Needs = append(r.Needs, words[0])
	}
	return nil
}
