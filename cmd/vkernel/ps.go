package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vkernel/internal/control"
	"vkernel/internal/kernel"
)

func psCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ps [flags] [NAME]",
		Short: "List containers that run, or the processes of one",
		Long: `Lists your containers that were started with --name or --detach, or the processes of
the container NAME.

The state of a container is running, paused, starting, or silent if its launcher does not
answer. The states of processes are those of Linux: R runs, S sleeps, T is stopped, Z has
ended and was not waited for.`,
		Example: `  vkernel ps
  vkernel ps web
  vkernel ps --json | jq -r '.[].name'`,
		Args: args(0, 1, "the name of a container, or nothing for all"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		out := cmd.OutOrStdout()
		if len(args) == 0 {
			list, err := control.List(background(cmd))
			if err == nil && *asJSON {
				return writeJSON(out, list)
			}
			if err == nil {
				err = writeContainers(out, list)
			}
			return err
		}
		c, err := find(args[0])
		if err != nil {
			return err
		}
		list, err := c.Processes(background(cmd))
		if err == nil && *asJSON {
			return writeJSON(out, list)
		}
		if err == nil {
			err = writeProcesses(out, list)
		}
		return err
	}
	return cmd
}

// background is the context of a command.
func background(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// find finds a container, or says what can be done if there is none.
func find(name string) (*control.Client, error) {
	c, err := control.Open(name)
	if errors.Is(err, control.ErrUnknown) {
		return nil, fmt.Errorf("%w: 'vkernel ps' lists those that run", err)
	}
	return c, err
}

func writeContainers(w io.Writer, list []control.Info) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no container with a name runs: 'vkernel run --name NAME BUNDLE' starts one")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSTATE\tPID\tSTARTED\tBUNDLE\tCOMMAND")
	for _, c := range list {
		started := ""
		if !c.Started.IsZero() {
			started = c.Started.Local().Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", c.Name, c.State, c.PID, started, visible(c.Bundle), commandText(c.Command))
	}
	return t.Flush()
}

func writeProcesses(w io.Writer, list []kernel.ProcessInfo) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "PID\tPPID\tUID\tSTATE\tTHREADS\tMEMORY\tNAME\tCOMMAND")
	for _, p := range list {
		fmt.Fprintf(t, "%d\t%d\t%d\t%s\t%d\t%s\t%s\t%s\n", p.PID, p.Parent, p.UID, visible(p.State), p.Threads, bytesText(p.Memory), oneLine(p.Name), commandText(p.Command))
	}
	return t.Flush()
}

// commandText shows a command on a line of its own; its words are a guest's.
func commandText(words []string) string {
	const most = 60
	text := oneLine(strings.Join(words, " "))
	if r := []rune(text); len(r) > most {
		text = string(r[:most-1]) + "…"
	}
	return text
}

// oneLine is visible for a place in a table.
func oneLine(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(visible(text))
}
