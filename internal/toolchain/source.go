package toolchain

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Source is the upstream tarball of a Debian source package. The SHA-256 is what is pinned:
// the package's version says where to look first.
type Source struct {
	Package string
	Version string
	Tarball string // file name, musl_1.2.3.orig.tar.gz
	SHA256  string
}

// fetch gives the path of the verified tarball.
func (t *Toolchain) fetch(ctx context.Context, s Source) (string, error) {
	dir, err := t.cached("source", s.SHA256, func(dir string) error {
		t.progress("fetching %s %s", s.Package, s.Version)
		if err := t.download(ctx, s, dir); err != nil {
			return fmt.Errorf("source of %s: %w\n(by hand: put %s, SHA-256 %s, into %s)",
				s.Package, err, s.Tarball, s.SHA256, filepath.Join(t.Cache, "source", s.SHA256))
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, s.Tarball)
	if err := checkSHA256(path, s.SHA256); err != nil {
		return "", err
	}
	return path, nil
}

// checkSHA256 compares the digest of a file.
func checkSHA256(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s: SHA-256 is %s, expected %s", path, got, want)
	}
	return nil
}

// unpack extracts the tarball into dir, without its top folder.
func unpack(ctx context.Context, tarball, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	_, err := run(ctx, dir, "tar", "-xf", tarball, "--strip-components=1", "--no-same-owner")
	return err
}

// apt is apt-get with a state of its own: it needs no root and leaves the machine's
// configuration and lists alone.
type apt struct {
	dir     string
	options []string
}

func (t *Toolchain) newApt() (*apt, error) {
	a := &apt{dir: filepath.Join(t.Cache, "apt")}
	codename, err := debianCodename("/etc/os-release")
	if err != nil {
		return nil, err
	}
	sources, err := machineSources("/etc/apt", codename)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for _, s := range sources {
		text.WriteString(s.stanza())
	}
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "sources.list.d"} {
		if err := os.MkdirAll(filepath.Join(a.dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	if err := writeFile(filepath.Join(a.dir, "sources.list.d", "sources.sources"), []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	a.options = []string{
		"-o", "Dir::Etc::SourceList=/dev/null",
		"-o", "Dir::Etc::SourceParts=" + filepath.Join(a.dir, "sources.list.d"),
		"-o", "Dir::State::Lists=" + filepath.Join(a.dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "APT::Sandbox::User=", // the download directory is ours, not _apt's
		"-o", "Acquire::Languages=none",
	}
	return a, nil
}

func (a *apt) run(ctx context.Context, dir, tool string, args ...string) ([]byte, error) {
	return run(ctx, dir, tool, append(append([]string{}, a.options...), args...)...)
}

// download fetches the package's files into dir and leaves the tarball there. Lists of an
// earlier run are tried first, since fetching them takes longer than the package.
func (t *Toolchain) download(ctx context.Context, s Source, dir string) error {
	if err := os.MkdirAll(filepath.Join(t.Cache, "apt"), 0o755); err != nil {
		return err
	}
	unlock, err := lock(filepath.Join(t.Cache, "apt", "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	a, err := t.newApt()
	if err != nil {
		return err
	}
	if a.source(ctx, s, dir) == nil {
		return nil
	}
	if _, err := a.run(ctx, dir, "apt-get", "update"); err != nil {
		return err
	}
	return a.source(ctx, s, dir)
}

// source fetches the tarball, and nothing else, of the pinned version or of any other that has the same.
func (a *apt) source(ctx context.Context, s Source, dir string) error {
	out, err := a.run(ctx, dir, "apt-cache", "showsrc", "--only-source", s.Package)
	if err != nil {
		return err
	}
	versions := versionsWith(out, s.SHA256)
	if len(versions) == 0 {
		return fmt.Errorf("the mirror has no version of %s whose upstream tarball is %s", s.Package, s.SHA256)
	}
	version := versions[0]
	for _, v := range versions {
		if v == s.Version {
			version = v
		}
	}
	if _, err := a.run(ctx, dir, "apt-get", "source", "--download-only", "--tar-only", "--only-source", s.Package+"="+version); err != nil {
		return err
	}
	return checkSHA256(filepath.Join(dir, s.Tarball), s.SHA256)
}

// versionsWith reads the stanzas of apt-cache showsrc and gives the versions that list a
// file of the digest.
func versionsWith(showsrc []byte, sum string) []string {
	var versions []string
	version := ""
	sc := bufio.NewScanner(bytes.NewReader(showsrc))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		switch {
		case len(f) == 2 && f[0] == "Version:":
			version = f[1]
		case len(f) == 3 && f[0] == sum:
			versions = append(versions, version)
		}
	}
	return versions
}
