package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vkernel/internal/kernel"
	"vkernel/internal/sandbox"
)

func poolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pool",
		Short: "Freeze a process of a container, and start copies of it",
		Long: `A pool is a process of a container, frozen at one moment, of which copies are started in
microseconds: each goes on from there with arguments, environment, streams and directory of
its own. The moment is when the process calls vkernel.ready, or else when it reads its
standard input, or waits for that. The process itself goes on.

Each start of a copy is a start of the process's program: when that has been changed or
revoked since, it is refused.`,
		Example: `  mkfifo in; (echo 'import json'; sleep 1d) >in &
  vkernel run -d --name web app.vk python3 -i <in
  vkernel pool create --limit 100 --idle 10m web 1
  echo 'print(json.dumps(6 * 7))' | vkernel pool run web 1
  vkernel pool ls --json web`,
	}
	cmd.AddCommand(poolCreateCommand(), poolRunCommand(), poolListCommand(), poolRemoveCommand())
	return cmd
}

func poolCreateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create [flags] NAME PID",
		Short: "Freeze the process PID of a container",
		Long: `Waits until the process calls vkernel.ready or reads its standard input, freezes it and
prints the number of the pool. PID is that in the container: see 'vkernel ps NAME'.

It is refused if the process has anything that copies could not have: threads, children,
open files beside the standard ones, timers, signals that are blocked or pending.`,
		Example: `  vkernel pool create web 1
  vkernel pool create --limit 8 --idle 90s web 12`,
		Args: args(2, 2, "the name of a container and the id of a process"),
	}
	f := cmd.Flags()
	var r sandbox.PoolRequest
	f.IntVar(&r.Copies, "limit", 0, "at most `N` copies live at once (default: as many as the container has room for)")
	f.DurationVar(&r.Idle, "idle", 0, "end the pool after `TIME` without a copy or a start (default: never)")
	f.DurationVar(&r.Wait, "wait", 10*time.Second, "give up after `TIME`, at most 25s")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		pid, err := number("the id of a process", args[1])
		if err != nil {
			return err
		}
		r.PID = pid
		c, err := find(args[0])
		if err != nil {
			return err
		}
		p, err := c.MakePool(background(cmd), r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), p.ID)
		return err
	}
	return cmd
}

func poolRunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [flags] NAME POOL [ARG...]",
		Short: "Start a copy of a pool",
		Long: `Starts a copy of the frozen process with the streams of this command, and ends when it has.
ARG are its arguments, its name first: a program that called vkernel.ready looks at them; one that was frozen
while it read its standard input has done so before, and reads what it is to do.

With a terminal on standard input and output, the copy has a terminal of its own. The exit status is
that of the copy, or 128 and the signal that killed it; 125 says that it was not started, 126 that it may not be executed.`,
		Example: `  echo 'echo $X' | vkernel pool run web 1
  vkernel pool run web 2 python3 /srv/job.py 7`,
		Args: args(2, -1, "the name of a container, the number of a pool, and arguments"),
	}
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows POOL is the copy's
	f.StringArrayVarP(&o.env, "env", "e", nil, "set a variable `K=V`, or pass on the host's with K alone")
	f.StringVarP(&o.dir, "workdir", "w", "/", "working `DIR` of the copy")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := number("the number of a pool", args[1])
		if err != nil {
			return err
		}
		o.std = stdio{cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()}
		o.name, o.pool, o.command = args[0], id, args[2:]
		status, err := o.exec(background(cmd))
		if err != nil {
			return &statusError{refusal(err), err}
		}
		if status != 0 {
			return &statusError{status: status}
		}
		return nil
	}
	return cmd
}

func poolListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls [flags] NAME",
		Short: "List the pools of a container",
		Long: `Lists the pools of a container: the program, the copies that live, those that were started, the
starts that a limit or the hash rule has refused, and the memory that all copies share.`,
		Example: `  vkernel pool ls web
  vkernel pool ls --json web | jq '.[].started'`,
		Args: args(1, 1, "the name of a container"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := find(args[0])
		if err != nil {
			return err
		}
		list, err := c.Pools(background(cmd))
		if err == nil && *asJSON {
			return writeJSON(cmd.OutOrStdout(), list)
		}
		if err == nil {
			err = writePools(cmd.OutOrStdout(), list)
		}
		return err
	}
	return cmd
}

func writePools(out io.Writer, list []kernel.PoolState) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join([]string{"POOL", "PROGRAM", "STATE", "LIVE", "STARTED", "REFUSED", "MEMORY"}, "\t"))
	for _, p := range list {
		state := "ready"
		if p.Ended {
			state = "ended"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%d\t%d\t%d\n", p.ID, visible(p.Program), state, p.Live, p.Started, p.Refused, p.Bytes)
	}
	return w.Flush()
}

func poolRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rm NAME POOL",
		Short:   "End a pool; its copies go on",
		Long:    `Ends a pool: no further copy can be started, and its memory is free when the last copy has ended.`,
		Example: `  vkernel pool rm web 1`,
		Args:    args(2, 2, "the name of a container and the number of a pool"),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := number("the number of a pool", args[1])
		if err != nil {
			return err
		}
		c, err := find(args[0])
		if err != nil {
			return err
		}
		return c.RemovePool(background(cmd), id)
	}
	return cmd
}

// number reads an argument that is a positive number.
func number(what, arg string) (int, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		return 0, &statusError{exitUsage, fmt.Errorf("%s is a number from 1 on, not %q", what, arg)}
	}
	return n, nil
}
