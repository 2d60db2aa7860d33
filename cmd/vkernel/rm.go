package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"vkernel/internal/control"
)

func rmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rm NAME...",
		Short: "Kill a container and forget its name",
		Long: `Kills every process of a container, and returns when it has ended and its name is free. What it
has written to its root file system is gone; host directories and snapshots stay.

To let it end by itself, send its first process a signal: vkernel exec NAME kill 1.`,
		Args: args(1, -1, "the names of containers"),
	}
	cmd.RunE = each((*control.Client).Remove)
	return cmd
}

// each does something to each of the containers that were named, and goes on when one fails.
func each(do func(*control.Client, context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, names []string) error {
		var failed []error
		for _, name := range names {
			c, err := find(name)
			if err == nil {
				err = do(c, background(cmd))
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
		return errors.Join(failed...)
	}
}
