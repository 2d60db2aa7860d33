package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vkernel/internal/manifest"
)

func keygenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keygen [FILE]",
		Short: "Make a key to sign bundles with",
		Long: `Makes an Ed25519 key: the private key in FILE, mode 0600, and the public key in FILE.pub,
both in PEM, so that openssl reads them too. Files that exist are never overwritten.
Without FILE the key is signing.key in the configuration directory
($XDG_CONFIG_HOME/vkernel, else ~/.config/vkernel), where 'vkernel sign' looks for it.

Keep the private key to yourself, out of any bundle or source tree. Give the public key
to those who shall run your bundles; they name it with --key, or put it into their
configuration directory as trust/NAME.pub.`,
		Example: `  vkernel keygen --trust          make the default key and trust it on this machine
  vkernel keygen release.key      make release.key and release.key.pub`,
		Args: args(0, 1, "at most one file"),
	}
	trust := cmd.Flags().Bool("trust", false, "also trust the public key on this machine")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		k, err := keygen(args, *trust)
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), k)
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "private key  %s\npublic key   %s\nfingerprint  %s\n", k.Private, k.Public, k.Fingerprint)
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
	Public      string          `json:"public"`
	Fingerprint manifest.Digest `json:"fingerprint"`
	Trusted     string          `json:"trusted,omitempty"`
}

func keygen(args []string, trust bool) (madeKey, error) {
	var k madeKey
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
	private, public, err := manifest.GenerateKey()
	if err != nil {
		return k, err
	}
	pub, err := manifest.ParsePublicKey(public)
	if err != nil {
		return k, err
	}
	k.Fingerprint = manifest.Key{Public: pub}.ID()
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
			return fmt.Errorf("%s exists, and keys are never overwritten: name another file, or move it away", f.name)
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
