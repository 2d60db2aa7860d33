package build

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"vkernel/internal/manifest"
)

// Library is a directory of files that an interpreter reads by itself and that its secure bits are to
// allow: whoever checks a file with AT_EXECVE_CHECK is told yes if the manifest lists it and it has an
// x bit. All files in it are listed, as scripts of the interpreter, and get an x bit for whoever may
// read them. Without a #! line execve(2) does not start them.
type Library struct {
	Interpreter string // path in the container
	Dir         string // path in the container
}

// ParseLibrary reads INTERPRETER=DIR.
func ParseLibrary(s string) (Library, error) {
	interpreter, dir, ok := strings.Cut(s, "=")
	if !ok || !path.IsAbs(interpreter) || !path.IsAbs(dir) || path.Clean(dir) == "/" {
		return Library{}, fmt.Errorf("%q: expected INTERPRETER=DIR, both absolute paths in the container", s)
	}
	return Library{Interpreter: interpreter, Dir: path.Clean(dir)}, nil
}

// library is the one that a file lies in; nil if none.
func (b *builder) library(name string) *Library {
	for i, l := range b.Libraries {
		if strings.HasPrefix(name, l.Dir+"/") {
			return &b.Libraries[i]
		}
	}
	return nil
}

// noteLibrary lists a file of a library, unless it is a program or says itself who interprets it.
func (b *builder) noteLibrary(n *manifest.Node, head []byte, l *Library) bool {
	if bytes.HasPrefix(head, []byte("\x00asm")) || bytes.HasPrefix(head, []byte("#!")) {
		return false
	}
	b.list(n, l.Interpreter)
	return true
}

// checkLibraries refuses libraries that are not there, as a wrong name would list nothing.
func (b *builder) checkLibraries(root *manifest.Root) error {
	for _, l := range b.Libraries {
		if n, err := resolve(root, l.Dir); err != nil {
			return fmt.Errorf("library %s: %w", l.Dir, err)
		} else if n.Type != manifest.TypeDir || n.Path != l.Dir {
			return fmt.Errorf("library %s: not a directory, or below a symbolic link: expected %s", l.Dir, n.Path)
		}
		if err := b.executable(root, l.Interpreter); err != nil {
			return fmt.Errorf("library %s: its interpreter %s: %w", l.Dir, l.Interpreter, err)
		}
	}
	return nil
}
