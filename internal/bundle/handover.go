package bundle

import (
	"os"

	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
)

// A launcher opens a bundle, and another process runs what is in it: that gets the verified
// bytes and the open directory, never a path.

// ContentDir is the open directory of the root file system's contents.
func (b *Bundle) ContentDir() *os.File { return b.content.dir }

// ManifestBytes are the exact bytes of the manifest, whose signature was checked.
func (b *Bundle) ManifestBytes() []byte { return b.Signed.Manifest }

// RootBytes are the bytes of the list of the root file system, whose digest was checked.
func (b *Bundle) RootBytes() []byte { return b.rootData }

// Contents opens the contents of a root file system as Bundle.Content does.
type Contents struct{ content content }

// NewContents takes over the open directory of the contents.
func NewContents(dir *os.File) *Contents {
	return &Contents{content{dir: dir, verified: map[string]stamp{}}}
}

// Open opens the verified content of a regular file.
func (c *Contents) Open(n *manifest.Node) (*os.File, error) {
	f, err := c.content.check(n)
	if err != nil {
		return nil, &PartError{"root file system", err}
	}
	return f, nil
}

// CheckPrograms is Bundle.CheckPrograms for a verified manifest.
func CheckPrograms(m *manifest.Manifest, programs []layout.Program) error {
	return checkPrograms(m, programs)
}
