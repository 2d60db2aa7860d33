package trust

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"vkernel/internal/mutant"
	"vkernel/internal/signature"
)

// Source says where a policy is read from.
type Source struct {
	File     string   // policy file; empty for none
	Optional bool     // File need not exist
	KeyDir   string   // its *.pub are trusted beside the policy's keys; empty for none
	Keys     []string // files of public keys: only these are trusted, and one is enough

	// Bundle is the bundle's directory: what lies in it is refused, since whoever changed
	// the bundle could have put it there.
	Bundle string
}

// NoKeyError says that a policy trusts nobody.
type NoKeyError struct{ Source Source }

func (e *NoKeyError) Error() string { return "no key is trusted" }

// LoadFile reads the policy's file alone, without the keys of other files. If it need not
// exist and does not, the policy says nothing.
func (s Source) LoadFile() (*Policy, error) {
	nothing := &Policy{Version: Version, Threshold: 1}
	if s.File == "" {
		return nothing, nil
	}
	data, err := s.read("trust policy", s.File, MaxSize)
	if s.Optional && errors.Is(err, os.ErrNotExist) {
		return nothing, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("trust policy %s: %w", s.File, err)
	}
	return p, nil
}

// Load reads the policy.
func (s Source) Load() (*Policy, error) {
	if s.KeyDir != "" && s.File != "" { // the configuration directory: in another's, the file is another's too
		if err := ownDir(filepath.Dir(s.File)); err != nil {
			return nil, err
		}
	}
	p, err := s.LoadFile()
	if err != nil {
		return nil, err
	}
	files := s.Keys
	if len(files) > 0 {
		p.Keys, p.Threshold = nil, 1
	} else if s.KeyDir != "" {
		if err := ownDir(s.KeyDir); err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(s.KeyDir, "*.pub"))
		if err != nil {
			return nil, err
		}
		files = found
	}
	slices.Sort(files)
	for _, file := range files {
		if err := s.addKey(p, file); err != nil {
			return nil, err
		}
	}
	if len(p.Keys) == 0 {
		return nil, &NoKeyError{s}
	}
	if len(p.Keys) < p.Threshold {
		return nil, fmt.Errorf("trust policy %s: threshold is %d, but there are %d keys: nothing could run", s.File, p.Threshold, len(p.Keys))
	}
	return p, nil
}

// ownDir refuses a directory of keys and policies in which others can put theirs: nobody names those
// one by one.
func ownDir(dir string) error {
	st, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("trusted keys: %w", err)
	}
	if st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("trusted keys: %s can be written by others (mode %04o): check what lies there, then 'chmod go-w %s'", dir, st.Mode().Perm(), dir)
	}
	if s, ok := st.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("trusted keys: %s belongs to user %d", dir, s.Uid)
	}
	return nil
}

// addKey adds the key in a file, unless the policy has it: then the policy says when it
// counts.
func (s Source) addKey(p *Policy, file string) error {
	k, err := s.ReadKey(file)
	if err != nil {
		return err
	}
	for i := range p.Keys {
		if p.Keys[i].key.ID() == k.ID() {
			return nil
		}
	}
	p.Keys = append(p.Keys, TrustedKey{Name: file, PEM: string(k.PEM()), key: k})
	return nil
}

// stamp changes when one of the files does.
func (s Source) stamp() string {
	files := append([]string{s.File}, s.Keys...)
	if len(s.Keys) == 0 && s.KeyDir != "" {
		found, _ := filepath.Glob(filepath.Join(s.KeyDir, "*.pub"))
		files = append(files, found...)
	}
	text := ""
	for _, f := range files {
		var st unix.Stat_t
		if err := unix.Stat(f, &st); err != nil {
			text += fmt.Sprintln(f, err)
			continue
		}
		text += fmt.Sprintln(f, st.Dev, st.Ino, st.Size, st.Mode, st.Mtim, st.Ctim)
	}
	return text
}

// maxKeyFile bounds what is read as a key.
const maxKeyFile = 64 << 10

// ReadKey reads the public key in a file, which must not be anybody's to write.
func (s Source) ReadKey(file string) (signature.Key, error) {
	text, err := s.read("public key", file, maxKeyFile)
	if err != nil {
		return signature.Key{}, err
	}
	if private, _ := signature.Private(text); private {
		return signature.Key{}, fmt.Errorf("%s is a private key: name the public one, %s.pub", file, file)
	}
	k, err := signature.ParsePublic(text)
	if err != nil {
		return signature.Key{}, fmt.Errorf("%s: %w", file, err)
	}
	k.Source = file
	return k, nil
}

// read reads a file that decides what is trusted. It is opened once: what was looked at is
// what was read.
func (s Source) read(what, file string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	inside, err := within(file, s.Bundle)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", what, file, err)
	case inside && !mutant.Off("trust.inside"):
		return nil, fmt.Errorf("%s %s lies in the bundle itself and so proves nothing: get it from the signer by another way", what, file)
	case !st.Mode().IsRegular() || st.Size() > limit:
		return nil, fmt.Errorf("%s %s: not a regular file of at most %d bytes", what, file, limit)
	case st.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("%s %s can be written by others (mode %04o): check it, then 'chmod go-w %s'", what, file, st.Mode().Perm(), file)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s %s: more than %d bytes", what, file, limit)
	}
	return data, err
}

// within reports whether a file lies in dir, links resolved.
func within(file, dir string) (bool, error) {
	if dir == "" {
		return false, nil
	}
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return false, err
	}
	d, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	file, err = filepath.Abs(file)
	if err != nil {
		return false, err
	}
	for p := file; ; p = filepath.Dir(p) {
		if st, err := os.Stat(p); err == nil && os.SameFile(st, d) {
			return true, nil
		}
		if p == filepath.Dir(p) {
			return false, nil
		}
	}
}
