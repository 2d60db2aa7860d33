package toolchain

import (
	"context"
	"fmt"
	"os"
)

// Unpack replaces dir by the upstream source of a recipe, as its build commands find it:
// verified and patched. Files keep the times of the tarball.
func (t *Toolchain) Unpack(ctx context.Context, r *Recipe, dir string) error {
	if r.Source == nil {
		return fmt.Errorf("recipe %s: a program of our own has no upstream source", r.Name)
	}
	tarball, err := t.fetch(ctx, *r.Source)
	if err != nil {
		return err
	}
	temp := dir + ".new"
	for _, d := range []string{temp, dir} {
		if err := os.RemoveAll(d); err != nil {
			return err
		}
	}
	if err := unpack(ctx, tarball, temp); err != nil {
		return err
	}
	if err := applyPatches(ctx, t.Guest, r.folder, temp); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}
