package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"vkernel/internal/control"
	"vkernel/internal/packet"
	"vkernel/internal/sandbox"
)

func forkCommand() *cobra.Command {
	var o forkOptions
	cmd := &cobra.Command{
		Use:   "fork [flags] NAME",
		Short: "Make running copies of a container",
		Long: `Makes copies of the container NAME as it is at one moment: all its processes with their memory, pipes,
terminals, timers and files. Each copy is a container of its own, in the background, in a sandbox process of its own,
named NAME-1, NAME-2 and so on, or what --as says. They go on where NAME was; NAME goes on, too, or stays paused if it was.

Copies start with the trust policy, log and audit files of NAME's launcher. Their standard input has ended, what they print goes to --output;
what led out of the container has ended, and a terminal was hung up.`,
		Example: `  vkernel fork --count 3 agent
  vkernel exec agent-2 sh -c 'echo left >/tmp/direction'`,
		Args: args(1, 1, "the name of a container"),
	}
	f := cmd.Flags()
	f.IntVar(&o.count, "count", 1, "make `K` copies")
	f.StringVar(&o.as, "as", "", "`NAME` of the copy, or with --count what stands before -1, -2 and so on (default: NAME)")
	f.StringVar(&o.output, "output", "", "append what the copies print to `FILE` (default: it is thrown away)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		done, err := o.fork(background(cmd), args[0], cmd)
		if *asJSON && err == nil {
			return writeJSON(cmd.OutOrStdout(), done)
		}
		if !*asJSON {
			for _, name := range done.Names {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
		}
		return err
	}
	return cmd
}

type forkOptions struct {
	count      int
	as, output string
}

// forked is what the command says.
type forked struct {
	Names []string      `json:"names"`
	Saved sandbox.Saved `json:"saved"`
	Took  time.Duration `json:"took"`
}

// maxCopies bounds --count.
const maxCopies = 1000

func (o *forkOptions) fork(ctx context.Context, of string, cmd *cobra.Command) (done forked, err error) {
	began := time.Now()
	if o.count < 1 || o.count > maxCopies {
		return done, &statusError{exitUsage, fmt.Errorf("--count %d: there can be 1 to %d", o.count, maxCopies)}
	}
	names, err := o.names(of)
	if err != nil {
		return done, err
	}
	c, err := find(of)
	if err != nil {
		return done, err
	}
	i, err := c.Info(ctx)
	if err != nil {
		return done, err
	}
	text, err := json.Marshal(copyOf{i})
	if err != nil {
		return done, err
	}
	info, err := packet.Seal("info", text)
	if err != nil {
		return done, err
	}
	defer info.Close()
	memory, err := packet.Memory("copy")
	if err != nil {
		return done, err
	}
	defer memory.Close()
	if done.Saved, err = c.Save(ctx, sandbox.SaveArgument{Memory: true}, memory); err != nil {
		return done, err
	}
	if err := packet.SealMemory(memory); err != nil {
		return done, err
	}
	done.Names, err = o.start(names, i, []*os.File{memory, info}, cmd)
	done.Took = time.Since(began)
	return done, err
}

// names are those of the copies; each has to be free.
func (o *forkOptions) names(of string) ([]string, error) {
	base := o.as
	if base == "" {
		base = of
	}
	taken := func(name string) (bool, error) {
		_, err := control.Open(name)
		if errors.Is(err, control.ErrUnknown) {
			return false, nil
		}
		return true, err
	}
	if o.as != "" && o.count == 1 {
		if was, err := taken(o.as); was || err != nil {
			return nil, errors.Join(err, fmt.Errorf("%s: %w: choose another name", o.as, control.ErrTaken))
		}
		return []string{o.as}, nil
	}
	var names []string
	for n := 1; len(names) < o.count; n++ {
		name := fmt.Sprintf("%s-%d", base, n)
		was, err := taken(name)
		if err != nil {
			return nil, err
		}
		if !was {
			names = append(names, name)
		}
	}
	return names, nil
}

// start starts the copies, a few at a time, and gives the names of those that run.
func (o *forkOptions) start(names []string, i control.Info, files []*os.File, cmd *cobra.Command) (running []string, err error) {
	var mu sync.Mutex
	failed := make([]error, len(names))
	slots := make(chan struct{}, 4)
	var all sync.WaitGroup
	for n, name := range names {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			args := []string{"restore", "--detached", "3", "--copy", "--name", name}
			if o.output != "" {
				args = append(args, "--detach", "--output", o.output)
			}
			var said strings.Builder
			if err := startLauncher(&said, append(append(args, i.Settings.Flags...), "memory"), files); err != nil {
				reason := strings.TrimSpace(strings.TrimPrefix(said.String(), "vkernel: "))
				failed[n] = fmt.Errorf("%s: %s (%s)", name, reason, err) // its status is not ours
				return
			}
			mu.Lock()
			defer mu.Unlock()
			running = append(running, name)
		})
	}
	all.Wait()
	slices.Sort(running)
	return running, errors.Join(failed...)
}
