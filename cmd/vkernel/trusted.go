package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vkernel/internal/trust"
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

// trustFile is the trust policy that holds without --trust.
func trustFile(config string) string { return filepath.Join(config, "trust.json") }

// trustFlags say whose bundles count.
type trustFlags struct {
	keys   []string
	policy string
}

// addTrustFlags adds --key and --trust to a command that trusts public keys.
func addTrustFlags(cmd *cobra.Command) *trustFlags {
	t := new(trustFlags)
	cmd.Flags().StringArrayVar(&t.keys, "key", nil, "trust the public key in `FILE` and no other (may be repeated; one signature is enough)")
	cmd.Flags().StringVar(&t.policy, "trust", "", "trust policy `FILE` (default trust.json and trust/*.pub of the configuration directory)")
	return t
}

// files are those that decide whom to trust; no container may reach them.
func (t *trustFlags) files() []string {
	if t.policy == "" {
		return t.keys
	}
	return append([]string{t.policy}, t.keys...)
}

// source is where the policy for a bundle comes from. Whatever keys are named, what the
// policy revokes is revoked.
func (t *trustFlags) source(bundleDir string) (trust.Source, error) {
	s := trust.Source{File: t.policy, Keys: t.keys, Bundle: bundleDir}
	if t.policy != "" {
		return s, nil
	}
	config, err := configDir()
	if err != nil {
		if len(t.keys) > 0 {
			return s, nil
		}
		return s, fmt.Errorf("%w: name the signer's public key with --key FILE", err)
	}
	s.File, s.Optional, s.KeyDir = trustFile(config), true, trustDir(config)
	return s, nil
}

// load reads the policy for a bundle.
func (t *trustFlags) load(bundleDir string) (*trust.Policy, trust.Source, error) {
	s, err := t.source(bundleDir)
	if err != nil {
		return nil, s, err
	}
	p, err := s.Load()
	var none *trust.NoKeyError
	if errors.As(err, &none) {
		if t.policy != "" {
			return nil, s, fmt.Errorf("no key is trusted: %s has none; add one with 'vkernel trust add --trust %s KEY.pub'", t.policy, args0(t.policy))
		}
		err = fmt.Errorf("no key is trusted: name the signer's public key with --key FILE, or put it into %s/ as NAME.pub ('vkernel keygen --trust' makes a key of yours and does that)", s.KeyDir)
	}
	return p, s, err
}
