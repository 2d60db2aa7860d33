package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/trust"
)

func verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Check a bundle: signature, manifest, code and every file",
		Long: `Checks everything that 'vkernel run' checks before it starts a container, and also what it
leaves for the first open: the digest of each file of the root file system, that nothing
else lies there, and that megabinary, native code and executables fit together. The first
thing that is wrong is named, and the exit status is 1.

With --rebuild the megabinary is compiled again, by the clang of this machine, and the
native code must be the same to the byte. So a signer need not trust whoever built the
bundle. It takes as long as the build did, and needs the same versions of vkernel, clang
and lld: 'vkernel inspect' names them. Nothing that an earlier build has left is used,
unless --cache names it.

A bundle that nobody has signed yet can be checked with --unsigned, by whoever is about to
sign it: all but the signatures and the trust policy.`,
		Example: `  vkernel verify app.vk
  vkernel verify --unsigned --rebuild app.vk    before signing it
  vkernel verify --key release.key.pub app.vk`,
		Args: args(1, 1, "one bundle"),
	}
	trusted := addTrustFlags(cmd)
	var r rebuildFlags
	r.add(cmd)
	unsigned := cmd.Flags().Bool("unsigned", false, "check all but signatures and trust")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "key")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "trust")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := bundle.ReadManifest(args[0]); err != nil {
			return err
		}
		if err := r.check(); err != nil {
			return err
		}
		var policy *trust.Policy // nil: signatures do not matter
		if !*unsigned {
			var err error
			if policy, _, err = trusted.load(args[0]); err != nil {
				return err
			}
		}
		checked := []bundle.Checked{}
		found := func(c bundle.Checked) {
			checked = append(checked, c)
			if !*asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "ok  %-16s  %s\n", c.Part, c.Detail)
			}
		}
		err := bundle.Verify(args[0], policy, found, func(b *bundle.Bundle) error {
			if err := checkPolicy(b, found); err != nil {
				return err
			}
			return r.rebuild(cmd, b, found)
		})
		if *asJSON {
			return verifyJSON(cmd, checked, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		return nil
	}
	return cmd
}

func verifyJSON(cmd *cobra.Command, checked []bundle.Checked, failed error) error {
	v := struct {
		OK      bool             `json:"ok"`
		Checked []bundle.Checked `json:"checked"`
		Error   string           `json:"error,omitempty"`
	}{OK: failed == nil, Checked: checked}
	if failed != nil {
		v.Error = failed.Error()
	}
	if err := writeJSON(cmd.OutOrStdout(), v); err != nil {
		return err
	}
	if failed != nil {
		return &statusError{status: exitError}
	}
	return nil
}
