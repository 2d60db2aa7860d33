package toolchain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"syscall"
)

// digest collects what an entry is made of into its key.
type digest struct{ parts []string }

func (d *digest) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	d.parts = append(d.parts, fmt.Sprintf("%s %x", name, sum))
}

// addTree adds all files below dir of a file system, under their paths.
func (d *digest) addTree(fsys fs.FS, dir string) error {
	return fs.WalkDir(fsys, dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, path)
		if err != nil {
			return err
		}
		d.add(path, content)
		return nil
	})
}

func (d *digest) key() string {
	sort.Strings(d.parts)
	h := sha256.New()
	for _, p := range d.parts {
		fmt.Fprintln(h, p)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// cached gives the directory of the entry key of a kind. If it does not exist, build fills
// a fresh directory, which becomes the entry if build succeeds.
func (t *Toolchain) cached(kind, key string, build func(dir string) error) (string, error) {
	parent := filepath.Join(t.Cache, kind)
	entry := filepath.Join(parent, key)
	if isDir(entry) {
		return entry, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	unlock, err := lock(entry + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(entry) {
		return entry, nil // somebody else has built it while we waited
	}
	temp, err := os.MkdirTemp(parent, key+".tmp")
	if err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := build(temp); err != nil {
		return "", err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	if err := os.Rename(temp, entry); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	return entry, nil
}

// lock waits for the exclusive lock on a file, made if need be.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != syscall.EINTR {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// memo keeps the value of an expensive question about a file of the machine, such as a
// compiler's version, until the file changes.
func (t *Toolchain) memo(question, file string, answer func() (string, error)) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	var d digest
	d.add(question, fmt.Appendf(nil, "%s %d %d", file, info.Size(), info.ModTime().UnixNano()))
	path := filepath.Join(t.Cache, "memo", d.key())
	if b, err := os.ReadFile(path); err == nil {
		return string(b), nil
	}
	value, err := answer()
	if err != nil {
		return "", err
	}
	return value, writeFile(path, []byte(value), 0o644)
}

// writeFile writes a file in one step, making its directory.
func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
