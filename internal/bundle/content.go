package bundle

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
)

// content opens the files of rootfs/ and remembers which ones were verified.
type content struct {
	dir *os.File

	mu       sync.Mutex
	verified map[string]stamp // by path
}

// stamp is what changes when somebody writes to a file of the host.
type stamp struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

func (c *content) open(path string) error {
	d, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	c.dir, c.verified = d, map[string]stamp{}
	return nil
}

func (c *content) close() {
	if c.dir != nil {
		c.dir.Close()
	}
}

// Content opens the content of a regular file of the root file system. The first time, and
// whenever the host's file has changed since, its bytes are compared with the digest in
// the list; a file that differs is a *PartError. Safe for use by many goroutines.
func (b *Bundle) Content(n *manifest.Node) (*os.File, error) {
	f, err := b.content.check(n)
	if err != nil {
		return nil, &PartError{"root file system", err}
	}
	return f, nil
}

func (c *content) check(n *manifest.Node) (_ *os.File, err error) {
	if n.Type != manifest.TypeFile {
		return nil, fmt.Errorf("%s is a %s, not a file", n.Path, n.Type)
	}
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := unix.Openat2(int(c.dir.Fd()), strings.TrimPrefix(n.Path, "/"), &how)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", n.Path, err)
	}
	f := os.NewFile(uintptr(fd), n.Path)
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	before, err := stampOf(fd, n.Path)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	known, ok := c.verified[n.Path]
	c.mu.Unlock()
	if ok && known == before {
		return f, nil
	}
	if err := copyBlob(io.Discard, f, n.Path, manifest.Blob{SHA256: *n.SHA256, Size: n.Size}); err != nil && !mutant.Off("bundle.content") {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.verified[n.Path] = before
	c.mu.Unlock()
	return f, nil
}

func stampOf(fd int, path string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return stamp{}, fmt.Errorf("%s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return stamp{}, fmt.Errorf("%s is not a regular file", path)
	}
	return stamp{uint64(st.Dev), st.Ino, st.Size, st.Mtim, st.Ctim}, nil
}
