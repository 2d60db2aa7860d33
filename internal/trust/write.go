package trust

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Change reads the policy file of a source, without the keys of other files, lets do change
// it, and puts it in place. Others who do so at the same time wait, so that no revocation
// is lost. A file that does not exist is made.
func (s Source) Change(do func(p *Policy) error) error {
	dir := filepath.Dir(s.File)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() // and with it the lock
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("locking %s: %w", dir, err)
	}
	s.Optional = true
	p, err := s.LoadFile()
	if err != nil {
		return err
	}
	if err := do(p); err != nil {
		return err
	}
	return p.WriteFile(s.File)
}

// WriteFile puts a policy in place in one step, so that a Watcher never sees half of it.
func (p *Policy) WriteFile(file string) error {
	data, err := p.Marshal()
	if err != nil {
		return err
	}
	if _, err := Parse(data); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
