package main

import (
	"github.com/spf13/cobra"

	"vkernel/internal/control"
)

func pauseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pause NAME...",
		Short: "Stop everything in a container until 'resume'",
		Long: `Stops all processes of a container, wherever they are: in a computation, in a call that
waits, in a signal handler. Nothing in it changes until 'vkernel resume NAME'. No process can tell that there was a
pause, but by the clock: timers that expired meanwhile fire when it ends.`,
		Example: `  vkernel pause web
  vkernel resume web`,
		Args: args(1, -1, "the names of containers"),
	}
	cmd.RunE = each((*control.Client).Pause)
	return cmd
}

func resumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume NAME...",
		Short: "Let a paused container go on",
		Long:  `Ends what 'vkernel pause NAME' has begun: every process goes on where it was.`,
		Args:  args(1, -1, "the names of containers"),
	}
	cmd.RunE = each((*control.Client).Resume)
	return cmd
}
