package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"vkernel/internal/manifest"
	"vkernel/internal/trust"
)

func trustRevokeCommand(file *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke SHA256|FILE...",
		Short: "Take back what was signed",
		Long: `Revokes digests, given as such or as files that have them. Of a program or script: it is not
executed any more, also in containers that run. Of a manifest.json, megabinary.wasm, *.aot
or rootfs.json: the bundles that hold it do not run any more, and containers made of them
start nothing more.`,
		Example: `  vkernel trust revoke --reason CVE-2026-1 old.vk/rootfs/bin/tool
  vkernel trust revoke ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`,
		Args: args(1, -1, "digests or files"),
	}
	reason := cmd.Flags().String("reason", "", "`WHY`, for the messages")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return change(cmd, *file, func(s trust.Source, p *trust.Policy) (string, error) {
			said := "revoked"
			for _, arg := range args {
				d, err := digestOf(arg)
				if err != nil {
					return "", err
				}
				if !slices.ContainsFunc(p.Revoked, sameDigest(d)) {
					p.Revoked = append(p.Revoked, trust.Revocation{SHA256: d, Reason: *reason})
				}
				said += " " + d.String()
			}
			return said, nil
		})
	}
	return cmd
}

func sameDigest(d manifest.Digest) func(trust.Revocation) bool {
	return func(r trust.Revocation) bool { return r.SHA256 == d }
}

func trustRestoreCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use:     "restore SHA256|FILE...",
		Short:   "Undo a revocation",
		Long:    `Takes digests off the list of those that are revoked.`,
		Example: `  vkernel trust restore old.vk/rootfs/bin/tool`,
		Args:    args(1, -1, "digests or files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd, *file, func(s trust.Source, p *trust.Policy) (string, error) {
				said := "revoked no longer:"
				for _, arg := range args {
					d, err := digestOf(arg)
					if err != nil {
						return "", err
					}
					if !slices.ContainsFunc(p.Revoked, sameDigest(d)) {
						return "", fmt.Errorf("%s is not revoked in %s", d, s.File)
					}
					p.Revoked = slices.DeleteFunc(p.Revoked, sameDigest(d))
					said += " " + d.String()
				}
				return said, nil
			})
		},
	}
}

func trustLowestCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use:   "lowest NAME RELEASE",
		Short: "Say the lowest release of a name that still runs",
		Long: `A bundle of this name whose manifest has a lower release does not run, however well it is
signed: without that, an attacker could bring back an old one with known faults. The
release is given when the bundle is built ('vkernel build --release'). 0 allows all.`,
		Example: `  vkernel trust lowest app 7`,
		Args:    args(2, 2, "a name and a number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			release, err := strconv.ParseUint(args[1], 10, 53)
			if err != nil {
				return &statusError{exitUsage, fmt.Errorf("release %q: expected a number", args[1])}
			}
			return change(cmd, *file, func(s trust.Source, p *trust.Policy) (string, error) {
				p.Lowest = slices.DeleteFunc(p.Lowest, func(l trust.Lowest) bool { return l.Name == args[0] })
				if release > 0 {
					p.Lowest = append(p.Lowest, trust.Lowest{Name: args[0], Release: release})
				}
				return fmt.Sprintf("the lowest release of %s that runs is %d", args[0], release), nil
			})
		},
	}
}

func positive(text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, &statusError{exitUsage, fmt.Errorf("%q: expected a number from 1 to %d", text, most)}
	}
	return n, nil
}
