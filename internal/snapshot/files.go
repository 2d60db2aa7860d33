package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// files is what a snapshot is written through. A test puts something between that fails.
type files interface {
	Mkdir(name string) error // an existing directory is no error
	Create(name string) (file, error)
	Rename(from, to string) error
	Remove(name string) error
	Flush(dir string) error // all that was written there is on the disk, names too
}

// file is a new file.
type file interface {
	io.WriteCloser
	Sync() error
}

// host is the host's files.
type host struct{}

func (host) Mkdir(name string) error {
	if err := os.Mkdir(name, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

func (host) Create(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (host) Rename(from, to string) error { return os.Rename(from, to) }

func (host) Remove(name string) error { return os.Remove(name) }

// Flush is syncfs(2): thousands of chunks cost one wait.
func (host) Flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}

// lockDir locks a directory of snapshots: a writer alone, readers together.
func lockDir(dir string, write bool) (*os.File, error) {
	how, flags := unix.LOCK_SH, os.O_RDONLY
	if write {
		how, flags = unix.LOCK_EX, os.O_RDONLY|os.O_CREATE
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), flags|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is no regular file: %w", lockName, errors.Join(fs.ErrInvalid, err))
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrBusy
	}
	return f, nil
}

// owned refuses a directory in which another user can put something in the place of what is written or removed there.
func owned(dir string) error {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return fmt.Errorf("snapshot: %s: %w", dir, err)
	}
	if uid := int(st.Uid); uid != os.Geteuid() && uid != 0 || st.Mode&0o002 != 0 {
		return fmt.Errorf("snapshot: %s: it belongs to user %d with mode %o, so another user could change what is written there: name a directory of yours", dir, uid, st.Mode&0o7777)
	}
	return nil
}

// read reads a regular file of a bounded size.
func read(name string, most int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > most {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errSize}
	}
	return io.ReadAll(io.LimitReader(f, most))
}
