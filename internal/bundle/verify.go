package bundle

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
	"vkernel/internal/verify"
)

// Checked is one line of what Verify found in order.
type Checked struct {
	Part   string `json:"part"`
	Detail string `json:"detail"`
}

// Verify checks everything that Open checks and what Open leaves for later: each file of
// the root file system, that nothing else lies there, and that megabinary, native code and
// executables fit together; then it calls more. It calls found after each part that is in
// order. Without a policy, signatures are not looked at.
func Verify(dir string, policy *trust.Policy, found func(Checked), more func(b *Bundle) error) error {
	b, err := open(dir, policy, Options{PrivateCode: true})
	if err != nil {
		return err
	}
	defer b.Close()
	if policy != nil {
		found(Checked{"signature", "by key " + signature.Describe(b.Signers)})
	}
	found(Checked{"manifest", fmt.Sprintf("%s, SHA-256 %s", b.Manifest.Name, b.Digest)})
	if _, err := b.Modules(); err != nil {
		return err
	}
	found(Checked{"megabinary", fmt.Sprintf("%d bytes, modules: %d", b.Manifest.Megabinary.Size, len(b.Manifest.Megabinary.Modules))})
	meta, err := readMeta(b.Code)
	if err != nil {
		return &PartError{"native code", err}
	}
	if err := b.CheckPrograms(meta.Programs); err != nil {
		return err
	}
	found(Checked{"native code", fmt.Sprintf("%s, %d bytes, programs: %d", Arch, b.Native.Size, len(meta.Programs))})
	start := time.Now()
	stats, err := b.verifyText()
	if err != nil {
		return &PartError{"native code", err}
	}
	found(Checked{"text", fmt.Sprintf("text verified: %d functions, %d bytes, %d ms", stats.Funcs, stats.Bytes, time.Since(start).Milliseconds())})
	if err := b.checkTree(); err != nil {
		return &PartError{"root file system", err}
	}
	found(Checked{"root file system", fmt.Sprintf("files, directories and links: %d", len(b.Root.Files))})
	if err := b.checkExecutables(); err != nil {
		return &PartError{"executables", err}
	}
	found(Checked{"executables", fmt.Sprintf("contents: %d, entry points: %d", len(b.Manifest.Executables), len(b.Manifest.Entries))})
	return more(b)
}

// verifyText proves that the native code stays where it may be.
func (b *Bundle) verifyText() (verify.Stats, error) {
	data := make([]byte, b.Native.Size)
	if _, err := b.Code.ReadAt(data, 0); err != nil {
		return verify.Stats{}, err
	}
	code, err := verify.Parse(data)
	if err != nil {
		return verify.Stats{}, err
	}
	return verify.Text(code)
}

// readMeta reads the description of native code, whose digest must have been checked.
func readMeta(code *os.File) (*layout.Meta, error) {
	f, err := elf.NewFile(code)
	if err != nil {
		return nil, fmt.Errorf("not an ELF file: %w", err)
	}
	s := f.Section(layout.MetaSection)
	if s == nil {
		return nil, fmt.Errorf("no section %s", layout.MetaSection)
	}
	data, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", layout.MetaSection, err)
	}
	meta := new(layout.Meta)
	if err := json.Unmarshal(data, meta); err != nil {
		return nil, fmt.Errorf("section %s: %w", layout.MetaSection, err)
	}
	if meta.Version != layout.Version {
		return nil, fmt.Errorf("ABI %q, this vkernel runs %q", meta.Version, layout.Version)
	}
	return meta, nil
}

// checkTree compares rootfs/ with its list, both ways.
func (b *Bundle) checkTree() error {
	root := filepath.Join(b.Dir, RootDir)
	for i := range b.Root.Files {
		if err := b.checkNode(root, &b.Root.Files[i]); err != nil {
			return err
		}
	}
	return filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		name := strings.TrimPrefix(p, root)
		if _, ok := b.Root.Lookup(name); !ok {
			return fmt.Errorf("%s is not in %s", name, manifest.RootFile)
		}
		return nil
	})
}

func (b *Bundle) checkNode(root string, n *manifest.Node) error {
	path := filepath.Join(root, n.Path)
	switch n.Type {
	case manifest.TypeFile:
		f, err := b.content.check(n)
		if err == nil {
			f.Close()
		}
		return err
	case manifest.TypeLink:
		if target, err := os.Readlink(path); err != nil || target != n.Target {
			return errors.Join(fmt.Errorf("%s leads to %q, the manifest says %q", n.Path, target, n.Target), err)
		}
	default:
		if st, err := os.Lstat(path); err != nil {
			return err
		} else if !st.IsDir() {
			return fmt.Errorf("%s is not a directory", n.Path)
		}
	}
	return nil
}

// checkExecutables: each executable file of the list is in the root where the manifest
// says it was seen. (Only digests are ever consulted; this catches a builder's mistake.)
func (b *Bundle) checkExecutables() error {
	for i := range b.Manifest.Executables {
		x := &b.Manifest.Executables[i]
		for _, p := range x.Paths {
			n, ok := b.Root.Lookup(p)
			if !ok || n.Type != manifest.TypeFile || *n.SHA256 != x.SHA256 {
				return fmt.Errorf("%s is not the file with SHA-256 %s", p, x.SHA256)
			}
		}
	}
	return nil
}
