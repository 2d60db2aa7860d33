package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vkernel/internal/manifest"
	"vkernel/internal/signature"
)

func keygenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keygen [FILE]",
		Short: "Make a key to sign bundles with",
		Long: `Makes a key: the private key in FILE, mode 0600, and the public key in FILE.pub, both in
PEM, so that openssl reads them too. Files that exist are never overwritten. Without FILE
the key is signing.key in the configuration directory ($XDG_CONFIG_HOME/vkernel, else
~/.config/vkernel), where 'vkernel sign' looks for it.

With a passphrase the private key is encrypted (PKCS #8, scrypt and AES-256), so that a
copy of the file alone signs nothing. ` + passphraseHelp + `

Keep the private key to yourself, out of any bundle or source tree. Give the public key
to those who shall run your bundles; they name it with --key, or add it to their policy
with 'vkernel trust add'. To replace a key, make the new one, have it trusted beside the
old one, sign with both ('vkernel sign --add'), and then take the old one away.`,
		Example: `  vkernel keygen --trust                     make the default key and trust it on this machine
  vkernel keygen release.key                 make release.key and release.key.pub
  vkernel keygen --type ecdsa-p256 ci.key    for tools that know no Ed25519, cosign's older ones for one
  openssl pkey -in release.key -pubout       what release.key.pub holds`,
		Args: args(0, 1, "at most one file"),
	}
	trust := cmd.Flags().Bool("trust", false, "also trust the public key on this machine")
	algorithm := cmd.Flags().String("type", signature.Ed25519, "`ALGORITHM` of the key: "+signature.Ed25519+" or "+signature.ECDSAP256)
	var pass passphraseSource
	pass.addFlag(cmd)
	cmd.Flags().BoolVar(&pass.none, "no-passphrase", false, "do not encrypt the private key, and do not ask")
	cmd.MarkFlagsMutuallyExclusive("no-passphrase", "passphrase-file")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		signer, err := signature.Generate(*algorithm)
		if err != nil {
			return &statusError{exitUsage, fmt.Errorf("--type: %w", err)}
		}
		k, err := keygen(args, *trust, signer, func(name string) ([]byte, error) { return pass.forNew(name, cmd.ErrOrStderr()) })
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), k)
		}
		out := cmd.OutOrStdout()
		protected := "not encrypted"
		if k.Encrypted {
			protected = "encrypted"
		}
		fmt.Fprintf(out, "private key  %s (%s, %s)\npublic key   %s\nfingerprint  %s\n", k.Private, k.Type, protected, k.Public, k.Fingerprint)
		if k.Trusted != "" {
			fmt.Fprintf(out, "trusted as   %s\n", k.Trusted)
		}
		return nil
	}
	return cmd
}

// madeKey is what keygen says.
type madeKey struct {
	Private     string          `json:"private"`
	Type        string          `json:"type"`
	Encrypted   bool            `json:"encrypted"`
	Public      string          `json:"public"`
	Fingerprint manifest.Digest `json:"fingerprint"`
	Trusted     string          `json:"trusted,omitempty"`
}

func keygen(args []string, trust bool, signer signature.Signer, passphrase func(name string) ([]byte, error)) (madeKey, error) {
	k := madeKey{Type: signer.Key.Algorithm(), Fingerprint: signer.Key.ID()}
	config, err := configDir()
	if err != nil && (trust || len(args) == 0) {
		return k, err
	}
	if len(args) > 0 {
		k.Private = args[0]
	} else {
		k.Private = defaultKey(config)
		if err := os.MkdirAll(config, 0o700); err != nil {
			return k, err
		}
	}
	k.Public = k.Private + ".pub"
	for _, name := range []string{k.Private, k.Public} {
		if _, err := os.Lstat(name); err == nil { // before a passphrase is asked for
			return k, existsError(name)
		}
	}
	pass, err := passphrase(k.Private)
	if err != nil {
		return k, err
	}
	k.Encrypted = len(pass) > 0
	private, err := signer.PEM(pass)
	if err != nil {
		return k, err
	}
	public := signer.Key.PEM()
	files := []newFile{{k.Private, private, 0o600}, {k.Public, public, 0o644}}
	if trust {
		dir := trustDir(config)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return k, err
		}
		k.Trusted = filepath.Join(dir, filepath.Base(k.Public))
		files = append(files, newFile{k.Trusted, public, 0o644})
	}
	return k, createAll(files)
}

func existsError(name string) error {
	return fmt.Errorf("%s exists, and keys are never overwritten: name another file, or move it away", name)
}

// newFile is a file that must not exist yet.
type newFile struct {
	name string
	data []byte
	mode os.FileMode
}

// createAll creates all files or none.
func createAll(files []newFile) error {
	for i, f := range files {
		err := createFile(f)
		if err == nil {
			continue
		}
		for _, made := range files[:i] {
			err = errors.Join(err, os.Remove(made.name))
		}
		if errors.Is(err, os.ErrExist) {
			return existsError(f.name)
		}
		return err
	}
	return nil
}

func createFile(f newFile) error {
	w, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	_, err = w.Write(f.data)
	if err == nil {
		err = w.Chmod(f.mode) // whatever the umask
	}
	if err = errors.Join(err, w.Close()); err != nil {
		err = errors.Join(err, os.Remove(f.name))
	}
	return err
}
