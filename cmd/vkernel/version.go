package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
)

// version of vkernel; it goes into each manifest that this program builds.
const version = "0.1.0"

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of vkernel and of its formats",
		Args:  args(0, 0, "no arguments"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := struct {
			Vkernel  string `json:"vkernel"`
			Manifest int    `json:"manifest"`
			ABI      string `json:"abi"`
			Arch     string `json:"arch"`
			Go       string `json:"go"`
		}{version, manifest.Version, layout.Version, bundle.Arch, runtime.Version()}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), v)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "vkernel %s (manifest %d, native code %s for %s, %s)\n", v.Vkernel, v.Manifest, v.ABI, v.Arch, v.Go)
		return nil
	}
	return cmd
}
