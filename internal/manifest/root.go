package manifest

import (
	"bytes"
	"fmt"
	"path"
	"sort"
	"strings"

	"vkernel/internal/manifest/strictjson"
)

// Root is the content of rootfs.json: everything below /, sorted by path in byte order of
// their components, each directory before what is in it. Everything belongs to user and
// group 0.
type Root struct {
	Version int    `json:"version"`
	Files   []Node `json:"files"`

	index map[string]int32 // path -> index in Files
}

// Node types.
const (
	TypeDir  = "dir"
	TypeFile = "file"
	TypeLink = "link"
)

// Node is one file, directory or symbolic link of the root file system.
type Node struct {
	Path   string  `json:"path"` // absolute and clean
	Type   string  `json:"type"` // one of Type*
	Mode   Mode    `json:"mode"`
	Size   uint64  `json:"size,omitempty"`   // TypeFile
	SHA256 *Digest `json:"sha256,omitempty"` // TypeFile
	Target string  `json:"target,omitempty"` // TypeLink

	// Hardlink is the first path of a TypeFile that has several names, for all but the
	// first. Mode, Size and SHA256 are repeated.
	Hardlink string `json:"hardlink,omitempty"`
}

// ParseRoot parses the bytes of rootfs.json, whose digest must have been checked before.
func ParseRoot(data []byte) (*Root, error) {
	r := new(Root)
	if len(data) > MaxRootSize {
		return nil, fmt.Errorf("%s: %d bytes, the limit is %d", RootFile, len(data), MaxRootSize)
	}
	if err := strictjson.Decode(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", RootFile, err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", RootFile, err)
	}
	return r, nil
}

// NewRoot makes a Root of files, which it sorts.
func NewRoot(files []Node) (*Root, error) {
	sort.Slice(files, func(i, j int) bool { return pathLess(files[i].Path, files[j].Path) })
	r := &Root{Version: RootVersion, Files: files}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// Lookup returns the node at an absolute, clean path; no links are followed. The root
// directory itself is not listed.
func (r *Root) Lookup(p string) (*Node, bool) {
	i, ok := r.index[p]
	if !ok {
		return nil, false
	}
	return &r.Files[i], true
}

// Marshal gives the bytes of rootfs.json, one node a line.
func (r *Root) Marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"version\": %d,\n  \"files\": [", r.Version)
	for i := range r.Files {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		b.Write(compact(&r.Files[i]))
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes()
}

// pathLess orders paths so that a directory is directly followed by what it holds.
func pathLess(a, b string) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return a[i] == '/' || b[i] != '/' && a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

func (r *Root) check() error {
	if r.Version != RootVersion {
		return badVersion(r.Version, RootVersion)
	}
	if len(r.Files) > MaxFiles {
		return fieldError("files", "%d nodes, the limit is %d", len(r.Files), MaxFiles)
	}
	r.index = make(map[string]int32, len(r.Files))
	for i := range r.Files {
		n := &r.Files[i]
		if err := n.check(fmt.Sprintf("files[%d]", i)); err != nil {
			return err
		}
		if i > 0 && !pathLess(r.Files[i-1].Path, n.Path) {
			return fieldError(fmt.Sprintf("files[%d].path", i), "%q is out of order or given twice", n.Path)
		}
		if dir := path.Dir(n.Path); dir != "/" {
			if p, ok := r.index[dir]; !ok || r.Files[p].Type != TypeDir {
				return fieldError(fmt.Sprintf("files[%d].path", i), "%q: its directory is not listed before it", n.Path)
			}
		}
		if n.Hardlink != "" && !r.sameFile(n) {
			return fieldError(fmt.Sprintf("files[%d].hardlink", i), "%q is not an equal file that is listed before", n.Hardlink)
		}
		r.index[n.Path] = int32(i)
	}
	return nil
}

// sameFile reports whether n's hard link leads to an equal file, listed before, that is
// not a hard link itself.
func (r *Root) sameFile(n *Node) bool {
	i, ok := r.index[n.Hardlink]
	if !ok || n.Type != TypeFile {
		return false
	}
	f := &r.Files[i]
	return f.Type == TypeFile && f.Hardlink == "" && f.Mode == n.Mode && f.Size == n.Size && *f.SHA256 == *n.SHA256
}

func (n *Node) check(field string) error {
	if err := checkPath(n.Path); err != nil || n.Path == "/" {
		return fieldError(field+".path", "%q is not an absolute, clean path below /", n.Path)
	}
	if n.Mode > 0o7777 {
		return fieldError(field+".mode", "%s is above 07777", n.Mode)
	}
	file, link := n.Type == TypeFile, n.Type == TypeLink
	switch {
	case !file && !link && n.Type != TypeDir:
		return fieldError(field+".type", "%q, expected dir, file or link", n.Type)
	case file != (n.SHA256 != nil):
		return fieldError(field+".sha256", "a file has a digest and nothing else has")
	case !file && n.Size != 0:
		return fieldError(field+".size", "only a file has a size")
	case link != (n.Target != ""):
		return fieldError(field+".target", "a link has a target and nothing else has")
	case strings.IndexByte(n.Target, 0) >= 0:
		return fieldError(field+".target", "holds a NUL byte")
	}
	return nil
}

// checkPath reports whether p is an absolute path in its shortest form.
func checkPath(p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p || strings.IndexByte(p, 0) >= 0 {
		return fmt.Errorf("%q is not an absolute, clean path", p)
	}
	return nil
}
