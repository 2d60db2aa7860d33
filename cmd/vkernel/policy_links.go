package main

import (
	"fmt"
	"os"
	"path/filepath"

	"vkernel/internal/manifest"
)

// linkWarnings tells of paths in rules that lead through a symbolic link of the root file system:
// rules are about where links lead, so that such a path is none that a walk could end at.
func linkWarnings(dir string, entries []*manifest.Entry) (warnings []string, err error) {
	data, err := os.ReadFile(filepath.Join(dir, manifest.RootFile))
	if err != nil {
		return nil, err
	}
	root, err := manifest.ParseRoot(data)
	if err != nil {
		return nil, err
	}
	told := map[string]bool{}
	for _, e := range entries {
		for i := range e.Rules {
			for _, p := range e.Rules[i].Paths {
				link, target := throughLink(root, p)
				if link == "" || told[p] {
					continue
				}
				told[p] = true
				warnings = append(warnings, fmt.Sprintf("%s: %s is a link to %s, and rules are about what links lead to: nothing is at this path", quote(p), quote(link), quote(target)))
			}
		}
	}
	return warnings, nil
}

// throughLink finds the first link on the way to a path.
func throughLink(root *manifest.Root, p string) (link, target string) {
	for i := 1; i <= len(p); i++ {
		if i < len(p) && p[i] != '/' {
			continue
		}
		if n, ok := root.Lookup(p[:i]); ok && n.Type == manifest.TypeLink {
			return n.Path, n.Target
		}
	}
	return "", ""
}
