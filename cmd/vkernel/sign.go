package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/manifest"
)

func signCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign BUNDLE",
		Short: "Sign a bundle's manifest",
		Long: `Signs the exact bytes of BUNDLE/manifest.json and writes the signature, 64 raw bytes, to
BUNDLE/manifest.json.sig. An older signature is replaced.

By signing you vouch for all that the manifest names by digest: programs, scripts, the
root file system and the native code, which runs with the rights of vkernel itself. Read
'vkernel inspect BUNDLE' before you sign what you did not build.

Others can check the signature without vkernel:

  openssl pkeyutl -verify -pubin -inkey release.key.pub -rawin \
      -in BUNDLE/manifest.json -sigfile BUNDLE/manifest.json.sig`,
		Example: `  vkernel sign app.vk                      with the default key of 'vkernel keygen'
  vkernel sign --key release.key app.vk`,
		Args: args(1, 1, "one bundle"),
	}
	key := cmd.Flags().String("key", "", "private key `FILE` (default signing.key of the configuration directory)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := sign(args[0], *key)
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), s)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "signed %s (manifest SHA-256 %s) with key %s\n", s.Bundle, s.Digest, s.Key.Short())
		return nil
	}
	return cmd
}

// signed is what sign says.
type signed struct {
	Bundle string          `json:"bundle"`
	Digest manifest.Digest `json:"manifest_sha256"`
	Key    manifest.Digest `json:"key"`
}

func sign(dir, keyFile string) (signed, error) {
	data, err := bundle.ReadManifest(dir)
	if err != nil {
		return signed{}, err
	}
	if _, err := manifest.Parse(data); err != nil {
		return signed{}, fmt.Errorf("not signed: %w: build the bundle again", err)
	}
	key, err := privateKey(keyFile)
	if err != nil {
		return signed{}, err
	}
	if err := writeAtomic(filepath.Join(dir, manifest.SignatureFile), manifest.Sign(data, key)); err != nil {
		return signed{}, err
	}
	pub := manifest.Key{Public: key.Public().(ed25519.PublicKey)}
	return signed{Bundle: dir, Digest: manifest.Sum(data), Key: pub.ID()}, nil
}

func privateKey(file string) (ed25519.PrivateKey, error) {
	if file == "" {
		config, err := configDir()
		if err != nil {
			return nil, fmt.Errorf("%w: name the private key with --key FILE", err)
		}
		file = defaultKey(config)
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no key to sign with: make one with 'vkernel keygen --trust', or name one with --key FILE")
		}
	}
	text, err := readSmall(file)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	if _, err := manifest.ParsePublicKey(text); err == nil {
		return nil, fmt.Errorf("%s is a public key: name the private one, %s", file, strings.TrimSuffix(file, ".pub"))
	}
	st, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("private key %s can be read by others (mode %04o): 'chmod 600 %s'", file, st.Mode().Perm(), file)
	}
	key, err := manifest.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// writeAtomic writes a file beside its place and renames it.
func writeAtomic(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
