package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vkernel/internal/manifest"
	"vkernel/internal/trust"
)

func trustCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Say whose bundles run on this machine, and what no longer does",
		Long: `The trust policy says whose bundles run: which keys count, how many of them must have
signed, from when and until when; which digests are revoked; and the lowest release of
each name that still runs, so that an old bundle, though signed, cannot come back.

It is the file trust.json in the configuration directory ($XDG_CONFIG_HOME/vkernel, else
~/.config/vkernel), or the one named with --trust; the keys in the directory trust/ beside
it count as well. Nothing in a bundle can change it. docs/manifest.md has the format.

Containers that run follow it: what is revoked is refused at their next execve, and if a
bundle is not trusted any more at all, nothing more is started from it.`,
		Example: `  vkernel trust add --name alice alice.pub      alice's signature counts
  vkernel trust add --name bob bob.pub
  vkernel trust threshold 2                     both must have signed
  vkernel trust lowest app 7                    app before release 7 runs no more
  vkernel trust revoke --reason CVE-2026-1 bad.wasm
  vkernel trust                                 show it all`,
		Args: args(0, 0, "a subcommand, or nothing to show the policy"),
	}
	file := cmd.PersistentFlags().String("trust", "", "trust policy `FILE` (default trust.json of the configuration directory)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, p, err := readPolicy(*file)
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), p)
		}
		return showPolicy(cmd.OutOrStdout(), s, p)
	}
	cmd.AddCommand(trustAddCommand(file), trustRemoveCommand(file), trustThresholdCommand(file),
		trustRevokeCommand(file), trustRestoreCommand(file), trustLowestCommand(file))
	return cmd
}

// policySource is where `vkernel trust` reads and writes.
func policySource(file string) (trust.Source, error) {
	if file != "" {
		return trust.Source{File: file, Optional: true}, nil
	}
	config, err := configDir()
	if err != nil {
		return trust.Source{}, fmt.Errorf("%w: name the policy with --trust FILE", err)
	}
	return trust.Source{File: trustFile(config), Optional: true, KeyDir: trustDir(config)}, nil
}

// readPolicy reads the policy with the keys of its directory, for showing. It may have no
// key at all.
func readPolicy(file string) (trust.Source, *trust.Policy, error) {
	s, err := policySource(file)
	if err != nil {
		return s, nil, err
	}
	p, err := s.Load()
	var none *trust.NoKeyError
	if errors.As(err, &none) {
		p, err = s.LoadFile()
	}
	return s, p, err
}

// change reads the policy file alone, changes it and writes it. It says what it did.
func change(cmd *cobra.Command, file string, do func(s trust.Source, p *trust.Policy) (string, error)) error {
	s, err := policySource(file)
	if err != nil {
		return err
	}
	var said string
	if err := s.Change(func(p *trust.Policy) (err error) {
		said, err = do(s, p)
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", s.File, said)
	return nil
}

func trustAddCommand(file *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add KEY.pub",
		Short: "Trust a public key",
		Long: `Copies a public key into the policy. With --not-before and --expires it counts only in that
time, which is how one key follows another: give both a time in which they overlap.`,
		Example: `  vkernel trust add release.key.pub
  vkernel trust add --name 2027 --not-before 2026-12-01T00:00:00Z next.key.pub`,
		Args: args(1, 1, "one public key"),
	}
	name := cmd.Flags().String("name", "", "`NAME` of the key, for people (default: the file's, without .pub)")
	from := cmd.Flags().String("not-before", "", "`TIME` from which on it counts, in UTC as in 2026-01-02T15:04:05Z")
	until := cmd.Flags().String("expires", "", "`TIME` from which on it counts no more")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return change(cmd, *file, func(s trust.Source, p *trust.Policy) (string, error) {
			k, err := s.ReadKey(args[0])
			if err != nil {
				return "", err
			}
			t := trust.TrustedKey{Name: *name, PEM: string(k.PEM())}
			if t.Name == "" {
				t.Name = strings.TrimSuffix(filepath.Base(args[0]), ".pub")
			}
			if err := setTime(&t.NotBefore, "--not-before", *from); err != nil {
				return "", err
			}
			if err := setTime(&t.Expires, "--expires", *until); err != nil {
				return "", err
			}
			p.Keys = append(p.Keys, t)
			return fmt.Sprintf("key %s (%s) is trusted", t.Name, k.ID().Short()), nil
		})
	}
	return cmd
}

func setTime(t *trust.Time, flag, text string) error {
	if text == "" {
		return nil
	}
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return &statusError{exitUsage, fmt.Errorf("%s: %w", flag, err)}
	}
	return nil
}

func trustRemoveCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME|FINGERPRINT",
		Short: "Trust a key no longer",
		Long: `Takes a key out of the policy. Containers whose bundles are then not signed by enough keys
start nothing more. A key in the directory trust/ is taken away by removing its file.`,
		Example: `  vkernel trust remove alice`,
		Args:    args(1, 1, "the name or fingerprint of a key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd, *file, func(s trust.Source, p *trust.Policy) (string, error) {
				for i := range p.Keys {
					k := &p.Keys[i]
					id := k.Key().ID().String()
					if k.Name == args[0] || len(args[0]) >= 12 && strings.HasPrefix(id, args[0]) {
						said := fmt.Sprintf("key %s (%s) is trusted no longer", k.Name, id[:12])
						p.Keys = slices.Delete(p.Keys, i, i+1)
						return said, nil
					}
				}
				return "", fmt.Errorf("%s has no key %q ('vkernel trust' lists them)", s.File, args[0])
			})
		},
	}
}

func trustThresholdCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use:   "threshold N",
		Short: "Say how many keys must have signed",
		Long: `A bundle runs if at least N of the trusted keys have signed its manifest. A key counts once,
however many signatures it made and in whichever format.`,
		Example: `  vkernel trust threshold 2`,
		Args:    args(1, 1, "a number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := positive(args[0], trust.MaxKeys)
			if err != nil {
				return err
			}
			return change(cmd, *file, func(s trust.Source, p *trust.Policy) (string, error) {
				p.Threshold = n
				return fmt.Sprintf("%d of the trusted keys must have signed", n), nil
			})
		},
	}
}

func showPolicy(out io.Writer, s trust.Source, p *trust.Policy) error {
	fmt.Fprintf(out, "policy     %s\nthreshold  %d\n", s.File, p.Threshold)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	span := func(from, until trust.Time) string {
		text := ""
		if !from.IsZero() {
			text += "  from " + from.Format(time.RFC3339)
		}
		if !until.IsZero() {
			text += "  until " + until.Format(time.RFC3339)
		}
		return text
	}
	if t := span(p.NotBefore, p.Expires); t != "" {
		fmt.Fprintf(out, "holds    %s\n", t)
	}
	for i := range p.Keys {
		k := &p.Keys[i]
		fmt.Fprintf(w, "key      \t%s\t%s\t%s%s\n", k.Key().ID().Short(), k.Key().Algorithm(), k.Name, span(k.NotBefore, k.Expires))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range p.Revoked {
		fmt.Fprintf(out, "%s\n", strings.TrimRight(fmt.Sprintf("revoked    %s  %s", r.SHA256, r.Reason), " "))
	}
	for _, l := range p.Lowest {
		fmt.Fprintf(out, "lowest     %s  release %d\n", l.Name, l.Release)
	}
	return nil
}

// digestOf reads an argument that is a digest, or names a file whose digest is meant.
func digestOf(arg string) (manifest.Digest, error) {
	if d, err := manifest.ParseDigest(arg); err == nil {
		return d, nil
	}
	d, err := manifest.SumFile(arg)
	if err != nil {
		return d, fmt.Errorf("%s is neither a SHA-256 nor a file: %w", arg, err)
	}
	return d, nil
}
