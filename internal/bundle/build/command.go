package build

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"vkernel/internal/manifest"
)

// checkCommand refuses a root directory in which the command that `vkernel run` starts
// is no executable.
func (b *builder) checkCommand(root *manifest.Root) error {
	init := b.Command[0]
	err := b.executable(root, init)
	if err == nil {
		return nil
	}
	have := "it holds no executable at all: put WebAssembly programs with an x bit into it"
	if list := b.somePaths(5); len(list) > 0 {
		have = "choose what to start with --cmd; there are " + strings.Join(list, ", ")
	}
	return fmt.Errorf("the root directory has no init: %s: %w; %s", init, err, have)
}

// checkInterpreters gives notice of scripts that cannot run.
func (b *builder) checkInterpreters(root *manifest.Root) {
	for _, x := range b.sortedScripts() {
		if err := b.executable(root, x.Interpreter); err != nil {
			b.Notice(fmt.Sprintf("%s: its interpreter %s: %v", x.Paths[0], x.Interpreter, err))
		}
	}
}

// executable says why the file at p cannot be executed.
func (b *builder) executable(root *manifest.Root, p string) error {
	if !path.IsAbs(p) {
		return errors.New("not an absolute path")
	}
	n, err := resolve(root, p)
	if err != nil {
		return err
	}
	switch {
	case n.Type != manifest.TypeFile:
		return errors.New("not a file")
	case n.Mode&0o111 == 0:
		return errors.New("not executable: it has no x bit")
	case b.byDigest[*n.SHA256] == nil && b.scripts[*n.SHA256] == nil:
		return errors.New("neither a WebAssembly program nor a #! script")
	}
	return nil
}

// resolve follows symbolic links, as the kernel will.
func resolve(root *manifest.Root, p string) (*manifest.Node, error) {
	links := 0
	done, rest := "/", strings.Split(p, "/")
	node := &manifest.Node{Path: "/", Type: manifest.TypeDir}
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		next := path.Join(done, name) // ".." of the root is the root
		if next == "/" {
			done, node = next, &manifest.Node{Path: "/", Type: manifest.TypeDir}
			continue
		}
		n, ok := root.Lookup(next)
		if !ok {
			return nil, errors.New("no such file")
		}
		if n.Type == manifest.TypeLink {
			if links++; links > 40 {
				return nil, errors.New("too many levels of symbolic links")
			}
			if path.IsAbs(n.Target) {
				done = "/"
			}
			rest = append(strings.Split(n.Target, "/"), rest...)
			continue
		}
		done, node = next, n
	}
	return node, nil
}

// somePaths lists a few executables, programs first.
func (b *builder) somePaths(limit int) []string {
	var list []string
	for _, p := range b.programs {
		list = append(list, p.paths[0])
	}
	for _, x := range b.sortedScripts() {
		list = append(list, x.Paths[0])
	}
	if len(list) > limit {
		list = append(list[:limit], "...")
	}
	return list
}

func (b *builder) sortedScripts() []*manifest.Executable {
	list := make([]*manifest.Executable, 0, len(b.scripts))
	for _, x := range b.scripts {
		slices.Sort(x.Paths)
		list = append(list, x)
	}
	slices.SortFunc(list, func(x, y *manifest.Executable) int { return strings.Compare(x.Paths[0], y.Paths[0]) })
	return list
}
