package build

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"vkernel/internal/bundle"
	"vkernel/internal/manifest"
)

// fileID identifies a file of the host, to find hard links.
type fileID struct{ dev, ino uint64 }

// copyTree copies the root directory to the stage and lists it, programs and scripts
// included.
func (b *builder) copyTree(ctx context.Context) error {
	dst := filepath.Join(b.stage, bundle.RootDir)
	if err := os.Mkdir(dst, 0o755); err != nil {
		return err
	}
	return filepath.WalkDir(b.Root, func(src string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || src == b.Root {
			return err
		}
		rel, err := filepath.Rel(b.Root, src)
		if err != nil {
			return err
		}
		return b.copyNode(src, filepath.Join(dst, rel), "/"+rel)
	})
}

// copyNode copies src to dst; name is its path in the container.
func (b *builder) copyNode(src, dst, name string) error {
	if !utf8.ValidString(name) || len(name) > manifest.MaxString {
		return fmt.Errorf("%q: names must be UTF-8 of at most %d bytes: rename it", src, manifest.MaxString)
	}
	var st unix.Stat_t
	if err := unix.Lstat(src, &st); err != nil {
		return fmt.Errorf("%s: %w", src, err)
	}
	n := manifest.Node{Path: name, Mode: manifest.Mode(st.Mode & 0o7777)}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		n.Type = manifest.TypeDir
		if err := os.Mkdir(dst, 0o755); err != nil {
			return err
		}
	case unix.S_IFLNK:
		target, err := os.Readlink(src)
		if err != nil {
			return err
		}
		if !utf8.ValidString(target) {
			return fmt.Errorf("%s leads to %q, which is not UTF-8: rename it", src, target)
		}
		n.Type, n.Mode, n.Target = manifest.TypeLink, 0o777, target
		if err := os.Symlink(target, dst); err != nil {
			return err
		}
	case unix.S_IFREG:
		n.Type = manifest.TypeFile
		if b.library(name) != nil {
			n.Mode |= n.Mode & 0o444 >> 2
			st.Nlink = 1 // its other names may have another mode
		}
		if err := b.copyFile(src, dst, &n, &st); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s is a device, FIFO or socket, which a bundle cannot hold: remove it (the kernel provides /dev)", src)
	}
	b.nodes = append(b.nodes, n)
	return nil
}

// copyFile copies a regular file, or links it to a copy made before.
func (b *builder) copyFile(src, dst string, n *manifest.Node, st *unix.Stat_t) error {
	f, err := os.OpenFile(src, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	first, linked := b.links[fileID{uint64(st.Dev), st.Ino}]
	linked = linked && st.Nlink > 1
	var w io.Writer = io.Discard
	if linked {
		n.Hardlink = first
		if err := os.Link(filepath.Join(b.stage, bundle.RootDir, first), dst); err != nil {
			return err
		}
	} else {
		perm := os.FileMode(0o644) // set-id bits are in the list and never on the host
		if n.Mode&0o111 != 0 {
			perm = 0o755
		}
		out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if err != nil {
			return err
		}
		defer out.Close()
		if err := out.Chmod(perm); err != nil { // whatever the umask
			return err
		}
		w = out
		if st.Nlink > 1 {
			b.links[fileID{uint64(st.Dev), st.Ino}] = n.Path
		}
	}
	return b.copyContent(w, f, n)
}

// copyContent copies f to w, hashes it, and takes note if it can be executed.
func (b *builder) copyContent(w io.Writer, f *os.File, n *manifest.Node) error {
	h := sha256.New()
	executable := n.Mode&0o111 != 0
	head := &prefix{limit: headSize}
	size, err := io.Copy(io.MultiWriter(w, h, head), f)
	if err != nil {
		return fmt.Errorf("copying %s: %w", f.Name(), err)
	}
	d := manifest.Digest(h.Sum(nil))
	n.Size, n.SHA256 = uint64(size), &d
	if l := b.library(n.Path); l != nil && executable && b.noteLibrary(n, head.data, l) || !executable || size == 0 {
		return nil
	}
	return b.noteExecutable(n, head.data, func() ([]byte, error) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		if err == nil && manifest.Sum(data) != d {
			err = fmt.Errorf("%s changed while it was read", f.Name())
		}
		return data, err
	})
}

// headSize is how much of a file tells what it is; Linux reads as much for #!.
const headSize = 256

// prefix is a writer that keeps the first limit bytes.
type prefix struct {
	data  []byte
	limit int
}

func (p *prefix) Write(data []byte) (int, error) {
	if room := p.limit - len(p.data); room > 0 {
		p.data = append(p.data, data[:min(room, len(data))]...)
	}
	return len(data), nil
}
