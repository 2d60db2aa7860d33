package trust

import (
	"errors"
	"os"
	"path/filepath"
)

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
