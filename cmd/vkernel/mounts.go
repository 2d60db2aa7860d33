package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"vkernel/internal/mutant"
)

// mount is one -v: a directory of the host to be seen in the container.
type mount struct {
	host, guest string
	readOnly    bool
	noExec      bool // as the manifest says: see allow
}

// parseMount reads HOST:GUEST[:ro|:rw].
func parseMount(s string) (mount, error) {
	parts := strings.Split(s, ":")
	bad := func(why string) (mount, error) {
		return mount{}, fmt.Errorf("-v %s: %s; expected HOST:GUEST or HOST:GUEST:ro", s, why)
	}
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return bad("malformed")
	}
	m := mount{guest: path.Clean(parts[1])}
	if !path.IsAbs(parts[1]) {
		return bad("GUEST must be an absolute path")
	}
	if m.guest == "/" {
		return bad("the container's root cannot be covered")
	}
	if len(parts) == 3 {
		switch parts[2] {
		case "ro":
			m.readOnly = true
		case "rw":
		default:
			return bad(fmt.Sprintf("unknown option %q", parts[2]))
		}
	}
	host, err := filepath.Abs(parts[0])
	if err == nil {
		host, err = filepath.EvalSymlinks(host)
	}
	if err != nil {
		return mount{}, fmt.Errorf("-v %s: %w", s, err)
	}
	st, err := os.Stat(host)
	if err != nil {
		return mount{}, fmt.Errorf("-v %s: %w", s, err)
	}
	if !st.IsDir() {
		return bad(parts[0] + " is not a directory")
	}
	m.host = host
	return m, nil
}

// parseMounts reads all -v and refuses those that reach what a container must never see:
// its bundle, and keys. Whoever could write there could sign for himself.
func parseMounts(specs, protected []string) ([]mount, error) {
	var mounts []mount
	for _, s := range specs {
		m, err := parseMount(s)
		if err != nil {
			return nil, err
		}
		for _, p := range protected {
			overlap, err := overlaps(m.host, p)
			if err != nil {
				return nil, fmt.Errorf("-v %s: %w", s, err)
			}
			if overlap && !mutant.Off("mount.overlap") {
				return nil, fmt.Errorf("-v %s: %s overlaps %s, which no container may reach: mount a directory that does not hold it", s, m.host, p)
			}
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// overlaps reports whether one of two paths lies in the other, whatever names and links
// lead there. A protected path that does not exist yet counts as its nearest parent does
// from above: a mount that holds its place is refused, one beside it is not.
func overlaps(mounted, protected string) (bool, error) {
	real, err := filepath.EvalSymlinks(protected)
	if os.IsNotExist(err) {
		parent := filepath.Dir(protected)
		if parent == protected {
			return false, err
		}
		if _, err := os.Stat(parent); os.IsNotExist(err) {
			return overlaps(mounted, parent)
		}
		return inside(parent, mounted)
	}
	if err != nil {
		return false, err
	}
	if in, err := inside(mounted, real); in || err != nil {
		return in, err
	}
	return inside(real, mounted)
}

// inside reports whether p is dir or below it; files are compared, not names.
func inside(p, dir string) (bool, error) {
	d, err := os.Stat(dir)
	if err != nil {
		return false, err
	}
	for ; ; p = filepath.Dir(p) {
		st, err := os.Stat(p)
		if err != nil {
			return false, err
		}
		if os.SameFile(st, d) {
			return true, nil
		}
		if p == filepath.Dir(p) {
			return false, nil
		}
	}
}
