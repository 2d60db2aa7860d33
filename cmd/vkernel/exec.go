package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"vkernel/internal/control"
	"vkernel/internal/kernel"
	"vkernel/internal/linux"
	"vkernel/internal/sandbox"
)

func execCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "exec [flags] NAME COMMAND [ARG...]",
		Short: "Run a further command in a container that runs",
		Long: `Starts COMMAND in the container NAME, beside its first process. The same rule decides about
it: what is not in the manifest, or was revoked, is refused, and an audit file that was
given to run has a line about it.

With a terminal on standard input and output, COMMAND has a terminal of its own. Without one,
signals that would end vkernel are passed on to it. exec ends when COMMAND has, and when nothing in the container
has its output open any more. When the container's first process ends, COMMAND is killed.

The exit status is that of COMMAND, or 128 and the signal that killed it. 125 says that
it was not started, 126 that it may not be executed, 127 that there is none.`,
		Example: `  vkernel exec web sh
  vkernel exec -w /var/log web tail -n 20 access.log
  echo 'select 1;' | vkernel exec db sqlite3 /data/db`,
		Args: args(2, -1, "the name of a container and a command"),
	}
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows NAME is the container's
	f.StringArrayVarP(&o.env, "env", "e", nil, "set a variable `K=V`, or pass on the host's with K alone")
	f.StringVarP(&o.dir, "workdir", "w", "/", "working `DIR` of the command")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.std = stdio{cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()}
		o.name, o.command = args[0], args[1:]
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

// exec starts the command and gives its exit status.
func (o *runOptions) exec(ctx context.Context) (int, error) {
	c, err := find(o.name)
	if err != nil {
		return 0, err
	}
	tty := o.tty()
	e := control.Exec{Command: o.command, Pool: o.pool}
	if e.Env, err = o.environment(tty != nil); err != nil {
		return 0, err
	}
	if e.Dir, err = o.workdir(); err != nil {
		return 0, err
	}
	t, err := o.connect(&e.Streams, tty)
	if err != nil {
		return 0, err
	}
	defer t.restore()
	orders := make(chan sandbox.Control)
	e.Control = orders
	ctx, over := context.WithCancel(ctx)
	defer over()
	return supervise(ctx, remote{orders, ctx}, t, func(ctx context.Context) (kernel.Status, error) {
		defer over()
		status, err := c.Exec(ctx, e)
		if err != nil {
			if i, e := c.Info(ctx); e == nil && i.State == control.Paused {
				err = fmt.Errorf("%w: 'vkernel resume %s' lets it go on", err, o.name)
			}
		}
		return status, err
	})
}

// remote is a process in a container of another launcher, for supervise.
type remote struct {
	orders chan<- sandbox.Control
	ctx    context.Context
}

func (r remote) tell(c sandbox.Control) {
	go func() {
		select {
		case r.orders <- c:
		case <-r.ctx.Done():
		}
	}()
}

func (r remote) Signal(sig linux.Signal)     { r.tell(sandbox.Control{Signal: int(sig)}) }
func (r remote) Resize(rows, columns uint16) { r.tell(sandbox.Control{Rows: rows, Columns: columns}) }
func (r remote) Stop()                       {} // it goes on; only who looks at it stops
func (r remote) Continue()                   {}
