package toolchain

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"

	"vkernel/internal/manifest"
)

// Sources lists what the programs of recipes are made of: upstream's archives, the C
// library's, and all that this repository adds to them, which each has one digest for.
func (t *Toolchain) Sources(recipes []string) ([]manifest.Source, error) {
	list := []manifest.Source{}
	add := func(name, folder string, upstream *Source) error {
		recipe := path.Join("guest", folder)
		if upstream != nil {
			d, err := manifest.ParseDigest(upstream.SHA256)
			if err != nil {
				return fmt.Errorf("%s: %w", recipe, err)
			}
			list = append(list, manifest.Source{Name: upstream.Package + " " + upstream.Version, SHA256: d, Recipe: recipe})
		}
		d, err := t.folderDigest(folder)
		if err != nil {
			return err
		}
		list = append(list, manifest.Source{Name: name + " (recipe)", SHA256: d, Recipe: recipe})
		return nil
	}
	if err := add("musl", "musl", &muslSource); err != nil {
		return nil, err
	}
	listed := map[string]bool{}
	for _, name := range recipes {
		r, err := t.Recipe(name)
		if err != nil {
			return nil, err
		}
		needs, err := t.needs(r)
		if err != nil {
			return nil, err
		}
		for _, r := range append(needs, r) {
			if listed[r.Name] {
				continue
			}
			listed[r.Name] = true
			if err := add(r.Name, r.folder, r.Source); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// folderDigest is the SHA-256 of a list of the files below a folder: for each, in order of
// their names, "SHA256  NAME\n", as sha256sum prints it in that folder.
func (t *Toolchain) folderDigest(folder string) (manifest.Digest, error) {
	h := sha256.New()
	dir, err := fs.Sub(t.Guest, folder)
	if err != nil {
		return manifest.Digest{}, err
	}
	err = fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%x  %s\n", sha256.Sum256(data), name)
		return nil
	})
	return manifest.Digest(h.Sum(nil)), err
}
