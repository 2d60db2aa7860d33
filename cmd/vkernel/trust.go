package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"vkernel/internal/manifest"
)

// configDir is the user's configuration of vkernel: $XDG_CONFIG_HOME/vkernel.
func configDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no configuration directory: %w", err)
	}
	return filepath.Join(dir, "vkernel"), nil
}

// defaultKey is the signing key that keygen makes and sign uses if none is named.
func defaultKey(config string) string { return filepath.Join(config, "signing.key") }

// trustDir holds the public keys that are trusted without --key.
func trustDir(config string) string { return filepath.Join(config, "trust") }

// trustedKeys are the keys whose signature counts for the bundle: those of --key, else
// those of the user's configuration. A key that lies in the bundle is refused, since
// whoever changed the bundle could have put it there.
func trustedKeys(files []string, bundleDir string) ([]manifest.Key, error) {
	if len(files) > 0 {
		return readKeys(files, bundleDir)
	}
	config, err := configDir()
	if err != nil {
		return nil, fmt.Errorf("%w: name the signer's public key with --key FILE", err)
	}
	dir := trustDir(config)
	files, err = filepath.Glob(filepath.Join(dir, "*.pub"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no key is trusted: name the signer's public key with --key FILE, or put it into %s/ as NAME.pub ('vkernel keygen --trust' makes a key of yours and does that)", dir)
	}
	sort.Strings(files)
	return readKeys(files, bundleDir)
}

func readKeys(files []string, bundleDir string) ([]manifest.Key, error) {
	var keys []manifest.Key
	for _, file := range files {
		inside, err := within(file, bundleDir)
		if err != nil {
			return nil, fmt.Errorf("public key %s: %w", file, err)
		}
		if inside {
			return nil, fmt.Errorf("key %s lies in the bundle itself and so proves nothing: get the key from the signer by another way", file)
		}
		k, err := readPublicKey(file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func readPublicKey(file string) (manifest.Key, error) {
	st, err := os.Stat(file)
	if err != nil {
		return manifest.Key{}, fmt.Errorf("public key: %w", err)
	}
	if st.Mode().Perm()&0o022 != 0 {
		return manifest.Key{}, fmt.Errorf("public key %s can be written by others (mode %04o): check it, then 'chmod go-w %s'", file, st.Mode().Perm(), file)
	}
	text, err := readSmall(file)
	if err != nil {
		return manifest.Key{}, fmt.Errorf("public key: %w", err)
	}
	if _, err := manifest.ParsePrivateKey(text); err == nil {
		return manifest.Key{}, fmt.Errorf("%s is a private key: name the public one, %s.pub", file, file)
	}
	pub, err := manifest.ParsePublicKey(text)
	if err != nil {
		return manifest.Key{}, fmt.Errorf("%s: %w", file, err)
	}
	return manifest.Key{Public: pub, Source: file}, nil
}

// maxKeyFile bounds what is read as a key.
const maxKeyFile = 64 << 10

func readSmall(file string) ([]byte, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s is not a key file", file)
	}
	return os.ReadFile(file)
}

// within reports whether a file lies in dir, links resolved.
func within(file, dir string) (bool, error) {
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
