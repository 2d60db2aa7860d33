package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/manifest"
	"vkernel/internal/signature"
)

func signCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign BUNDLE",
		Short: "Sign a bundle's manifest",
		Long: `Signs the exact bytes of BUNDLE/manifest.json and writes the signature to
BUNDLE/manifest.json.sig: 64 raw bytes with an Ed25519 key, DER with an ECDSA key. A
signature that is there is replaced.

By signing you vouch for all that the manifest names by digest: programs, scripts, the
root file system and the native code, which runs with the rights of vkernel itself. Read
'vkernel inspect BUNDLE' before you sign what you did not build, and let
'vkernel verify --rebuild BUNDLE' compile the native code again.

Several can sign: each with --add puts a signature beside the others, into
BUNDLE/manifest.json.sigs. A trust policy says how many are needed ('vkernel trust').

Others can check the signatures without vkernel:

  openssl pkeyutl -verify -pubin -inkey release.key.pub -rawin \
      -in BUNDLE/manifest.json -sigfile BUNDLE/manifest.json.sig          (Ed25519)
  openssl dgst -sha256 -verify release.key.pub \
      -signature BUNDLE/manifest.json.sig BUNDLE/manifest.json            (ECDSA)

With --dsse the signature goes into BUNDLE/manifest.dsse.json, an in-toto attestation
about manifest.json in a DSSE envelope, for those who check with in-toto's tools or with
cosign 2:

  cosign verify-blob-attestation --key release.key.pub --insecure-ignore-tlog \
      --type urn:vkernel:manifest:v2 \
      --signature BUNDLE/manifest.dsse.json BUNDLE/manifest.json

` + passphraseHelp + `  It is asked for if the key is encrypted.`,
		Example: `  vkernel sign app.vk                          with the default key of 'vkernel keygen'
  vkernel sign --key release.key app.vk
  vkernel sign --add --key second.key app.vk   a second signature`,
		Args: args(1, 1, "one bundle"),
	}
	var o signOptions
	cmd.Flags().StringVar(&o.key, "key", "", "private key `FILE` (default signing.key of the configuration directory)")
	cmd.Flags().BoolVar(&o.add, "add", false, "leave manifest.json.sig as it is, and put this signature into manifest.json.sigs")
	cmd.Flags().BoolVar(&o.dsse, "dsse", false, "put this signature into a DSSE envelope, manifest.dsse.json")
	cmd.MarkFlagsMutuallyExclusive("add", "dsse")
	o.pass.addFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := o.sign(args[0], cmd.ErrOrStderr())
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

type signOptions struct {
	key       string
	add, dsse bool
	pass      passphraseSource
}

// signed is what sign says.
type signed struct {
	Bundle string          `json:"bundle"`
	File   string          `json:"file"` // that holds the signature
	Digest manifest.Digest `json:"manifest_sha256"`
	Key    manifest.Digest `json:"key"`
}

func (o *signOptions) sign(dir string, prompt io.Writer) (signed, error) {
	data, err := bundle.ReadManifest(dir)
	if err != nil {
		return signed{}, err
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return signed{}, fmt.Errorf("not signed: %w: build the bundle again", err)
	}
	key, err := o.privateKey(prompt)
	if err != nil {
		return signed{}, err
	}
	s := signed{Bundle: dir, Digest: manifest.Sum(data), Key: key.Key.ID()}
	var out []byte
	switch {
	case o.dsse:
		s.File = signature.EnvelopeFile
		old, err := bundle.ReadEnvelope(dir)
		if err != nil {
			return s, err
		}
		if out, err = signature.SignEnvelope(old, data, m, key); err != nil {
			return s, err
		}
	case o.add:
		s.File = signature.FileFor(key.Key)
		if err := os.MkdirAll(filepath.Join(dir, signature.Dir), 0o755); err != nil {
			return s, err
		}
		out, err = key.Sign(data)
	default:
		s.File = manifest.SignatureFile
		out, err = key.Sign(data)
	}
	if err != nil {
		return s, err
	}
	return s, writeAtomic(filepath.Join(dir, s.File), out)
}

func (o *signOptions) privateKey(prompt io.Writer) (signature.Signer, error) {
	var none signature.Signer
	file := o.key
	if file == "" {
		config, err := configDir()
		if err != nil {
			return none, fmt.Errorf("%w: name the private key with --key FILE", err)
		}
		file = defaultKey(config)
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return none, fmt.Errorf("there is no key to sign with: make one with 'vkernel keygen --trust', or name one with --key FILE")
		}
	}
	text, mode, err := readSmall(file)
	if err != nil {
		return none, fmt.Errorf("private key: %w", err)
	}
	if _, err := signature.ParsePublic(text); err == nil {
		return none, fmt.Errorf("%s is a public key: name the private one, %s", file, strings.TrimSuffix(file, ".pub"))
	}
	if mode.Perm()&0o077 != 0 {
		return none, fmt.Errorf("private key %s can be read by others (mode %04o): 'chmod 600 %s'", file, mode.Perm(), file)
	}
	var pass []byte
	if _, encrypted := signature.Private(text); encrypted {
		if pass, err = o.pass.forOld(file, prompt); err != nil {
			return none, err
		}
	}
	key, err := signature.ParsePrivate(text, pass)
	if err != nil {
		return none, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// maxKeyFile bounds what is read as a key.
const maxKeyFile = 64 << 10

// readSmall reads a key file, of which it also gives the mode.
func readSmall(file string) ([]byte, os.FileMode, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxKeyFile {
		return nil, 0, fmt.Errorf("%s is not a key file", file)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	return text, st.Mode(), err
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
